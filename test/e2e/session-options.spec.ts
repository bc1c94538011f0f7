import { Controller, Get } from '@nestjs/common';

import {
  AcceptsToken,
  AllowPendingSession,
  Auth,
  Public,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('onboarding') @AllowPendingSession() onboarding(@Auth('userId') userId: string, @Auth() auth: AuthObject) {
    return { userId, auth };
  }
  @Get('machines') @AcceptsToken('m2m_token', 'oauth_token') machines() {}
}

describe.each(PLATFORMS)('session options on %s:', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => clerk?.stop());

  async function start(options: ClerkModuleOptions = {}, trustProxy = false): Promise<TestApp> {
    const app = await TestApp.on(platform)
      .trustingItsProxy(trustProxy)
      .clerk({ ...clerk.options, ...options })
      .controllers(Routes)
      .start();
    apps.push(app);
    return app;
  }

  describe('pending sessions', () => {
    const pending = () => clerk.sessionToken({ sessionStatus: 'pending' });

    it('get 401 session-pending on a strict route, and are signed out on a public one', async () => {
      const app = await start();
      expect(await app.withToken('/strict', await pending())).toMatchObject({
        status: 401,
        body: { code: 'session-pending' },
      });
      expect((await app.withToken('/public', await pending())).body).toMatchObject({
        isAuthenticated: false,
        sessionStatus: 'pending',
      });
    });

    it('pass with @AllowPendingSession(), which still returns 401 without credentials', async () => {
      const app = await start();
      const { status, body } = await app.withToken('/onboarding', await pending());
      expect(status).toBe(200);
      expect(body).toMatchObject({
        userId: body.auth.userId,
        auth: { isAuthenticated: true, sessionStatus: 'pending' },
      });
      expect((await app.send('/onboarding')).status).toBe(401);
    });

    it('pass everywhere with treatPendingAsSignedOut: false', async () => {
      const app = await start({ treatPendingAsSignedOut: false });
      expect(await app.withToken('/strict', await pending())).toMatchObject({
        status: 200,
        body: { isAuthenticated: true },
      });
      expect((await app.withToken('/public', await pending())).body).toMatchObject({ isAuthenticated: true });
    });
  });

  describe('authorizedParties', () => {
    const authorizedParties = ['https://app.example.com'];
    const status = async (app: TestApp, claims: object) =>
      (await app.withToken('/strict', await clerk.sessionToken({ claims: claims as never }))).status;

    it('returns 401 for other parties, and for tokens without azp unless allowMissingAzp is set', async () => {
      const [strict, lenient] = [
        await start({ authorizedParties }),
        await start({ authorizedParties, allowMissingAzp: true }),
      ];
      for (const [claims, expected] of [
        [{ azp: 'https://app.example.com' }, [200, 200]],
        [{ azp: 'https://evil.example' }, [401, 401]],
        [{ azp: undefined }, [401, 200]],
      ] as const) {
        expect([await status(strict, claims), await status(lenient, claims)]).toEqual(expected);
      }
    });

    it('does not apply to machine JWTs, which have no azp', async () => {
      const app = await start({ authorizedParties });
      const m2m = await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt' });
      const oauth = await clerk.createOAuthToken({ user: clerk.createUser(), format: 'jwt' });
      for (const { token } of [m2m, oauth]) expect((await app.withToken('/machines', token)).status).toBe(200);
    });

    it('is recommended by one warning if the application boots without it', async () => {
      const recommended = (app: TestApp) =>
        app.logger.lines.filter((line) => line.includes('authorizedParties is not set'));
      const [without, withIt] = [await start(), await start({ authorizedParties })];
      await without.withToken('/strict', await clerk.sessionToken());
      expect(recommended(without)).toEqual([expect.stringMatching(/^warn /)]);
      expect(recommended(withIt)).toEqual([]);
    });
  });

  describe('audience', () => {
    const status = async (app: TestApp, aud: unknown) =>
      (await app.withToken('/strict', await clerk.sessionToken({ claims: { aud } }))).status;

    it('returns 401 for another audience, and for session tokens without aud if requireAudience is set', async () => {
      const lenient = await start({ audience: ['web', 'app'] });
      const strict = await start({ audience: { session_token: 'web' }, requireAudience: true });
      for (const [aud, expected] of [
        ['web', [200, 200]],
        [
          ['web', 'other'],
          [200, 200],
        ],
        ['other', [401, 401]],
        [undefined, [200, 401]],
      ] as const) {
        expect([await status(lenient, aud), await status(strict, aud)]).toEqual(expected);
      }
    });

    it('is not demanded by requireAudience alone', async () => {
      expect(await status(await start({ requireAudience: true }), undefined)).toBe(200);
    });

    it('applies to machine JWTs by their token type', async () => {
      const app = await start({ audience: { session_token: 'web', m2m_token: 'billing' } });
      const machine = clerk.createMachine();
      const token = (aud: string) => clerk.createM2MToken({ machine, format: 'jwt', claims: { aud } });
      expect((await app.withToken('/machines', (await token('billing')).token)).status).toBe(200);
      expect((await app.withToken('/machines', (await token('web')).token)).status).toBe(401);
    });
  });

  it('clockSkewInMs accepts a token that expired less than that ago', async () => {
    const token = () => clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 90, expiresIn: 60 });
    expect((await (await start()).withToken('/strict', await token())).status).toBe(401);
    expect((await (await start({ clockSkewInMs: 60_000 })).withToken('/strict', await token())).status).toBe(200);
  });

  describe('enableHandshake: false', () => {
    const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };

    it('returns 401 without a redirect, and does not use a nonce', async () => {
      const app = await start({ enableHandshake: false });
      const before = clerk.countRequests();
      const { status, headers } = await app.send('/strict?__clerk_handshake_nonce=n', {
        ...navigation,
        cookie: '__clerk_handshake_nonce=n',
      });
      expect([status, headers.get('location'), headers.getSetCookie()]).toEqual([401, null, []]);
      expect(clerk.countRequests()).toBe(before);
    });

    it('is the default for a fetch: a stale handshake causes no redirect and no CORS header', async () => {
      const app = await start();
      const before = clerk.countRequests();
      for (const stale of ['__clerk_handshake_nonce=n', '__clerk_handshake=t']) {
        const headers = { 'sec-fetch-dest': 'empty', origin: 'https://evil.example', cookie: stale };
        const answer = await app.send(`/strict?${stale}`, headers);
        expect([
          answer.status,
          answer.headers.get('location'),
          answer.headers.get('access-control-allow-origin'),
        ]).toEqual([401, null, null]);
        expect((await app.send('/public', headers)).status).toBe(200);
        expect((await app.withToken('/strict', await clerk.sessionToken(), headers)).status).toBe(200);
      }
      expect(clerk.countRequests() - before).toBe(1); // the keys, for the token
    });
  });

  describe('functions as options', () => {
    it.each([
      ['the forwarded host behind a trusted proxy', true, {}, 'https://b.example'],
      [
        'the forwarded host if it is in authorizedParties',
        false,
        { authorizedParties: ['https://b.example'] },
        'https://b.example',
      ],
      ['the Host header otherwise', false, {}, 'https://a.example'],
    ] as const)('are called with the host of the request: %s', async (_how, trustProxy, options, origin) => {
      const seen: string[] = [];
      const domain = (url: URL) => (seen.push(url.origin), '');
      const app = await start({ ...options, domain } as ClerkModuleOptions, trustProxy);
      await app.send('/public', { host: 'a.example', 'x-forwarded-host': 'b.example', 'x-forwarded-proto': 'https' });
      expect(seen).toEqual([origin]);
    });

    it('that throw cause 500, and signed out on a public route, and the log says why', async () => {
      const app = await start({
        isSatellite: () => {
          throw new Error('cannot tell');
        },
      });
      expect(await app.withToken('/strict', await clerk.sessionToken())).toMatchObject({
        status: 500,
        body: { code: 'invalid-configuration' },
      });
      expect(await app.withToken('/public', await clerk.sessionToken())).toMatchObject({
        status: 200,
        body: { isAuthenticated: false },
      });
      expect(app.logger.ofGuard('error')[0]).toContain('The function of the option isSatellite threw (cannot tell)');
    });
  });

  it('debug logs the outcome and reason of each request, without its token', async () => {
    const app = await start({ debug: true });
    const token = await clerk.sessionToken();
    await app.withToken('/strict', token);
    await app.send('/public');
    await app.send('/strict', { accept: 'text/html' });
    expect(app.logger.ofGuard('log').map((line) => line.replace(/^log | undefined| ClerkGuard$/g, ''))).toEqual([
      'Routes.strict: signed-in: allowed',
      'Routes.public: signed-out, no credentials: allowed',
      'Routes.strict: handshake, dev-browser-missing: redirected to Clerk 307',
    ]);
    expect(app.logger.lines.join()).not.toContain(token);
  });
});
