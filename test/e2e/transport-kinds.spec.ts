/** A made-up transport that is added to the list of transports, and nowhere else. */
import { Injectable, SetMetadata, type ExecutionContext, type ModuleMetadata, type Type } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { Test } from '@nestjs/testing';

import {
  Auth,
  ClerkModule,
  ClerkProtectionMap,
  Public,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { BUILT_IN_TRANSPORTS } from '../../lib/transports/application-transports.js';
import { adaptedKind } from '../../lib/transports/custom/adapted.kind.js';
import type { TransportKind } from '../../lib/transports/transport-kind.js';
import { TRANSPORT_KINDS } from '../../lib/transports/transport-kinds.js';

const adapter = {
  call: (context: ExecutionContext) => context.getArgByIndex<object>(0),
  credentials: (context: ExecutionContext) => context.getArgByIndex<{ token?: string }>(0).token,
};
const pigeon: TransportKind = {
  ...adaptedKind('pigeon', adapter),
  handlers: { keys: ['pigeon:handler'], isOn: (type) => type.name.endsWith('Loft') },
  guards: { unguarded: 'no guard checks pigeons.' },
  entryPoints: ({ name, handler }) => [
    { method: 'flight', path: `${Reflect.getMetadata('pigeon:handler', handler)}/${name}` },
  ],
};
const OnPigeon = (from: string) => SetMetadata('pigeon:handler', from);

@Injectable()
class CityLoft {
  @OnPigeon('oslo') arrive(@Auth() auth: AuthObject) {
    return auth;
  }
  @OnPigeon('oslo') @Public() land() {}
  @OnPigeon('bergen') @RequirePermission('org:seeds:eat') eat() {}
}

describe('a transport that is added to the list', () => {
  let clerk: LocalClerk;
  let close: (() => Promise<void>) | undefined;
  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(async () => {
    await close?.();
    close = undefined;
  });
  afterAll(() => clerk?.stop());

  async function start(
    metadata: ModuleMetadata,
    options: Partial<ClerkModuleOptions> & { readonly guard?: boolean } = {},
  ) {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const imports = [ClerkModule.forRoot({ publishableKey, secretKey, apiUrl, telemetry, ...options })];
    const module = await Test.createTestingModule({ imports, ...metadata })
      .overrideProvider(BUILT_IN_TRANSPORTS)
      .useValue([...TRANSPORT_KINDS, pigeon])
      .compile();
    const app = module.createNestApplication({ logger: false });
    close = () => app.close();
    return app.init();
  }

  it('has its handlers guarded', async () => {
    const app = await start({ providers: [CityLoft] });
    const [loft, creator] = [app.get(CityLoft), app.get(ExternalContextCreator, { strict: false })];
    const enhancers = { guards: true, interceptors: true, filters: false };
    const handlerOf = (name: 'arrive' | 'eat') =>
      creator.create(
        ...([
          loft,
          loft[name] as () => unknown,
          name,
          '__routeArguments__',
          { exchangeKeyForValue: () => undefined },
        ] as const),
        ...([undefined, undefined, enhancers, 'pigeon'] as const),
      );
    const user = clerk.createUser();
    const token = await clerk.sessionToken({ user });

    expect(await handlerOf('arrive')({ token })).toMatchObject({ userId: user.id });
    await expect(handlerOf('arrive')({})).rejects.toMatchObject({ status: 401 });
    await expect(handlerOf('eat')({ token })).rejects.toMatchObject({ status: 403 });
  });

  it('has rows in the protection map, after the transports before it in the list', async () => {
    const app = await start({ providers: [CityLoft] });
    const rows = app.get(ClerkProtectionMap).routes();
    expect(rows.map(({ transport, method, path, protection }) => [transport, method, path, protection])).toEqual([
      ['pigeon', 'flight', 'bergen/eat', 'strict'],
      ['pigeon', 'flight', 'oslo/arrive', 'strict'],
      ['pigeon', 'flight', 'oslo/land', 'lax'],
    ]);
  });

  @Injectable()
  class ContradictoryLoft {
    @OnPigeon('oslo') @Public() @RequirePermission('org:seeds:eat') eat() {}
  }
  @Injectable()
  class Attic {
    @OnPigeon('oslo') @RequirePermission('org:seeds:eat') eat() {}
  }
  @Injectable()
  class OpenLoft {
    @OnPigeon('oslo') @SkipAuth() arrive() {}
  }
  it.each<[string, Type, { guard?: boolean }, RegExp]>([
    ['contradictory decorators', ContradictoryLoft, {}, /ContradictoryLoft\.eat: .*@Public\(\)/],
    ['a decorated method of a class that it does not call', Attic, {}, /Attic\.eat: is decorated, but /],
    ['a restricted handler without a guard', CityLoft, { guard: false }, /CityLoft\.eat: no guard checks pigeons\./],
  ])('fails the boot for %s', async (_, type, options, message) => {
    await expect(start({ providers: [type] }, options)).rejects.toThrow(message);
  });

  it('boots for an open handler without a guard', async () => {
    await expect(start({ providers: [OpenLoft] }, { guard: false })).resolves.toBeDefined();
  });

  it('fails the boot for an adapter of its type, and the error names the option', async () => {
    await expect(start({}, { transports: { pigeon: adapter } })).rejects.toMatchObject({
      code: 'invalid-configuration',
      problems: ['transports.pigeon is built in and takes no adapter.'],
    });
  });
});
