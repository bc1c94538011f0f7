import { Controller, Get } from '@nestjs/common';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import { Auth, Public, RedirectToSignIn, type AuthObject, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public() {
    return 'open';
  }
  @Get('page') @RedirectToSignIn() page() {}
}

/** Ways around a check: other spellings, other places for a token, and forwarded headers. */
describe.each(PLATFORMS)('bypasses on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => clerk?.stop());

  async function start(
    options: ClerkModuleOptions = {},
    configure: (app: TestApp['nest']) => unknown = () => undefined,
  ) {
    const app = await TestApp.on(platform)
      .clerk({ ...clerk.options, ...options })
      .controllers(Routes)
      .before(configure)
      .start();
    apps.push(app);
    return app;
  }

  describe('of authorizedParties with allowMissingAzp:', () => {
    const BROWSER_COOKIES = '__client_uat=1; __clerk_db_jwt=d';
    const evil = () => clerk.sessionToken({ authorizedParty: 'https://evil.example' });

    it.each<[string, (token: string) => Record<string, string>]>([
      ['the Authorization header', (token) => ({ authorization: `Bearer ${token}` })],
      ['the session cookie', (token) => ({ cookie: `__session=${token}; ${BROWSER_COOKIES}` })],
      [
        'a percent-encoded session cookie',
        (token) => ({ cookie: `__session=${token.replaceAll('.', '%2E')}; ${BROWSER_COOKIES}` }),
      ],
      [
        'a session cookie with a space after its name',
        (token) => ({ cookie: `__session =${token}; __session_z=a.b.c; ${BROWSER_COOKIES}` }),
      ],
      [
        'a suffixed session cookie',
        (token) => {
          const suffix = computeCookieSuffix(clerk.publishableKey);
          return { cookie: `__session_${suffix}=${token}; __client_uat_${suffix}=1; __clerk_db_jwt_${suffix}=d` };
        },
      ],
    ])('a token of another party in %s is denied with 401', async (_carrier, carry) => {
      const app = await start({ authorizedParties: ['https://app.example.com'], allowMissingAzp: true });
      const good = await clerk.sessionToken({ authorizedParty: 'https://app.example.com' });
      const without = await clerk.sessionToken({ claims: { azp: undefined } });
      expect((await app.send('/strict', carry(good))).status).toBe(200);
      expect((await app.send('/strict', carry(without))).status).toBe(200);
      const { status, headers } = await app.send('/strict', carry(await evil()));
      expect([status, headers.get('x-clerk-auth-reason')]).toEqual([401, 'token-invalid-authorized-parties']);
    });

    it('a token of another party inside a handshake does not get 200', async () => {
      const app = await start({ authorizedParties: ['https://app.example.com'], allowMissingAzp: true });
      const handshake = clerk.sign({
        claims: { handshake: [`__session=${await evil()}; Path=/`, '__client_uat=1; Path=/'] },
      });
      const headers = { accept: 'text/html', 'sec-fetch-dest': 'document', cookie: '__clerk_db_jwt=d' };
      const { status } = await app.send(`/strict?__clerk_handshake=${handshake}`, headers);
      expect(status).not.toBe(200);
    });
  });

  describe('of handshake removal:', () => {
    it.each([
      '__clerk_handshake_nonce=x',
      '%5F_clerk_handshake_nonce=x',
      '__clerk%5fhandshake=x',
      '_%5fclerk_handshake_nonce=x',
    ])('?%s on a fetch adds no CORS headers to the application’s own and causes no call to Clerk', async (query) => {
      for (const enableHandshake of [true, false]) {
        const app = await start({ enableHandshake }, (nest) =>
          nest.enableCors({ origin: ['https://app.example.com'], credentials: true }),
        );
        const before = clerk.countRequests();
        for (const origin of ['https://app.example.com', 'null', 'https://evil.example']) {
          const { status, headers } = await app.send(`/public?${query}`, { 'sec-fetch-dest': 'empty', origin });
          const allowed = headers.get('access-control-allow-origin');
          expect([status, allowed]).toEqual([200, origin === 'https://app.example.com' ? origin : null]);
        }
        expect(clerk.countRequests()).toBe(before);
      }
    });

    it('a fetch that accepts text/html gets no CORS headers', async () => {
      const app = await start();
      for (const path of ['/public', '/strict']) {
        const { headers } = await app.send(`${path}?__clerk_handshake_nonce=x`, {
          accept: 'text/html',
          origin: 'null',
        });
        expect(headers.get('access-control-allow-origin')).toBeNull();
        expect(headers.get('access-control-allow-credentials')).toBeNull();
      }
    });
  });

  describe('of key rotation:', () => {
    it('sessions signed with the old and the new key are both accepted in either cookie; forged ones get 401', async () => {
      const rotating = await LocalClerk.start();
      const app = await start(rotating.options);
      const old = await rotating.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 30 });
      rotating.rotateKey();
      const fresh = await rotating.sessionToken();
      const forged = await rotating.sessionToken({ key: clerk });
      const suffix = computeCookieSuffix(rotating.publishableKey);
      const send = async (plain: string, suffixed: string) => {
        const cookie = `__session=${plain}; __client_uat=1; __session_${suffix}=${suffixed}; __client_uat_${suffix}=1; __clerk_db_jwt=d; __clerk_db_jwt_${suffix}=d`;
        return (await app.send('/strict', { cookie })).status;
      };
      expect(await send(old, fresh)).toBe(200);
      expect(await send(fresh, old)).toBe(200);
      expect(await send(fresh, fresh)).toBe(200);
      expect(await send(old, old)).toBe(200);
      expect(await send(forged, forged)).toBe(401);
      expect((await app.withToken('/strict', forged)).status).toBe(401);
      await rotating.stop();
    });
  });

  describe('of the sign-in redirect:', () => {
    const navigation = {
      accept: 'text/html',
      'sec-fetch-dest': 'document',
      cookie: '__clerk_db_jwt=d; __client_uat=0',
    };

    it.each(['/sign-in', undefined])('a forwarded host is not its target with signInUrl %p', async (signInUrl) => {
      const app = await start({ signInUrl });
      const { status, headers } = await app.send('/page', { ...navigation, 'x-forwarded-host': 'evil.example' });
      expect(status).toBe(302);
      expect(headers.get('location')).toMatch(/^\/(sign-in)?\?redirect_url=/);
      expect(headers.get('cache-control')).toBe('no-store');
    });
  });
});
