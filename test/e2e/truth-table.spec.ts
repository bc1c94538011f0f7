import { Controller, Get } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';

import {
  AcceptsToken,
  Auth,
  ClerkModule,
  Public,
  RequireAuth,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';
import {
  CALLERS,
  FRONTEND,
  PERMISSION,
  ROUTES,
  titleOf,
  verdictOn,
  type Caller,
  type Route,
} from '../support/truth-table.js';

@Controller()
class Routes {
  @Get('default') default(@Auth() auth: AuthObject) {
    return auth;
  }
  @Public() @Get('public') public(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequireAuth() @Get('require-auth') requireAuth(@Auth() auth: AuthObject) {
    return auth;
  }
  @SkipAuth() @Get('skip-auth') skipAuth() {
    return { isAuthenticated: null };
  }
  @AcceptsToken('api_key') @Get('api-key') apiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @AcceptsToken('api_key') @Public() @Get('public-api-key') publicApiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @RequirePermission(PERMISSION) @Get('permission') permission(@Auth() auth: AuthObject) {
    return auth;
  }
}

const WAYS = {
  forRoot: (options: ClerkModuleOptions) => [ClerkModule.forRoot(options)],
  forRootAsync: (options: ClerkModuleOptions) => [
    ClerkModule.forRootAsync({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => options] })],
      inject: [ConfigService],
      useFactory: (config: ConfigService<ClerkModuleOptions>) =>
        Object.fromEntries(Object.keys(options).map((name) => [name, config.get(name as never)])),
    }),
  ],
};

/** The expected HTTP response, with the challenge and Clerk's reason why the caller is signed out. */
function expected(caller: Caller, route: Route) {
  const { status, code, isAuthenticated } = verdictOn(caller, route);
  const forApiKeys = route.endsWith('api-key');
  const sent = caller.sent[forApiKeys ? 1 : 0];
  return {
    status,
    code,
    isAuthenticated,
    challenge: status === 401 ? (sent ? 'Bearer error="invalid_token"' : 'Bearer') : null,
    reason: route === 'skip-auth' ? null : forApiKeys ? caller.apiKey : caller.session,
  };
}

describe.each(PLATFORMS)('the truth table on %s', (_, platform) => {
  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('of an application with %s:', (way) => {
    let clerk: LocalClerk;
    let other: LocalClerk;
    let app: TestApp;

    beforeAll(async () => {
      [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
      app = await TestApp.on(platform)
        .imports(...WAYS[way]({ ...clerk.options, authorizedParties: [FRONTEND] }))
        .controllers(Routes)
        .start();
    });
    afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

    describe.each(Object.keys(CALLERS))('caller "%s"', (name) => {
      const caller = CALLERS[name]!;
      const cells = ROUTES.map((route) => ({ route, result: titleOf(verdictOn(caller, route)) }));

      it.each(cells)('$result on the route $route', async ({ route }) => {
        const want = expected(caller, route);
        const { status, headers, body } = await app.send(`/${route}`, await caller.headers(clerk, other));
        expect({
          status,
          code: body.code,
          challenge: headers.get('www-authenticate'),
          reason: headers.get('x-clerk-auth-reason'),
          isAuthenticated: body.isAuthenticated,
        }).toEqual(want);
        expect(headers.get('x-clerk-auth-status')).toBe(want.reason === null ? null : 'signed-out');
        expect(headers.get('x-clerk-auth-message')).toBeNull();
        if (status !== 200)
          expect(body).toMatchObject({
            statusCode: status,
            message: expect.any(String),
            error: expect.any(String),
          });
      });
    });

    it('logs denials without any token or key', async () => {
      const secrets = [clerk.secretKey, /eyJ[\w-]+\.[\w-]+/, /ak_\w+/, /mt_\w+/];
      expect(app.logger.ofGuard('debug').length).toBeGreaterThan(0);
      for (const secret of secrets) expect(app.logger.lines.join('\n')).not.toMatch(secret);
    });
  });
});
