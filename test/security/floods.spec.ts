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
  ['by Clerk alone', { verificationCache: false, directVerification: false }],
  ['directly', { verificationCache: false }],
  ['beside what is remembered', {}],
];

/** What attackers do to memory: by the thousand, or with two credentials that look alike to it. */
describe('floods and collisions', () => {
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

  /** An instance as an application has it, asked as its guard asks. */
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

  /** Ever another token that is good for nothing. */
  function refused(number: number): string {
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

  /** In portions, since a server has no ten thousand requests at once either. */
  async function flood(count: number, send: (number: number) => Promise<unknown>): Promise<void> {
    for (let from = 0; from < count; from += 100) {
      await Promise.all(Array.from({ length: Math.min(100, count - from) }, (_, index) => send(from + index)));
    }
  }

  it.each([
    ['as much is remembered as by default', {}],
    ['little is remembered', { verificationCache: { maxEntries: 10 } }],
  ])(
    '10,000 refusals open nothing and push nobody out where %s',
    async (_, options) => {
      const { status } = instance(options);
      for (let time = 0; time < 3; time++) expect(await status(good)).toBe('signed-in');
      const answers = new Set<string>();
      await flood(10_000, async (number) => answers.add(await status(refused(number))));
      expect(answers).toEqual(new Set(['signed-out']));
      for (let number = 0; number < 10; number++) expect(await status(refused(number))).toBe('signed-out');
      expect(await status(good)).toBe('signed-in');
    },
    120_000,
  );

  it('hundreds of good callers push others out of memory, who are then looked at anew', async () => {
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

  describe('keys that are unknown', () => {
    const unknown = (number: number) => withHeader(good, { kid: `unknown-${number}` }, rs256(attacker.signingKey));

    it.each(LANES)('a thousand of them cause one look at the keys, and one more, %s', async (_, options) => {
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

  describe('credentials that look alike to the memory', () => {
    const identity = (name: string) => ({ name }) as unknown as Identity;
    const always = { since: 0, until: Infinity, bytes: 1_000 };
    const limits = { maxEntries: 1_000, maxBytes: 1_000_000 };

    it('have one place there, and are not mixed up', () => {
      const recent = new HotCache(limits, () => 1);
      const twin = colliding(good);
      recent.set(good, 'session_token', { identity: identity('good'), ...always });
      expect(recent.get(twin, 'session_token')).toBeUndefined();
      expect(recent.get(good, 'session_token')).toMatchObject({ name: 'good' });
      recent.set(twin, 'session_token', { identity: identity('twin'), ...always });
      // Had it not been the same place, both were found: it is a real collision.
      expect(recent.get(good, 'session_token')).toBeUndefined();
      expect(recent.get(twin, 'session_token')).toMatchObject({ name: 'twin' });
    });

    it('are found for the types of tokens that were asked for, and no others', () => {
      const recent = new HotCache(limits, () => 1);
      // The number counts how many letters or types there are: three each.
      const three = ['session_token', 'api_key', 'm2m_token'] satisfies AcceptsToken;
      recent.set(good, 'any', { identity: identity('good'), ...always });
      for (const types of [three, 'session_token'] as const)
        expect(recent.get(good, types as AcceptsToken)).toBeUndefined();
      recent.set(good, three, { identity: identity('good'), ...always });
      expect(recent.get(good, 'any')).toBeUndefined();
    });

    it('are told apart though one is the text by which the other is remembered', async () => {
      const { options, credentials, ask, status } = instance();
      const browser = { cookie: await clerk.browserCookies() };
      for (let time = 0; time < 3; time++) expect((await ask(browser)).status).toBe('signed-in');
      // Without the line break, which HTTP does not let through.
      expect(await status(fingerprintRequest(credentials(browser), options).trim())).toBe('signed-out');
    });
  });
});
