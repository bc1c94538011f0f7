/**
 * Guards that extend ClerkGuard: they can deny more calls and replace errors, and can never allow a call that ClerkGuard
 * denies. Runs on every version of Nest that is supported.
 */
import {
  Controller,
  Get,
  HttpException,
  Injectable,
  Module,
  UseFilters,
  UseGuards,
  type ExecutionContext,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import {
  ClerkApiExceptionFilter,
  ClerkCore,
  ClerkGuard,
  ClerkMiddleware,
  ClerkModule,
  ClerkProtectionMap,
  getAuth,
  Public,
  requireClerk,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
  type Denial,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

/** What the hooks of the guard do in the current test, and what they were called with. */
@Injectable()
class Hooks {
  shouldAllow: (auth: AuthObject, context: ExecutionContext) => unknown = () => true;
  getException: (denial: Denial, context: ExecutionContext) => unknown = () => undefined;
  readonly checked: (string | null)[] = [];
  readonly denied: string[] = [];
}

@Injectable()
class HookedGuard extends ClerkGuard {
  constructor(
    core: ClerkCore,
    private readonly hooks: Hooks,
  ) {
    super(core);
  }

  protected override shouldAllow(auth: AuthObject, context: ExecutionContext) {
    this.hooks.checked.push('userId' in auth ? auth.userId : null);
    return this.hooks.shouldAllow(auth, context) as boolean;
  }

  protected override getException(denial: Denial, context: ExecutionContext) {
    this.hooks.denied.push(`${denial.status} ${denial.code}`);
    return this.hooks.getException(denial, context) as Error | undefined;
  }
}

let handled: string[] = [];

class Routes {
  @Get('strict') strict() {
    return handled.push('strict');
  }
  @Get('open') @Public() open() {
    return handled.push('open');
  }
  @Get('skipped') @SkipAuth() skipped() {
    return handled.push('skipped');
  }
  @Get('admin') @RequirePermission('org:invoices:create') admin() {
    return handled.push('admin');
  }
  @Get('*') anyOther() {
    return handled.push('any other');
  }
}

@Controller()
class GlobalRoutes extends Routes {}

@Controller()
@UseGuards(HookedGuard)
class GuardedRoutes extends Routes {}

const REGISTRATIONS = [
  ['APP_GUARD', GlobalRoutes, [Hooks, { provide: APP_GUARD, useClass: HookedGuard }]],
  ['@UseGuards()', GuardedRoutes, [Hooks]],
] as const;

const MATRIX = PLATFORMS.flatMap(([name, platform]) =>
  REGISTRATIONS.map(([registration, controller, providers]) => {
    return [registration, name, { platform, controller, providers }] as const;
  }),
);

describe.each(MATRIX)(
  'a subclass of ClerkGuard registered with %s on %s',
  (_, __, { platform, controller, providers }) => {
    let clerk: LocalClerk;
    let app: TestApp;
    let token: string;
    let userId: string;
    let hooks: Hooks;

    const start = (options: ClerkModuleOptions = {}) =>
      TestApp.on(platform)
        .controllers(controller)
        .providers(...providers)
        .clerk({ ...clerk.options, ...options, guard: false })
        .start();

    beforeAll(async () => {
      clerk = await LocalClerk.start();
      app = await start();
      const user = clerk.createUser();
      userId = user.id;
      token = await clerk.sessionToken({ user });
    });
    beforeEach(() => {
      handled = [];
      hooks = app.get(Hooks);
      Object.assign(hooks, new Hooks());
    });
    afterAll(async () => {
      await app.close();
      await clerk.stop();
    });

    it('is shown as a guard by the protection map', () => {
      const routes = app.get(ClerkProtectionMap).routes();
      expect(routes.map(({ protection }) => protection).toSorted()).toEqual([
        'lax',
        'skip',
        'strict',
        'strict',
        'strict',
      ]);
    });

    describe('shouldAllow()', () => {
      it('lets the call pass if it returns true or a promise of true', async () => {
        expect((await app.withToken('/strict', token)).status).toBe(200);
        hooks.shouldAllow = async () => true;
        expect((await app.withToken('/strict', token)).status).toBe(200);
        expect(handled).toEqual(['strict', 'strict']);
        expect(hooks.checked).toEqual([userId, userId]);
      });

      it.each<[string, () => unknown]>([
        ['false', () => false],
        ['a promise of false', async () => false],
        ['undefined', () => undefined],
        ['a promise of undefined', async () => undefined],
        ['null', () => null],
        ["the string 'true'", () => 'true'],
        ["a promise of the string 'true'", async () => 'true'],
        ['the number 1', () => 1],
        ['an object', () => ({ allowed: true })],
        ['a Boolean object', () => new Boolean(true)],
        ['a function', () => () => true],
        ['a promise of an error', async () => new Error('no')],
      ])('denies the call with 403 insufficient-permissions if it returns %s', async (_result, shouldAllow) => {
        hooks.shouldAllow = shouldAllow;
        for (const path of ['/strict', '/open']) {
          const answer = await app.withToken(path, token);
          expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient-permissions' } });
        }
        expect(handled).toEqual([]);
      });

      it.each<[string, () => unknown]>([
        ['throws an Error', () => fail(new Error('secret of the database'))],
        ['returns a rejected promise', () => Promise.reject(new Error('secret of the database'))],
        ['throws undefined', () => fail(undefined)],
        ['throws true', () => fail(true)],
        ['returns a promise rejected with true', () => Promise.reject(true)],
        ['throws an object with the status 200', () => fail({ status: 200, statusCode: 200 })],
      ])('denies the call with 500, without the error’s message, if it %s', async (_result, shouldAllow) => {
        hooks.shouldAllow = shouldAllow;
        const answer = await app.withToken('/open', token);
        expect(answer).toMatchObject({ status: 500, body: { code: 'invalid-configuration' } });
        expect(JSON.stringify(answer.body)).not.toContain('secret');
        expect(handled).toEqual([]);
      });

      it('answers with the exception of Nest that it throws', async () => {
        hooks.shouldAllow = () => fail(new HttpException('Not in your country.', 451));
        const answer = await app.withToken('/strict', token);
        expect(answer).toMatchObject({ status: 451, body: { message: 'Not in your country.' } });
        expect(handled).toEqual([]);
      });

      it('is not called for a @SkipAuth() handler', async () => {
        hooks.shouldAllow = () => false;
        expect((await app.withToken('/skipped', token)).status).toBe(200);
        expect(hooks.checked).toEqual([]);
      });

      it('is not called for calls that the policy denies, and cannot allow them', async () => {
        expect((await app.send('/strict')).status).toBe(401);
        expect((await app.withToken('/admin', token)).status).toBe(403);
        expect(hooks.checked).toEqual([]);
        expect(handled).toEqual([]);
      });

      it('is called for a signed-out caller of a @Public() handler', async () => {
        expect((await app.send('/open')).status).toBe(200);
        expect(hooks.checked).toEqual([null]);
      });

      it('can read the caller with getAuth() of the context', async () => {
        const seen: unknown[] = [];
        hooks.shouldAllow = (auth, context) => seen.push(getAuth(context).userId) && auth.isAuthenticated;
        expect((await app.withToken('/strict', token)).status).toBe(200);
        expect(seen).toEqual([userId]);
      });
    });

    describe('getException()', () => {
      class Replaced extends Error {
        readonly statusCode = 418;
        readonly data = { by: 'the application' };
      }
      const replaced = { status: 418, body: { statusCode: 418, data: { by: 'the application' } } };

      it.each<[string, string, () => Promise<{ status: number; body: any }>]>([
        ['a malformed request', '400 malformed-request', () => app.send('//evil.example')],
        ['a caller who is not signed in', '401 authentication-required', () => app.send('/strict')],
        ['an invalid token', '401 token-invalid', () => app.withToken('/strict', 'x')],
        ['a caller without the permission', '403 insufficient-permissions', () => app.withToken('/admin', token)],
      ])('replaces the error for %s', async (_denial, expected, send) => {
        hooks.getException = () => new Replaced('No.');
        const answer = await send();
        expect(answer).toMatchObject(replaced);
        expect(hooks.denied).toEqual([expected]);
        expect(handled).toEqual([]);
      });

      it('replaces the error of a call that shouldAllow() denies', async () => {
        hooks.shouldAllow = () => false;
        hooks.getException = async () => new Replaced('No.');
        expect(await app.withToken('/strict', token)).toMatchObject(replaced);
        expect(hooks.denied).toEqual(['403 insufficient-permissions']);
      });

      it('keeps the WWW-Authenticate header only if the status stays 401', async () => {
        hooks.getException = () => new HttpException('Sign in.', 401);
        expect((await app.send('/strict')).headers.get('www-authenticate')).toBe('Bearer');
        hooks.getException = () => new HttpException('Not found.', 404);
        expect((await app.send('/strict')).headers.get('www-authenticate')).toBeNull();
      });

      it.each<[string, () => unknown]>([
        ['returns undefined', () => undefined],
        ['returns true', () => true],
        ['returns a promise of true', async () => true],
        ['returns a string', () => 'allowed'],
        ['throws', () => fail(new Error('secret'))],
        ['returns a rejected promise', () => Promise.reject(new Error('secret'))],
        ['throws undefined', () => fail(undefined)],
      ])('leaves the call denied with the default error if it %s', async (_result, getException) => {
        hooks.getException = getException;
        expect(await app.send('/strict')).toMatchObject({ status: 401, body: { code: 'authentication-required' } });
        expect(await app.withToken('/admin', token)).toMatchObject({
          status: 403,
          body: { code: 'insufficient-permissions' },
        });
        expect(handled).toEqual([]);
      });

      it('is not called for allowed calls', async () => {
        expect((await app.withToken('/strict', token)).status).toBe(200);
        expect((await app.send('/open')).status).toBe(200);
        expect((await app.send('/skipped')).status).toBe(200);
        expect(hooks.denied).toEqual([]);
      });

      it('is called after onError and takes precedence over its error, but is not called for redirects', async () => {
        const heard: string[] = [];
        const onError = ({ code }: { code: string }) => {
          heard.push(code);
          return new HttpException('of onError', 402);
        };
        const own = await start({ onError });
        expect((await own.send('/strict')).status).toBe(402);
        own.get(Hooks).getException = () => new Replaced('No.');
        expect(await own.send('/strict')).toMatchObject(replaced);
        expect(heard).toEqual(['authentication-required', 'authentication-required']);
        await own.close();

        const redirecting = await start({ redirectToSignIn: true, signInUrl: '/sign-in' });
        redirecting.get(Hooks).getException = () => new Replaced('No.');
        const page = await redirecting.send('/strict', { accept: 'text/html', 'sec-fetch-dest': 'document' });
        expect([302, 307]).toContain(page.status);
        expect(redirecting.get(Hooks).denied).toEqual([]);
        await redirecting.close();
      });
    });
  },
);

describe.each(PLATFORMS)('ClerkGuard on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  beforeEach(() => (handled = []));
  afterEach(() => app?.close());
  afterAll(() => clerk.stop());

  it('calls hooks that a subclass defines as properties, which are set after its constructor', async () => {
    @Injectable()
    class WithProperties extends ClerkGuard {
      protected override shouldAllow = () => false;
    }
    app = await TestApp.on(platform)
      .controllers(GlobalRoutes)
      .providers({ provide: APP_GUARD, useClass: WithProperties })
      .clerk({ ...clerk.options, guard: false })
      .start();
    expect((await app.withToken('/strict', await clerk.sessionToken())).status).toBe(403);
  });

  it('runs the hooks of a subclass beside the global guard, which has none', async () => {
    app = await TestApp.on(platform).controllers(GuardedRoutes).providers(Hooks).clerk(clerk.options).start();
    const token = await clerk.sessionToken();
    expect((await app.withToken('/strict', token)).status).toBe(200);
    app.get(Hooks).shouldAllow = () => false;
    expect((await app.withToken('/strict', token)).status).toBe(403);
    expect(handled).toEqual(['strict']);
  });

  it('can be used with the middleware and the filter in a module that only imports ClerkModule', async () => {
    @Controller('feature')
    @UseGuards(ClerkGuard)
    @UseFilters(ClerkApiExceptionFilter)
    class FeatureController {
      @Get() list() {
        return 'listed';
      }
    }
    const clerkModule = ClerkModule.forRoot({ ...clerk.options, isGlobal: false, guard: false });
    @Module({ imports: [clerkModule], controllers: [FeatureController] })
    class FeatureModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(ClerkMiddleware).forRoutes(FeatureController);
      }
    }
    app = await TestApp.on(platform).imports(FeatureModule).start();
    expect((await app.send('/feature')).status).toBe(401);
    expect((await app.withToken('/feature', await clerk.sessionToken())).status).toBe(200);
  });

  it('has hooks that requireClerk() does not call', async () => {
    app = await TestApp.on(platform)
      .controllers(GlobalRoutes)
      .providers(Hooks, { provide: APP_GUARD, useClass: HookedGuard })
      .clerk({ ...clerk.options, guard: false })
      .start();
    app.get(Hooks).shouldAllow = () => false;
    const protect = requireClerk(app.nest);
    const next = jest.fn();
    const request = { method: 'GET', url: '/docs', headers: {}, socket: {} };
    const response = { setHeader: () => undefined, getHeader: () => undefined, headersSent: false };
    await protect(request as never, response as never, next);
    expect(next).toHaveBeenCalledWith(expect.objectContaining({ code: 'authentication-required' }));
    expect(app.get(Hooks).denied).toEqual([]);
  });
});

function fail(thrown: unknown): never {
  throw thrown;
}
