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

/** What Express says of its setting. */
const TRUSTING = { get: () => () => true };
const SECOND = 1000;
const MINUTE = 60 * SECOND;

describe('what is remembered', () => {
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

  /** The lanes over one instance; counts how often Clerk's own client is asked. */
  function lanes(given: ClerkModuleOptions = {}, keys: KeySet = new StaticKeySet(clerk.jwtKey), of = clerk) {
    const { publishableKey, secretKey, apiUrl } = of.options;
    const options = resolveClerkOptions({ publishableKey, secretKey, apiUrl, jwtKey: of.jwtKey, ...given }, {});
    const client = createClerkClient({ publishableKey, secretKey, apiUrl, telemetry: { disabled: true } });
    const asked = jest.spyOn(client, 'authenticateRequest');
    const authenticator = createAuthenticator(options, client, keys, () => now);
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
    it('is its caller, without Clerk being asked, each time the same object, which nobody can change', async () => {
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

    it('is the same token where more stands behind it, of which Clerk takes no notice', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) {
        const auth = (await ask(bearer(`${token} more`))).toAuth() as any;
        expect(await auth.getToken()).toBe(token);
      }
    });

    it.each([
      ['expired, and its tolerance is over', 60 * SECOND + 5 * SECOND],
      ['expired long ago', 60 * MINUTE],
    ])('is void once it has %s', async (_, later) => {
      const { ask } = lanes();
      const token = await clerk.sessionToken({ issuedAt: Math.floor(now / SECOND) });
      for (let time = 0; time < 3; time++) expect((await ask(bearer(token))).status).toBe('signed-in');
      now = Math.floor(now / SECOND) * SECOND + later;
      expect((await ask(bearer(token))).status).toBe('signed-out');
    });

    it('is looked at anew after a minute, however long it lives', async () => {
      let verifications = 0;
      const keys = new StaticKeySet(clerk.jwtKey);
      const counting: KeySet = {
        find: () => keys.find(),
        current: () => keys.current(),
        freshUntil: () => Infinity,
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

    it('is void while the clock is set back, to before it was found good', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      now -= MINUTE;
      expect((await ask(bearer(token))).status).toBe('signed-out');
    });

    it('is nothing to a handler that accepts other tokens', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      for (const acceptsToken of ['m2m_token', 'api_key', ['api_key', 'm2m_token']] as AcceptsToken[]) {
        expect((await ask(bearer(token), { acceptsToken })).status).toBe('signed-out');
      }
      expect((await ask(bearer(token), { acceptsToken: 'any' })).status).toBe('signed-in');
    });

    it('is nothing to another instance, nor to the same one with other options', async () => {
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

    it('is not found by a token that ends like it', async () => {
      const { ask } = lanes();
      const token = await clerk.sessionToken();
      for (let time = 0; time < 3; time++) await ask(bearer(token));
      const [header, , signature] = token.split('.');
      const payload = Buffer.from(JSON.stringify({ sub: 'user_evil', sid: 'sess_evil', exp: 9999999999 })).toString(
        'base64url',
      );
      expect((await ask(bearer(`${header}.${payload}.${signature}`))).status).toBe('signed-out');
    });

    it('is looked at anew where Clerk would look at more: beside a session cookie, and at a satellite', async () => {
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
    it('is its session, for all that it sends alike, until the token in its cookie expires', async () => {
      const user = clerk.createUser();
      const { ask, asked } = lanes();
      const cookie = await clerk.browserCookies({ user, issuedAt: Math.floor(now / SECOND) });
      for (const url of ['/', '/a', '/b?c=d']) expect(userOf(await ask({ cookie }, { url }))).toBe(user.id);
      expect(asked).toHaveBeenCalledTimes(1);
      // No tolerance: which of several cookies counts may change as soon as one expires.
      now = Math.floor(now / SECOND) * SECOND + 60 * SECOND;
      await ask({ cookie });
      expect(asked).toHaveBeenCalledTimes(2);
    });

    it.each<[string, Record<string, string>, { method?: string; url?: string }]>([
      ['another cookie', { cookie: '__client_uat=9999999999' }, {}],
      ['one cookie more', { cookie: '{cookie}; __client_uat_x=1' }, {}],
      ['another method', {}, { method: 'POST' }],
      ['another host', { host: 'other.test' }, {}],
      ['another forwarded host', { 'x-forwarded-host': 'other.test' }, {}],
      ['another protocol', { 'x-forwarded-proto': 'https' }, {}],
      ['another origin', { origin: 'https://other.test' }, {}],
      ['another referer', { referer: 'https://other.test/' }, {}],
      ['a navigation', { 'sec-fetch-dest': 'document' }, {}],
      ['an old navigation', { accept: 'text/html' }, {}],
      ['a parameter of Clerk', {}, { url: '/?__clerk_db_jwt=x' }],
      ['one that is spelt otherwise', {}, { url: '/?%5f_clerk_db_jwt=x' }],
      ['an Authorization header', { authorization: 'Bearer x' }, {}],
    ])('is nothing to a request with %s', async (_, headers, request) => {
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
      'is the same request where an untrusted proxy forwards the host of %s',
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

    it('is asked about anew at each path where the path names an organization', async () => {
      const { ask, asked } = lanes({ organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] } });
      const cookie = await clerk.browserCookies();
      await ask({ cookie }, { url: '/x' });
      const elsewhere = await ask({ cookie, 'sec-fetch-dest': 'document' }, { url: '/orgs/acme' });
      expect([elsewhere.status, asked.mock.calls.length]).toEqual(['handshake', 2]);
      await ask({ cookie }, { url: '/orgs/acme' });
      expect(asked).toHaveBeenCalledTimes(3);
    });

    it('is not kept where the browser has to be told something', async () => {
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
    it('is its JWT until that expires, without tolerance', async () => {
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

    it('is no opaque token, unless for the time that the application allows', async () => {
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

    it('shares one question to Clerk among a thousand that come at once', async () => {
      const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
      const { ask } = lanes();
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () => ask(bearer(secret), { acceptsToken: 'api_key' })),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['signed-in']));
      expect(clerk.countRequests('/api_keys/verify')).toBe(1);
    });
  });

  it('shares no refusal with a navigation, which is to be redirected by itself', async () => {
    const { ask } = lanes();
    const expired = bearer(await clerk.sessionToken({ issuedAt: Math.floor(now / SECOND) - 600 }));
    const [fetched, navigated] = await Promise.all([
      ask(expired),
      ask({ ...expired, 'sec-fetch-dest': 'document' }, { url: '/page' }),
    ]);
    expect([fetched.status, navigated.status]).toEqual(['signed-out', 'handshake']);
    expect(navigated.headers.get('location')).toContain(encodeURIComponent('/page'));
  });

  it('is never a refusal', async () => {
    const { ask, asked } = lanes();
    for (const time of [1, 2, 3]) {
      expect((await ask(bearer('nonsense'))).status).toBe('signed-out');
      expect(asked).toHaveBeenCalledTimes(time);
    }
  });

  it('is nothing where the application wants nothing remembered', async () => {
    const { ask, asked } = lanes({ verificationCache: false, directVerification: false });
    const token = await clerk.sessionToken();
    for (const time of [1, 2, 3]) {
      expect((await ask(bearer(token))).status).toBe('signed-in');
      expect(asked).toHaveBeenCalledTimes(time);
    }
  });

  it('is bounded', async () => {
    const { ask, asked } = lanes({ verificationCache: { maxEntries: 2 }, directVerification: false });
    const tokens = await Promise.all([1, 2, 3].map(() => clerk.sessionToken()));
    for (const token of tokens) await ask(bearer(token));
    await ask(bearer(tokens[2]!));
    expect(asked).toHaveBeenCalledTimes(3);
    await ask(bearer(tokens[0]!));
    expect(asked).toHaveBeenCalledTimes(4);
  });

  it('depends on nothing that the key leaves out: whatever else a good token comes with, Clerk says the same', async () => {
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
