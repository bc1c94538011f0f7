import { Controller, Get, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';

import { ClerkInstances } from '../../lib/authentication/instances/clerk-instances.js';
import { AcceptsToken, Auth, ClerkMiddleware } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { GRAPHQL_DRIVERS, query } from '../support/graphql.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('me') me(@Auth('userId') userId: string) {
    return { userId };
  }
}

@Module({})
class Everywhere implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware).forRoutes('{*path}');
  }
}

@Resolver()
class Resolvers {
  @Query(() => String) @AcceptsToken('api_key') key(@Auth('id') id: string) {
    return id;
  }
  @Query(() => String) @AcceptsToken('m2m_token', 'api_key') machine(@Auth('id') id: string) {
    return id;
  }
}

describe.each(GRAPHQL_DRIVERS)('a GraphQL operation with hundreds of aliases, on %s', (_, platform, graphql) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .imports(graphql(), Everywhere)
      .providers(Resolvers)
      .clerk({ ...clerk.options, verificationCache: false })
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it('verifies a token with Clerk at most once per list of accepted types and once for the middleware', async () => {
    const aliases = Array.from({ length: 200 }, (_, index) => `a${index}: key b${index}: machine`);
    const { errors } = await query(app, `{ ${aliases.join(' ')} }`, { authorization: `Bearer ak_${'x'.repeat(40)}` });
    expect(errors?.[0]).toMatchObject({ extensions: { clerkCode: 'token-invalid' } });
    expect(clerk.countRequests('/api_keys/verify')).toBeLessThanOrEqual(3);
  });
});

describe.each(PLATFORMS)('a signed-in user whose cookies keep changing, on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .controllers(Routes)
      .clerk({ ...clerk.options, verificationCache: { maxBytes: 50_000 } })
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it('gets 200 for every request, whether or not the cache has room for an entry', async () => {
    const { id } = clerk.createUser();
    const cookie = await clerk.browserCookies({ user: id });
    for (let request = 0; request < 60; request++) {
      const padded = `p=${String(request % 30).padEnd(10_000, 'x')}; ${cookie}`;
      const { status, body } = await app.send('/me', { cookie: padded });
      expect([status, body]).toEqual([200, { userId: id }]);
    }
  });

  it('is forgotten when the application closes, which closes the authenticator once', async () => {
    const other = await TestApp.on(platform).controllers(Routes).clerk(clerk.options).start();
    const closeAuthenticator = jest.spyOn(other.get(ClerkInstances).own!.authenticator, 'close' as never);
    await other.close();
    expect(closeAuthenticator).toHaveBeenCalledTimes(1);
  });
});
