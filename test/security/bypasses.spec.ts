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

/** Ways around a check that differ from the front door only in spelling. */
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

  describe('of authorizedParties with allowMissingAzp', () => {
    const OTHERS = '__client_uat=1; __clerk_db_jwt=d';
    const evil = () => clerk.sessionToken({ authorizedParty: 'https://evil.example' });

    it.each<[string, (token: string) => Record<string, string>]>([
      ['a header', (token) => ({ authorization: `Bearer ${token}` })],
      ['a cookie', (token) => ({ cookie: `__session=${token}; ${OTHERS}` })],
      ['a percent-encoded cookie', (token) => ({ cookie: `__session=${token.replaceAll('.', '%2E')}; ${OTHERS}` })],
      [
        'a cookie with a blank in its name',
        (token) => ({ cookie: `__session =${token}; __session_z=a.b.c; ${OTHERS}` }),
      ],
      [
        'a suffixed cookie',
        (token) => {
          const suffix = computeCookieSuffix(clerk.publishableKey);
          return { cookie: `__session_${suffix}=${token}; __client_uat_${suffix}=1; __clerk_db_jwt_${suffix}=d` };
        },
      ],
    ])('a token for another party in %s is refused', async (_carrier, carry) => {
      const app = await start({ authorizedParties: ['https://app.example.com'], allowMissingAzp: true });
      const good = await clerk.sessionToken({ authorizedParty: 'https://app.example.com' });
      const without = await clerk.sessionToken({ claims: { azp: undefined } });
      expect((await app.send('/strict', carry(good))).status).toBe(200);
      expect((await app.send('/strict', carry(without))).status).toBe(200);
      const { status, headers } = await app.send('/strict', carry(await evil()));
      expect([status, headers.get('x-clerk-auth-reason')]).toEqual([401, 'token-invalid-authorized-parties']);
    });

    it('a token for another party inside a handshake is refused', async () => {
      const app = await start({ authorizedParties: ['https://app.example.com'], allowMissingAzp: true });
      const handshake = clerk.sign({
        claims: { handshake: [`__session=${await evil()}; Path=/`, '__client_uat=1; Path=/'] },
      });
      const headers = { accept: 'text/html', 'sec-fetch-dest': 'document', cookie: '__clerk_db_jwt=d' };
      const { status } = await app.send(`/strict?__clerk_handshake=${handshake}`, headers);
      expect(status).not.toBe(200);
    });
  });

  describe('of handshake stripping', () => {
    it.each([
      '__clerk_handshake_nonce=x',
      '%5F_clerk_handshake_nonce=x',
      '__clerk%5fhandshake=x',
      '_%5fclerk_handshake_nonce=x',
    ])('?%s on a fetch opens no CORS, spends nothing, and leaves the application’s own CORS alone', async (query) => {
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

    it('a fetch that passes for a navigation gets no CORS from Clerk either', async () => {
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

  describe('of key rotation', () => {
    it('sessions under the old and the new key are both good, in whichever cookie, and neither makes a forgery so', async () => {
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
      expect([await send(old, fresh), await send(fresh, old), await send(fresh, fresh), await send(old, old)]).toEqual([
        200, 200, 200, 200,
      ]);
      expect([await send(forged, forged), (await app.withToken('/strict', forged)).status]).toEqual([401, 401]);
      await rotating.stop();
    });
  });

  describe('of the sign-in redirect', () => {
    const navigation = {
      accept: 'text/html',
      'sec-fetch-dest': 'document',
      cookie: '__clerk_db_jwt=d; __client_uat=0',
    };

    it.each(['/sign-in', undefined])('a forwarded host never becomes its target (signInUrl %p)', async (signInUrl) => {
      const app = await start({ signInUrl });
      const { status, headers } = await app.send('/page', { ...navigation, 'x-forwarded-host': 'evil.example' });
      expect(status).toBe(302);
      expect(headers.get('location')).toMatch(/^\/(sign-in)?\?redirect_url=/);
      expect(headers.get('cache-control')).toBe('no-store');
    });
  });
});
