import { createClerkClient } from '@clerk/backend';
import fc from 'fast-check';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { StaticKeySet, type KeySet } from '../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';

/** An Express application that trusts its proxy. */
const TRUSTING = { get: () => () => true };
const SECOND = 1000;
const MINUTE = 60 * SECOND;

describe('cached identities', () => {
  let clerk: LocalClerk;
  let now: number;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  beforeEach(() => {
    now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    clerk.reset();
  });
  afterAll(() => clerk.stop());

  /** All lanes for one instance, with a spy on the call of Clerk's own client. */
  function lanes(given: ClerkModuleOptions = {}, keys: KeySet = new StaticKeySet(clerk.jwtKey), of = clerk) {
    const { publishableKey, secretKey, apiUrl } = of.options;
    const options = resolveClerkOptions({ publishableKey, secretKey, apiUrl, jwtKey: of.jwtKey, ...given }, {});
    const client = createClerkClient({ publishableKey, secretKey, apiUrl, telemetry: { disabled: true } });
    const asked = jest.spyOn(client, 'authenticateRequest');
    const authenticator = createAuthenticator(
      options,
      () => client,
      keys,
      () => now,
    );
    const ask = async (
      headers: Record<string, string>,
      {
        acceptsToken = 'session_token',
        url = '/',
        method = 'GET',
        trustsProxy = true,
      }: { acceptsToken?: AcceptsToken; url?: string; method?: string; trustsProxy?: boolean } = {},
    ): Promise<Identity> => {
      const source = {
        method,
        url,
        headers: { host: 'api.test', ...headers },
        app: trustsProxy ? TRUSTING : undefined,
      };
      return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
    };
    return { ask, asked };
  }

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const userOf = (identity: Identity) => {
    const auth = identity.toAuth();
    return 'userId' in auth ? auth.userId : undefined;
  };

  describe('of a session token in the header', () => {
    it('are one frozen object, created without calling Clerk', async () => {
      const user = clerk.createUser();
      const { ask, asked } = lanes();
      const token = await clerk.sessionToken({ user, claims: { meta: { roles: ['a'] } } });
      const [first, second, third] = [await ask(bearer(token)), await ask(bearer(token)), await ask(bearer(token))];
      expect([first, second, third].map(userOf)).toEqual([user.id, user.id, user.id]);
      expect(asked).not.toHaveBeenCalled();
      expect(third).toBe(second);
      for (const identity of [first, third]) {
        const auth = identity.toAuth() as any;
        expect(() => (auth.userId = 'user_evil')).toThrow(TypeError);
        expect(() => auth.sessionClaims.meta.roles.push('admin')).toThrow(TypeError);
        expect(await auth.getToken()).toBe(token);
      }
    });

    it('return only the token from getToken() when text follows it in the header', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) {
        const auth = (await ask(bearer(`${token} more`))).toAuth() as any;
        expect(await auth.getToken()).toBe(token);
      }
    });

    it.each([
      ['the token expired and the clock skew passed', 60 * SECOND + 5 * SECOND],
      ['the token expired an hour ago', 60 * MINUTE],
    ])('are not used once %s', async (_, later) => {
      const { ask } = lanes();
      const token = await clerk.sessionToken({ issuedAt: Math.floor(now / SECOND) });
      for (let time = 0; time < 3; time++) expect((await ask(bearer(token))).status).toBe('signed-in');
      now = Math.floor(now / SECOND) * SECOND + later;
      expect((await ask(bearer(token))).status).toBe('signed-out');
    });

    it('are verified again after a minute, even for a token that lives longer', async () => {
      let verifications = 0;
      const keys = new StaticKeySet(clerk.jwtKey);
      const counting: KeySet = {
        find: () => keys.find(),
        current: () => keys.current(),
        freshUntil: () => Infinity,
        isUnknown: () => false,
        getCached: () => (verifications++, keys.getCached()),
      };
      const { ask } = lanes({}, counting);
      const token = await clerk.sessionToken({ expiresIn: 3600 });
      for (const passed of [0, 30 * SECOND, 29 * SECOND]) {
        now += passed;
        await ask(bearer(token));
      }
      expect(verifications).toBe(1);
      now += SECOND;
      await ask(bearer(token));
      expect(verifications).toBe(2);
    });

    it('are not used while the clock is set back to before their verification', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      now -= MINUTE;
      expect((await ask(bearer(token))).status).toBe('signed-out');
    });

    it('are not used for handlers that accept other token types only', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      for (const acceptsToken of ['m2m_token', 'api_key', ['api_key', 'm2m_token']] as AcceptsToken[]) {
        expect((await ask(bearer(token), { acceptsToken })).status).toBe('signed-out');
      }
      expect((await ask(bearer(token), { acceptsToken: 'any' })).status).toBe('signed-in');
    });

    it('are not used for another instance, nor for the same one with other options', async () => {
      const token = await clerk.sessionToken({ authorizedParty: 'https://app.test' });
      const { ask } = lanes();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      const other = await LocalClerk.start();
      const elsewhere = lanes({}, new StaticKeySet(other.jwtKey), other);
      expect((await elsewhere.ask(bearer(token))).status).toBe('signed-out');
      await other.stop();
      const stricter = lanes({ authorizedParties: ['https://another.test'] });
      expect((await stricter.ask(bearer(token))).status).toBe('signed-out');
    });

    it('are not used for a token with another payload and the same signature', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      const [header, , signature] = token.split('.');
      const payload = Buffer.from(JSON.stringify({ sub: 'user_evil', sid: 'sess_evil', exp: 9999999999 })).toString(
        'base64url',
      );
      expect((await ask(bearer(`${header}.${payload}.${signature}`))).status).toBe('signed-out');
    });

    it('are not used with a session cookie or on a satellite, where Clerk checks more than the token', async () => {
      const { ask, asked } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      await ask({ ...bearer(token), cookie: '__session=e30.bnVsbA.AA' });
      expect(asked).toHaveBeenCalledTimes(1);
      const satellite = lanes({
        isSatellite: true,
        domain: 'satellite.test',
        signInUrl: 'https://primary.test/sign-in',
      });
      const atSatellite = (origin: string) => satellite.ask({ ...bearer(token), origin });
      for (let time = 0; time < 3; time++) await atSatellite('https://satellite.test');
      // Clerk's client throws there.
      expect((await atSatellite('https://primary.test')).status).toBe('signed-out');
    });
  });

  describe('of a browser', () => {
    it('are used for the same cookies at any path until the token in the cookie expires', async () => {
      const user = clerk.createUser();
      const { ask, asked } = lanes();
      const cookie = await clerk.browserCookies({ user, issuedAt: Math.floor(now / SECOND) });
      for (const url of ['/', '/a', '/b?c=d']) expect(userOf(await ask({ cookie }, { url }))).toBe(user.id);
      expect(asked).toHaveBeenCalledTimes(1);
      // Without clock skew: which of several cookies counts may change as soon as one expires.
      now = Math.floor(now / SECOND) * SECOND + 60 * SECOND;
      await ask({ cookie });
      expect(asked).toHaveBeenCalledTimes(2);
    });

    it.each<[string, Record<string, string>, { method?: string; url?: string }]>([
      ['another cookie', { cookie: '__client_uat=9999999999' }, {}],
      ['an additional cookie', { cookie: '{cookie}; __client_uat_x=1' }, {}],
      ['another method', {}, { method: 'POST' }],
      ['another host', { host: 'other.test' }, {}],
      ['another forwarded host', { 'x-forwarded-host': 'other.test' }, {}],
      ['another protocol', { 'x-forwarded-proto': 'https' }, {}],
      ['another origin', { origin: 'https://other.test' }, {}],
      ['another referer', { referer: 'https://other.test/' }, {}],
      ['a document navigation', { 'sec-fetch-dest': 'document' }, {}],
      ['an Accept header of a navigation', { accept: 'text/html' }, {}],
      ['a query parameter of Clerk', {}, { url: '/?__clerk_db_jwt=x' }],
      ['a percent-encoded query parameter of Clerk', {}, { url: '/?%5f_clerk_db_jwt=x' }],
      ['an Authorization header', { authorization: 'Bearer x' }, {}],
    ])('are not used for a request with %s', async (_, headers, request) => {
      const { ask, asked } = lanes();
      const cookie = await clerk.browserCookies();
      await ask({ cookie });
      await ask({ cookie });
      expect(asked).toHaveBeenCalledTimes(1);
      const changed = {
        cookie,
        ...headers,
        ...(headers.cookie ? { cookie: headers.cookie.replace('{cookie}', cookie) } : {}),
      };
      await ask(changed, request);
      expect(asked).toHaveBeenCalledTimes(2);
    });

    it.each([['https://other.test'], ['https://evil.test']])(
      'are used although an untrusted proxy forwards the host of %s',
      async (origin) => {
        const { ask, asked } = lanes();
        const cookie = await clerk.browserCookies();
        await ask({ cookie });
        const { host } = new URL(origin);
        const forged = { 'x-forwarded-host': host, 'x-forwarded-proto': 'javascript' };
        expect((await ask({ cookie, ...forged }, { trustsProxy: false })).status).toBe('signed-in');
        expect(asked).toHaveBeenCalledTimes(1);
      },
    );

    it('are not used for another path when organizationSyncOptions read the path', async () => {
      const { ask, asked } = lanes({ organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] } });
      const cookie = await clerk.browserCookies();
      await ask({ cookie }, { url: '/x' });
      const elsewhere = await ask({ cookie, 'sec-fetch-dest': 'document' }, { url: '/orgs/acme' });
      expect([elsewhere.status, asked.mock.calls.length]).toEqual(['handshake', 2]);
      await ask({ cookie }, { url: '/orgs/acme' });
      expect(asked).toHaveBeenCalledTimes(3);
    });

    it('are not stored when the response sets cookies', async () => {
      const { ask, asked } = lanes();
      const cookie = await clerk.browserCookies({ issuedAt: Math.floor(now / SECOND) - 120 });
      for (const time of [1, 2]) {
        const identity = await ask({ cookie });
        expect([identity.status, identity.headers.getSetCookie().length > 0]).toEqual(['signed-in', true]);
        expect(asked).toHaveBeenCalledTimes(time);
      }
    });
  });

  describe('of a machine', () => {
    it('are used for an M2M JWT until it expires, without clock skew', async () => {
      const { token } = await clerk.createM2MToken({
        machine: clerk.createMachine(),
        format: 'jwt',
        secondsUntilExpiration: 30,
      });
      const { ask, asked } = lanes();
      const options = { acceptsToken: 'm2m_token' } as const;
      for (let time = 0; time < 3; time++) expect((await ask(bearer(token), options)).tokenType).toBe('m2m_token');
      expect(asked).toHaveBeenCalledTimes(1);
      now += 31 * SECOND;
      await ask(bearer(token), options);
      expect(asked).toHaveBeenCalledTimes(2);
    });

    it('are not stored for an API key, unless machineTokens.ttl allows it, and then for that time', async () => {
      const key = clerk.createApiKey({ subject: clerk.createUser(), scopes: ['read'] });
      const options = { acceptsToken: 'api_key' } as const;
      const careful = lanes();
      for (let time = 0; time < 2; time++) await careful.ask(bearer(key.secret), options);
      expect(clerk.countRequests('/api_keys/verify')).toBe(2);

      const { ask } = lanes({ verificationCache: { machineTokens: { ttl: 10 * SECOND } } });
      const first = await ask(bearer(key.secret), options);
      clerk.revoke(key.id);
      const second = await ask(bearer(key.secret), options);
      expect(second.toAuth()).toEqual({ ...first.toAuth() });
      expect(clerk.countRequests('/api_keys/verify')).toBe(3);
      now += 10 * SECOND;
      expect((await ask(bearer(key.secret), options)).status).toBe('signed-out');
    });

    it('are created by one call to Clerk for 1,000 concurrent requests with the same API key', async () => {
      const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
      const { ask } = lanes();
      const identities = await Promise.all(
        Array.from({ length: 1_000 }, () => ask(bearer(secret), { acceptsToken: 'api_key' })),
      );
      expect(new Set(identities.map(({ status }) => status))).toEqual(new Set(['signed-in']));
      expect(clerk.countRequests('/api_keys/verify')).toBe(1);
    });
  });

  it('are not shared between a fetch that is denied and a navigation that is redirected', async () => {
    const { ask } = lanes();
    const expired = bearer(await clerk.sessionToken({ issuedAt: Math.floor(now / SECOND) - 600 }));
    const [fetched, navigated] = await Promise.all([
      ask(expired),
      ask({ ...expired, 'sec-fetch-dest': 'document' }, { url: '/page' }),
    ]);
    expect([fetched.status, navigated.status]).toEqual(['signed-out', 'handshake']);
    expect(navigated.headers.get('location')).toContain(encodeURIComponent('/page'));
  });

  it.each<[string, ClerkModuleOptions, () => Record<string, string>]>([
    ['tokens without direct verification', { directVerification: false }, () => bearer('nonsense')],
    ['cookies', {}, () => ({ cookie: '__session=nonsense; __client_uat=1; __clerk_db_jwt=d' })],
    ['tokens beside a session cookie', {}, () => ({ ...bearer('nonsense'), cookie: '__session=nonsense' })],
  ])('are not stored for denied %s: Clerk is called for each request', async (_, options, headers) => {
    const { ask, asked } = lanes(options);
    for (const time of [1, 2, 3]) {
      expect((await ask(headers())).status).toBe('signed-out');
      expect(asked).toHaveBeenCalledTimes(time);
    }
  });

  it('are not stored for denied tokens: Clerk is called for each request that it must decide about', async () => {
    const { ask, asked } = lanes();
    for (const time of [1, 2, 3]) {
      expect((await ask(bearer('nonsensé'))).status).toBe('signed-out');
      expect(asked).toHaveBeenCalledTimes(time);
    }
  });

  it('are not stored with verificationCache and directVerification disabled: Clerk is called for each request', async () => {
    const { ask, asked } = lanes({ verificationCache: false, directVerification: false });
    const token = await clerk.sessionToken();
    for (const time of [1, 2, 3]) {
      expect((await ask(bearer(token))).status).toBe('signed-in');
      expect(asked).toHaveBeenCalledTimes(time);
    }
  });

  it('are limited to maxEntries: the oldest is evicted', async () => {
    const { ask, asked } = lanes({ verificationCache: { maxEntries: 2 }, directVerification: false });
    const tokens = await Promise.all([1, 2, 3].map(() => clerk.sessionToken()));
    for (const token of tokens) await ask(bearer(token));
    await ask(bearer(tokens[2]!));
    expect(asked).toHaveBeenCalledTimes(3);
    await ask(bearer(tokens[0]!));
    expect(asked).toHaveBeenCalledTimes(4);
  });

  it('of a token in the header depend on the token only: Clerk returns the same user for any other headers and URL', async () => {
    const user = clerk.createUser();
    const token = await clerk.sessionToken({ user });
    const client = createClerkClient({ ...clerk.options, jwtKey: clerk.jwtKey });
    const text = fc.stringMatching(/^[\w./:-]{0,12}$/);
    const anything = fc.record({
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD'),
      path: fc.oneof(
        fc.constant('/orgs/acme'),
        fc.constant('/?__clerk_handshake_nonce=x'),
        text.map((rest) => `/p${rest}`),
      ),
      headers: fc.dictionary(
        fc.constantFrom('origin', 'referer', 'accept', 'sec-fetch-dest', 'x-forwarded-host', 'user-agent', 'x-any'),
        fc.oneof(text, fc.constantFrom('document', 'text/html', 'https://evil.test')),
      ),
      cookie: fc.constantFrom(
        '',
        '__client_uat=9999999999',
        '__clerk_db_jwt=x; __clerk_handshake=y',
        'a=b',
        '__refresh_x=1',
      ),
    });
    await fc.assert(
      fc.asyncProperty(anything, async ({ method, path, headers, cookie }) => {
        const sent = { ...headers, ...(cookie ? { cookie } : {}), ...bearer(token) };
        const state = await client.authenticateRequest(
          new Request(`http://localhost${path}`, { method, headers: sent }),
          {
            organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] },
          },
        );
        expect([state.status, (state.toAuth() as { userId?: string } | null)?.userId]).toEqual(['signed-in', user.id]);
      }),
      { numRuns: 200 },
    );
  });
});
