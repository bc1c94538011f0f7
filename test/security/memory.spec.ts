import { createClerkClient, type ClerkClient } from '@clerk/backend';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { ClerkInstances } from '../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../lib/authentication/instances/tenant.authenticator.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import { HotCache } from '../../lib/authentication/cache/hot-cache.js';
import { CachedAuthenticator } from '../../lib/authentication/lanes/cached.authenticator.js';
import { SessionIdentities } from '../../lib/authentication/identity/session-identity.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { VerificationCache } from '../../lib/authentication/cache/verification-cache.js';
import type { ClerkModuleOptions } from '../../lib/options/clerk-options.js';
import type { VerificationCacheOptions } from '../../lib/options/rows/performance-options.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { heap, least, MIB } from '../support/heap.js';
import { assemble, constant } from './corpus/forge.js';

describe('the memory of the caches', () => {
  /** The number of callers, and the bytes that each sends in addition to its credentials: 4 MB in total. */
  const CALLERS = 250;
  const PADDING = 15_000;

  let clerk: LocalClerk;
  let session: string;
  let m2m: string;
  let apiKey: string;

  beforeAll(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    clerk = await LocalClerk.start();
    session = await clerk.sessionToken({ expiresIn: 3600 });
    m2m = (await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt' })).token;
    apiKey = clerk.createApiKey({ subject: clerk.createUser().id }).secret;
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await clerk.stop();
  });

  function lanes(verificationCache: VerificationCacheOptions = {}) {
    const options = resolveClerkOptions({ ...clerk.options, jwtKey: clerk.jwtKey, verificationCache }, {});
    const client = createClerkClient({ ...clerk.options, telemetry: { disabled: true } });
    const clock = { now: Date.now() };
    const authenticator = createAuthenticator(
      options,
      () => client,
      new StaticKeySet(clerk.jwtKey),
      () => clock.now,
    ) as CachedAuthenticator;
    const ask = async (headers: Record<string, string>, acceptsToken: AcceptsToken = 'session_token') => {
      // Each value is a string of its own, as if read from a socket.
      const sent = JSON.parse(JSON.stringify({ host: 'api.test', ...headers })) as Record<string, string>;
      const source = { method: 'POST', url: '/', headers: sent };
      const { status } = await authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
      expect(status).toBe('signed-in');
    };
    return { authenticator, ask, clock };
  }

  /** The growth of the heap by CALLERS callers, in bytes. */
  async function growth(
    send: (ask: ReturnType<typeof lanes>['ask'], padding: string) => Promise<void>,
    padding: number,
    given: VerificationCacheOptions = {},
  ): Promise<number> {
    const { authenticator, ask } = lanes(given);
    const warm = lanes(given);
    await send(warm.ask, 'x');
    warm.authenticator.close();
    const before = heap();
    for (let caller = 0; caller < CALLERS; caller++) await send(ask, `${caller}`.padEnd(padding, 'x'));
    const grown = heap() - before;
    authenticator.close();
    return grown;
  }

  it.each<[string, (ask: ReturnType<typeof lanes>['ask'], padding: string) => Promise<void>]>([
    ['a session cookie after other cookies', (ask, pad) => ask({ cookie: `p=${pad}; ${browser()}` })],
    ['a session cookie before other cookies', (ask, pad) => ask({ cookie: `${browser()}; p=${pad}` })],
    ['a session token with trailing text', (ask, pad) => ask({ authorization: `Bearer ${session} ${pad}` })],
    [
      'a session token and a cookie',
      (ask, pad) => ask({ authorization: `Bearer ${session}`, cookie: `__session=${pad}` }),
    ],
    ['an M2M token and a cookie', (ask, pad) => ask({ authorization: `Bearer ${m2m}`, cookie: pad }, 'm2m_token')],
    ['an API key and a cookie', (ask, pad) => ask({ authorization: `Bearer ${apiKey}`, cookie: pad }, 'api_key')],
    ['an API key and a referer', (ask, pad) => ask({ authorization: `Bearer ${apiKey}`, referer: pad }, 'any')],
  ])(
    'does not retain the rest of a request: %s',
    async (_, send) => {
      const remembered = { machineTokens: { ttl: 60_000 } };
      const bound = (CALLERS * PADDING) / 4;
      const extra = async () => {
        const plain = await growth(send, 10, remembered);
        return (await growth(send, PADDING, remembered)) - plain;
      };
      expect(await least(extra, bound)).toBeLessThan(bound);
    },
    120_000,
  );

  const browser = () => `__session=${session}; __client_uat=1; __clerk_db_jwt=dvb_1`;

  it('stays within 1.5 times maxBytes when callers with large requests are in the hot cache', async () => {
    const twice = async (ask: ReturnType<typeof lanes>['ask'], pad: string) => {
      for (let time = 0; time < 3; time++) await ask({ cookie: `p=${pad}; ${browser()}` });
    };
    const limits = { maxBytes: MIB, maxEntries: 100_000 };
    expect(await least(() => growth(twice, PADDING, limits), 1.5 * MIB)).toBeLessThan(1.5 * MIB);
  }, 120_000);

  it('takes little for a tenant with one caller, whose caches could hold thousands', async () => {
    /** The growth of the heap and of memory outside of it by each of many tenants, in bytes. */
    const ofTenant = async () => {
      let tenant = 0;
      const { publishableKey, apiUrl } = clerk.options;
      const options = { publishableKey, apiUrl, jwtKey: clerk.jwtKey };
      const given: ClerkModuleOptions = {
        telemetry: { disabled: true },
        verificationCache: { maxEntries: 10_000 },
        resolveOptions: () => ({ ...options, secretKey: `sk_test_${tenant}` }),
      };
      const instances = new ClerkInstances(resolveClerkOptions(given, {}), {} as ClerkClient, given, {});
      const authenticator = new TenantAuthenticator(instances);
      const send = async () => {
        const source = { method: 'POST', url: '/', headers: { host: 'api.test', authorization: `Bearer ${session}` } };
        const identity = await authenticator.authenticate(new HttpCredentials(source, source), 'session_token');
        expect(identity.status).toBe('signed-in');
      };
      await send();
      const before = heap() + process.memoryUsage().external;
      for (tenant = 1; tenant <= CALLERS; tenant++) await send();
      const grown = heap() + process.memoryUsage().external - before;
      instances.onModuleDestroy();
      return grown / CALLERS;
    };
    const bound = 20 * 1024;
    expect(await least(ofTenant, bound)).toBeLessThan(bound);
  }, 120_000);

  describe('for claims of different shapes', () => {
    const NOW = 1_000_000_000;
    const options = resolveClerkOptions(
      { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
      {},
    );
    const keys = new StaticKeySet('PEM');
    const CLAIMS = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + 3_600 };

    /** The number of lists, objects or names in claims of a few kilobytes. */
    const MANY = 1_000;

    it.each<[string, string]>([
      ['usual claims', '"v":2'],
      ['a long string', `"a":"${'x'.repeat(8_000)}"`],
      ['non-Latin text', `"a":"${'あ'.repeat(3_000)}"`],
      ['nested lists', `"a":${'['.repeat(MANY)}${']'.repeat(MANY)}`],
      ['many empty lists', `"a":[${Array(MANY).fill('[]').join()}]`],
      ['many empty objects', `"a":[${Array(MANY).fill('{}').join()}]`],
      ['many numbers', `"a":[${Array(MANY).fill('1.5').join()}]`],
      ['many properties', `"a":{${Array.from({ length: 300 }, (_, index) => `"name${index}":1`).join()}}`],
    ])(
      'stays within maxBytes, and the heap within 1.5 times of it, with %s',
      async (_, more) => {
        /** The growth of the heap in bytes; also checks the caches' own accounting against maxBytes. */
        const fill = () => {
          const cache = { maxEntries: 100_000, maxBytes: MIB, machineTokens: { ttl: 0 } };
          const sessions = new SessionIdentities(options);
          const verdicts = new VerificationCache(options, cache, keys, sessions, () => NOW);
          const recent = new HotCache(cache, () => NOW);
          const before = heap();
          for (let caller = 0; caller < 300; caller++) {
            const claims = `${JSON.stringify({ ...CLAIMS, jti: caller }).slice(0, -1)},${more}}`;
            const token = assemble({ alg: 'RS256' }, claims, constant('c2ln'));
            const identity = sessions.create(token, JSON.parse(claims) as never);
            verdicts.setToken(`digest ${caller}`, identity, token);
            const recalled = verdicts.get(`digest ${caller}`, token);
            recalled?.identity.toAuth();
            if (recalled) recent.set(token, 'session_token', recalled);
          }
          expect(verdicts.bytes + recent.bytes).toBeLessThanOrEqual(MIB);
          expect(recent.bytes).toBeGreaterThan(MIB / 16);
          const grown = heap() - before;
          verdicts.close();
          recent.close();
          return grown;
        };
        expect(await least(fill, 1.5 * MIB)).toBeLessThan(1.5 * MIB);
      },
      120_000,
    );
  });
});
