import { Controller, ForbiddenException, Get, type ExecutionContext } from '@nestjs/common';

import {
  AcceptsToken,
  Auth,
  Public,
  RedirectToSignIn,
  RequirePermission,
  type AuthObject,
  type ClerkModuleOptions,
  type OnError,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {
    return 'in';
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('permission') @RequirePermission('org:a:b') permission() {}
  @Get('tasks') tasks() {}
}

@Controller('pages')
@RedirectToSignIn()
class Pages {
  @Get() index() {
    return 'page';
  }
  @Get('sign-in') signIn() {
    return 'page';
  }
  @Get('machines') @AcceptsToken('api_key') machines() {}
  @Get('several-machines') @AcceptsToken('api_key', 'm2m_token') severalMachines() {}
  @Get('mixed') @AcceptsToken('session_token', 'api_key') mixed() {
    return 'page';
  }
}

/** A navigation of a signed-out browser that has a development browser cookie. */
const NAVIGATION = {
  accept: 'text/html',
  'sec-fetch-dest': 'document',
  cookie: '__clerk_db_jwt=dvb_1; __client_uat=0',
};

describe.each(PLATFORMS)('denials on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    clerk.recover();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => clerk?.stop());

  async function start(options: ClerkModuleOptions): Promise<TestApp> {
    const app = await TestApp.on(platform)
      .clerk({ ...clerk.options, ...options })
      .controllers(Routes, Pages)
      .start();
    apps.push(app);
    return app;
  }

  it('have different codes for an expired token, a foreign origin, a malformed token and no token', async () => {
    const origin = 'https://app.example.com';
    const app = await start({ authorizedParties: [origin] });
    const code = async (authorization?: string) => {
      const answer = await app.send('/strict', authorization === undefined ? {} : { authorization });
      return (answer.body as { code: string }).code;
    };
    const bearer = async (options: Parameters<LocalClerk['sessionToken']>[0]) =>
      `Bearer ${await clerk.sessionToken(options)}`;
    const issuedAt = new Date('2020-01-01');

    expect(await code(await bearer({ authorizedParty: origin, issuedAt }))).toBe('token-expired');
    expect(await code(await bearer({ authorizedParty: 'https://evil.example' }))).toBe('origin-not-allowed');
    expect(await code(await bearer({ claims: { azp: undefined } }))).toBe('origin-not-allowed');
    // A fresh token of this origin would be denied as well.
    expect(await code(await bearer({ authorizedParty: 'https://evil.example', issuedAt }))).toBe('origin-not-allowed');
    expect(await code('Bearer undefined')).toBe('token-invalid');
    expect(await code('Bearer null')).toBe('token-invalid');
    expect(await code('Bearer [object Promise]')).toBe('token-invalid');
    expect(await code()).toBe('authentication-required');
  });

  describe('onError', () => {
    /** An onError that records its calls and returns the given answer. */
    function listener(answer: () => unknown = () => undefined) {
      const calls: string[] = [];
      const onError: OnError = async (error, context: ExecutionContext) => {
        calls.push(`${error.getStatus()} ${error.code} ${context.getHandler().name}`);
        return answer() as Error;
      };
      return { calls, onError };
    }

    it('is called for every 401 of a strict handler and for invalid credentials on a lax one, and for nothing else', async () => {
      const { calls, onError } = listener();
      const app = await start({ onError });
      const good = await clerk.sessionToken();
      const steps: [string, string | undefined, number, string | undefined][] = [
        ['/strict', undefined, 401, '401 authentication-required strict'],
        ['/strict', 'garbage', 401, '401 token-invalid strict'],
        ['/public', 'garbage', 200, '401 token-invalid public'],
        ['/public', await clerk.sessionToken({ sessionStatus: 'pending' }), 200, '401 session-pending public'],
        ['/public', undefined, 200, undefined],
        ['/strict', good, 200, undefined],
        ['/permission', good, 403, undefined],
        ['/permission', undefined, 401, '401 authentication-required permission'],
      ];
      for (const [path, token, status, expected] of steps) {
        const answer = await (token ? app.withToken(path, token) : app.send(path));
        expect([path, answer.status, calls.splice(0)]).toEqual([path, status, expected ? [expected] : []]);
      }
    });

    it('is called for an outage, on strict and lax handlers', async () => {
      const { calls, onError } = listener();
      const app = await start({ onError });
      clerk.outage('refuse');
      const token = await clerk.sessionToken();
      expect((await app.withToken('/strict', token)).status).toBe(503);
      expect((await app.withToken('/public', token)).status).toBe(200);
      expect(calls).toEqual(['503 clerk-unavailable strict', '503 clerk-unavailable public']);
    });

    it('denies with the message, statusCode and data of the Error it returns, on a lax handler too', async () => {
      const error = Object.assign(new Error('Renew your subscription'), { statusCode: 402, data: { plan: 'pro' } });
      const app = await start({ onError: listener(() => error).onError });
      for (const path of ['/strict', '/public']) {
        expect(await app.withToken(path, 'garbage')).toMatchObject({
          status: 402,
          body: { statusCode: 402, message: 'Renew your subscription', code: 'token-invalid', data: { plan: 'pro' } },
        });
      }
    });

    it.each([undefined, 200, 302, 999, '402', NaN])(
      'denies with 401 if it returns an Error with statusCode %p',
      async (statusCode) => {
        const app = await start({ onError: listener(() => Object.assign(new Error('no'), { statusCode })).onError });
        const { status, headers } = await app.withToken('/public', 'garbage');
        expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
      },
    );

    it('denies with the HttpException it returns, unchanged', async () => {
      const app = await start({ onError: listener(() => new ForbiddenException({ own: true })).onError });
      expect(await app.withToken('/public', 'garbage')).toMatchObject({ status: 403, body: { own: true } });
    });

    it.each([undefined, null, true, 'let in', { isAuthenticated: true }])(
      'does not let the caller in if it returns %j',
      async (answer) => {
        const app = await start({ onError: listener(() => answer).onError });
        expect((await app.withToken('/strict', 'garbage')).status).toBe(401);
      },
    );

    it.each([
      [new Error('broken hook'), 'threw, so the call is denied: broken hook'],
      [{ token: 'secret' }, 'threw a non-Error value; the call is denied'],
    ])('denies with 401 if it throws %p, on a lax handler too', async (thrown, message) => {
      const app = await start({
        onError: () => {
          throw thrown;
        },
      });
      for (const path of ['/strict', '/public']) expect((await app.withToken(path, 'garbage')).status).toBe(401);
      expect(app.logger.ofGuard('error')[0]).toContain(`onError ${message} `);
    });
  });

  describe('redirectToSignIn', () => {
    const signInUrl = 'https://accounts.example.com/sign-in?theme=dark';

    it('redirects a navigation to the sign-in page with the page as redirect_url', async () => {
      const app = await start({ signInUrl });
      const { status, headers, body } = await app.send('/pages?a=1', NAVIGATION);
      const location = new URL(headers.get('location')!);
      expect([status, body.code, location.origin + location.pathname]).toEqual([
        302,
        'sign-in-required',
        'https://accounts.example.com/sign-in',
      ]);
      expect(location.searchParams.get('theme')).toBe('dark');
      expect(location.searchParams.get('redirect_url')).toBe(`http://127.0.0.1:${app.port}/pages?a=1`);
      expect(location.searchParams.get('__clerk_db_jwt')).toBe('dvb_1');
    });

    it('returns 401 for a fetch and for a route without it, and the page for a signed-in caller', async () => {
      const app = await start({ signInUrl });
      const { 'sec-fetch-dest': _destination, accept: _accept, ...fetched } = NAVIGATION;
      for (const headers of [fetched, { ...NAVIGATION, 'sec-fetch-dest': 'empty' }, {}]) {
        expect((await app.send('/pages', headers)).status).toBe(401);
      }
      expect((await app.send('/strict', NAVIGATION)).status).toBe(401);
      expect((await app.withToken('/pages', await clerk.sessionToken(), NAVIGATION)).body).toBe('page');
    });

    it('redirects from every strict route as a module option, and not from a public one', async () => {
      const app = await start({ signInUrl: '/pages/sign-in', redirectToSignIn: true });
      const { status, headers } = await app.send('/strict', NAVIGATION);
      expect([status, headers.get('location')?.split('?')[0]]).toEqual([302, '/pages/sign-in']);
      expect((await app.send('/public', NAVIGATION)).status).toBe(200);
    });

    it('redirects to / without a signInUrl', async () => {
      const app = await start({ signInUrl: undefined });
      expect((await app.send('/pages', NAVIGATION)).headers.get('location')).toMatch(/^\/\?redirect_url=/);
    });

    it('returns 401 on the sign-in page itself', async () => {
      const app = await start({ signInUrl: '/pages/sign-in' });
      const { status, headers } = await app.send('/pages/sign-in?redirect_url=x', NAVIGATION);
      expect([status, headers.get('location')]).toEqual([401, null]);
    });

    it.each([
      [undefined, '/tasks'],
      ['/', '/tasks'],
      ['/.//evil.example', '/evil.example/tasks'],
      ['/sign-in', '/sign-in/tasks'],
    ])('with signInUrl %p, redirects a pending session to %s', async (signInUrl, path) => {
      const app = await start({ signInUrl });
      const token = await clerk.sessionToken({ sessionStatus: 'pending' });
      const { status, headers } = await app.withToken('/pages', token, NAVIGATION);
      expect([status, headers.get('location')?.split('?')[0]]).toEqual([302, path]);
    });

    it('returns 401 for a pending session on the tasks page itself', async () => {
      const app = await start({ signInUrl: '/', redirectToSignIn: true });
      const token = await clerk.sessionToken({ sessionStatus: 'pending' });
      expect((await app.withToken('/tasks', token, NAVIGATION)).status).toBe(401);
    });

    it('returns 503 instead of a redirect during an outage', async () => {
      const app = await start({ signInUrl });
      clerk.outage('refuse');
      const headers = { ...NAVIGATION, authorization: `Bearer ${await clerk.sessionToken()}` };
      expect((await app.send('/pages', headers)).status).toBe(503);
    });

    describe.each(['machines', 'several-machines'])('on /pages/%s, which accepts no sessions,', (route) => {
      it('returns 401 instead of a redirect for a signed-in browser', async () => {
        const app = await start({ signInUrl });
        const cookie = `__session=${await clerk.sessionToken()}; __client_uat=1`;
        const { status, headers, body } = await app.send(`/pages/${route}`, { ...NAVIGATION, cookie });
        expect([status, headers.get('location')]).toEqual([401, null]);
        expect(body).toMatchObject({
          code: 'token-invalid',
          message: 'This type of credential is not accepted here.',
        });
      });

      it('returns 401 for a signed-out browser, since signing in would not help', async () => {
        const app = await start({ signInUrl });
        const { status, body } = await app.send(`/pages/${route}`, NAVIGATION);
        expect([status, body.code]).toEqual([401, 'authentication-required']);
      });
    });

    it('redirects a navigation on a route that accepts sessions and API keys', async () => {
      const app = await start({ signInUrl });
      expect((await app.send('/pages/mixed', NAVIGATION)).status).toBe(302);
    });

    it.each<[string, ClerkModuleOptions, Record<string, unknown>]>([
      ['azp', { authorizedParties: ['https://app.example.com'] }, { azp: 'https://evil.example.com' }],
      ['aud', { audience: 'web' }, { aud: 'mobile' }],
    ])('returns 401 for a session with a wrong %s, since signing in would not change it', async (_, more, claims) => {
      const app = await start({ signInUrl, ...more });
      const token = await clerk.sessionToken({ claims });
      const cookie = `__session=${token}; __client_uat=1; __clerk_db_jwt=dvb_1`;
      expect((await app.send('/pages', { ...NAVIGATION, cookie })).status).toBe(401);
    });

    it('is logged as a redirect at level debug', async () => {
      const app = await start({ signInUrl });
      await app.send('/pages', NAVIGATION);
      const [line] = app.logger.ofGuard('debug');
      expect(line).toContain('Pages.index: redirected to sign in 302 (sign-in-required): no credentials');
    });

    it('is logged as a redirect and not as a denial with the option debug', async () => {
      const app = await start({ signInUrl, debug: true });
      await app.send('/pages', NAVIGATION);
      expect(app.logger.ofGuard('log').join()).toContain(': redirected to sign in 302');
      expect(app.logger.lines.join()).not.toContain('denied 401');
    });

    it('logs a 401 of the same route as a denial', async () => {
      const app = await start({ signInUrl });
      await app.send('/pages');
      expect(app.logger.ofGuard('debug')[0]).toContain('Pages.index: denied 401 (authentication-required)');
    });

    it('is replaced by the Error that onError returns', async () => {
      const app = await start({ signInUrl, onError: () => Object.assign(new Error('no'), { statusCode: 418 }) });
      expect((await app.send('/pages', NAVIGATION)).status).toBe(418);
    });
  });
});
