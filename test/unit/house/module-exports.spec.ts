import 'reflect-metadata';

import {
  ClerkApiExceptionFilter,
  ClerkClients,
  ClerkClientService,
  ClerkCore,
  ClerkGuard,
  ClerkModule,
  ClerkProtectionMap,
  ClerkSockets,
} from '../../../lib/index.js';

describe('ClerkModule', () => {
  it('exports the providers that users may inject, and ClerkCore, which its own enhancers inject', () => {
    const exported = Reflect.getMetadata('exports', ClerkModule) as unknown[];
    expect(new Set(exported)).toEqual(
      new Set([
        ClerkApiExceptionFilter,
        ClerkClients,
        ClerkClientService,
        ClerkCore,
        ClerkGuard,
        ClerkProtectionMap,
        ClerkSockets,
      ]),
    );
    expect(exported).toHaveLength(7);
  });

  it.each(['forRoot', 'forRootAsync'] as const)('exports nothing else with %s()', (method) => {
    const dynamicModule =
      method === 'forRoot' ? ClerkModule.forRoot() : ClerkModule.forRootAsync({ useFactory: () => ({}) });
    expect(dynamicModule.exports ?? []).toEqual([]);
  });
});
