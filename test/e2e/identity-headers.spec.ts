import { Controller, Get, UseGuards, type MiddlewareConsumer, type NestModule } from '@nestjs/common';

import { ClerkGuard, ClerkMiddleware, Public } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpTransport } from '../../lib/transports/http/http.transport.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {}
  @Get('public') @Public() public() {}
  @Get('twice') @UseGuards(ClerkGuard) twice() {}
}

class WithMiddleware implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware).forRoutes('{*path}');
  }
}

const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

// HttpTransport remembers the entries of an identity's headers, since requests may share the identity.
describe.each(PLATFORMS)('the headers of an identity on %s', (_platformName, platform) => {
  const CHANGING = ['set', 'append', 'delete'] as const;
  let clerk: LocalClerk;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());
  afterEach(() => jest.restoreAllMocks());

  it.each([[[]], [[WithMiddleware]]])('are never changed after it was attached: with %p', async (modules) => {
    const app = await TestApp.on(platform)
      .clerk(clerk.options)
      .imports(...modules)
      .controllers(Routes)
      .start();
    const attached = new Set<Headers>();
    const { attach } = HttpTransport.prototype;
    jest.spyOn(HttpTransport.prototype, 'attach').mockImplementation(function (this: HttpTransport, context, call) {
      attached.add(call.identity.headers);
      return attach.call(this, context, call);
    });
    const changed: Headers[] = [];
    for (const name of CHANGING) {
      const original = Headers.prototype[name] as (...args: string[]) => void;
      jest.spyOn(Headers.prototype, name).mockImplementation(function (this: Headers, ...args: string[]) {
        if (attached.has(this)) changed.push(this);
        return original.apply(this, args);
      });
    }
    const expired = await clerk.browserCookies({ expiresIn: -60 });
    const requests: Record<string, string>[] = [
      {},
      NAVIGATION,
      { authorization: `Bearer ${await clerk.sessionToken()}` },
      { authorization: 'Bearer invalid' },
      { cookie: await clerk.browserCookies() },
      { cookie: expired },
      { cookie: expired, ...NAVIGATION },
    ];
    for (const headers of [...requests, ...requests]) {
      for (const path of ['/strict', '/public', '/twice']) await app.send(path, headers);
    }
    expect(attached.size).toBeGreaterThan(3);
    expect(changed).toEqual([]);
    await app.close();
  });
});
