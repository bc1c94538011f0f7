import { createInstance } from '../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { HotCache } from '../../lib/authentication/cache/hot-cache.js';
import { fingerprintRequest } from '../../lib/authentication/cache/request-digest.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { colliding } from './corpus/encoding.js';
import { encode, partsOf, rs256, withHeader } from './corpus/forge.js';

const LANES: readonly (readonly [string, ClerkModuleOptions])[] = [
  ['with Clerk alone', { verificationCache: false, directVerification: false }],
  ['with direct verification', { verificationCache: false }],
  ['with the verification cache', {}],
];

/** Attacks on caches: thousands of requests, and credentials with the same hash. */
describe('the authenticator under floods and collisions', () => {
  let clerk: LocalClerk;
  let attacker: LocalClerk;
  let good: string;

  beforeAll(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    [clerk, attacker] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    good = await clerk.sessionToken({ expiresIn: 3600 });
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all([clerk.stop(), attacker.stop()]);
  });

  /** An instance with its authenticator, called as the guard does. */
  function instance(given: ClerkModuleOptions = {}) {
    const options = resolveClerkOptions({ ...clerk.options, ...given }, {});
    const { authenticator } = createInstance(options);
    const credentials = (headers: Record<string, string>) => {
      const source = { method: 'GET', url: '/', headers: { host: 'api.example.com', ...headers } };
      return new HttpCredentials(source, source);
    };
    const ask = async (headers: Record<string, string>): Promise<Identity> =>
      authenticator.authenticate(credentials(headers), 'session_token');
    const status = async (token: string) => (await ask({ authorization: `Bearer ${token}` })).status;
    return { options, credentials, ask, status };
  }

  /** A different invalid token for each number. */
  function invalidToken(number: number): string {
    const { header, payload, signature } = partsOf(good);
    const forgeries = [
      () => `garbage-${number}`,
      () => `${header}.${payload}.${encode(`${number}`.padStart(256))}`,
      () => `${header}.${encode({ sub: `user_${number}`, sid: 'sess_1', exp: 9_999_999_999 })}.${signature}`,
      () => `${encode({ alg: 'RS256', typ: 'JWT', kid: `unknown-${number}` })}.${payload}.${signature}`,
      () => `ak_${number}`,
    ];
    return (forgeries[number % forgeries.length] as () => string)();
  }

  /** Sends the requests in batches of 100. */
  async function flood(count: number, send: (number: number) => Promise<unknown>): Promise<void> {
    for (let from = 0; from < count; from += 100) {
      await Promise.all(Array.from({ length: Math.min(100, count - from) }, (_, index) => send(from + index)));
    }
  }

  it.each([
    ['the default cache size', {}],
    ['a cache of 10 entries', { verificationCache: { maxEntries: 10 } }],
  ])(
    'denies 10,000 invalid tokens and still accepts a valid one with %s',
    async (_, options) => {
      const { status } = instance(options);
      for (let time = 0; time < 3; time++) expect(await status(good)).toBe('signed-in');
      const statuses = new Set<string>();
      await flood(10_000, async (number) => statuses.add(await status(invalidToken(number))));
      expect(statuses).toEqual(new Set(['signed-out']));
      for (let number = 0; number < 10; number++) expect(await status(invalidToken(number))).toBe('signed-out');
      expect(await status(good)).toBe('signed-in');
    },
    120_000,
  );

  it.each(LANES)(
    'answers 3,000 different requests without credentials alike, and still accepts a valid token, %s',
    async (_, options) => {
      const { ask, status } = instance(options);
      expect(await status(good)).toBe('signed-in');
      const answers = new Set<string>();
      await flood(3_000, async (number) => {
        const name = `h${number}`;
        const forms: readonly Record<string, string>[] = [
          { host: `${name}.test` },
          { origin: `https://${name}.test` },
          { cookie: `_ga=${name}` },
          { accept: name },
          { 'user-agent': name },
        ];
        const { reason, hasCredentials, headers } = await ask(forms[number % forms.length] as Record<string, string>);
        answers.add(JSON.stringify([reason, hasCredentials, ...headers]));
      });
      const reason = 'dev-browser-missing';
      expect([...answers].map((answer) => JSON.parse(answer) as unknown)).toEqual([
        [reason, false, ['x-clerk-auth-reason', reason], ['x-clerk-auth-status', 'signed-out']],
      ]);
      expect(await status(good)).toBe('signed-in');
    },
    120_000,
  );

  it.each(LANES)(
    'denies 1,000 requests with each of five signed tokens for their own reason, %s',
    async (_, options) => {
      const { status, ask } = instance({ ...options, authorizedParties: ['http://localhost:3000'], audience: 'api' });
      const now = Math.floor(Date.now() / 1_000);
      const tokens = await Promise.all([
        clerk.sessionToken({ issuedAt: now - 600 }),
        clerk.sessionToken({ notBefore: now + 600, expiresIn: 3600 }),
        clerk.sessionToken({ claims: { iat: now + 600 }, expiresIn: 3600 }),
        clerk.sessionToken({ authorizedParty: 'https://evil.test', expiresIn: 3600 }),
        clerk.sessionToken({ claims: { aud: 'other' }, expiresIn: 3600 }),
      ]);
      const reasons: (string | null)[][] = tokens.map(() => []);
      await flood(5_000, async (number) => {
        const index = number % tokens.length;
        const { reason } = await ask({ authorization: `Bearer ${tokens[index]}` });
        reasons[index]?.push(reason);
      });
      expect(reasons.map((found) => [...new Set(found)])).toEqual([
        ['session-token-expired-refresh-non-eligible-no-refresh-cookie'],
        ['session-token-nbf'],
        ['session-token-iat-in-the-future'],
        ['token-invalid-authorized-parties'],
        ['token-verification-failed'],
      ]);
      expect(await status(good)).toBe('signed-in');
    },
    120_000,
  );

  it('verifies callers again whose entries 200 others evicted, and denies the expired one', async () => {
    const { status } = instance({ verificationCache: { maxEntries: 10 } });
    const now = jest.spyOn(Date, 'now');
    const short = await clerk.sessionToken();
    for (const token of [good, short]) expect(await status(token)).toBe('signed-in');
    const others = await Promise.all(Array.from({ length: 200 }, () => clerk.sessionToken({ expiresIn: 3600 })));
    await flood(others.length, async (number) => expect(await status(others[number] as string)).toBe('signed-in'));
    now.mockReturnValue(Date.now() + 70_000);
    expect([await status(good), await status(short)]).toEqual(['signed-in', 'signed-out']);
    now.mockRestore();
  });

  describe('with unknown key IDs', () => {
    const unknown = (number: number) => withHeader(good, { kid: `unknown-${number}` }, rs256(attacker.signingKey));

    it.each(LANES)('fetches the key set at most twice for 1,000 tokens, %s', async (_, options) => {
      clerk.reset();
      const { ask, status } = instance(options);
      await flood(500, (number) => status(unknown(number)));
      expect(clerk.countRequests('/v1/jwks')).toBeLessThanOrEqual(2);
      await flood(500, (number) => ask({ cookie: `__session=${unknown(number)}; __client_uat=1; __clerk_db_jwt=d` }));
      expect(clerk.countRequests('/v1/jwks')).toBeLessThanOrEqual(2);
      expect(await status(good)).toBe('signed-in');
      expect(attacker.requests).toEqual([]);
    });
  });

  describe('with credentials that have the same hash', () => {
    const identity = (name: string) => ({ name }) as unknown as Identity;
    const always = { since: 0, until: Infinity, bytes: 1_000 };
    const limits = { maxEntries: 1_000, maxBytes: 1_000_000 };

    it('keeps only the last one in the hot cache, and does not mix them up', () => {
      const recent = new HotCache(limits, () => 1);
      const twin = colliding(good);
      recent.set(good, 'session_token', { identity: identity('good'), ...always });
      expect(recent.get(twin, 'session_token')).toBeUndefined();
      expect(recent.get(good, 'session_token')).toMatchObject({ name: 'good' });
      recent.set(twin, 'session_token', { identity: identity('twin'), ...always });
      // In different slots, both would be found: this is a real collision.
      expect(recent.get(good, 'session_token')).toBeUndefined();
      expect(recent.get(twin, 'session_token')).toMatchObject({ name: 'twin' });
    });

    it('finds an entry only for the token types that it was cached for', () => {
      const recent = new HotCache(limits, () => 1);
      // The hash uses the length: `any` has three characters, the list three types.
      const three = ['session_token', 'api_key', 'm2m_token'] satisfies AcceptsToken;
      recent.set(good, 'any', { identity: identity('good'), ...always });
      for (const types of [three, 'session_token'] as const)
        expect(recent.get(good, types as AcceptsToken)).toBeUndefined();
      recent.set(good, three, { identity: identity('good'), ...always });
      expect(recent.get(good, 'any')).toBeUndefined();
    });

    it('denies a token that is the request fingerprint of a cached browser', async () => {
      const { options, credentials, ask, status } = instance();
      const browser = { cookie: await clerk.browserCookies() };
      for (let time = 0; time < 3; time++) expect((await ask(browser)).status).toBe('signed-in');
      // Without the line break, which HTTP does not allow.
      expect(await status(fingerprintRequest(credentials(browser), options).trim())).toBe('signed-out');
    });
  });
});
