import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { createClerkClient } from '@clerk/backend';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import { HotCache } from '../../lib/authentication/cache/hot-cache.js';
import { CachedAuthenticator } from '../../lib/authentication/lanes/cached.authenticator.js';
import { sessionIdentity } from '../../lib/authentication/identity/session-identity.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { VerificationCache } from '../../lib/authentication/cache/verification-cache.js';
import type { VerificationCacheOptions } from '../../lib/options/rows/performance-options.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { assemble, constant } from './corpus/forge.js';

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** How much the heap holds, garbage aside. */
function heap(): number {
  for (let time = 0; time < 2; time++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

/**
 * The least of a few measurements, or the first that is low enough: what other things of this process come and go may
 * make one too high, while what is kept makes all of them so.
 */
async function least(measure: () => number | Promise<number>, enough: number): Promise<number> {
  let lowest = Infinity;
  for (let time = 0; time < 4 && lowest >= enough; time++) lowest = Math.min(lowest, await measure());
  return lowest;
}

describe('what is kept in memory of a request', () => {
  /** How many callers, and how much each of them sends besides its credential: together 4 MB. */
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
      client,
      new StaticKeySet(clerk.jwtKey),
      () => clock.now,
    ) as CachedAuthenticator;
    const ask = async (headers: Record<string, string>, acceptsToken: AcceptsToken = 'session_token') => {
      // As they come out of a socket: each a text of its own.
      const sent = JSON.parse(JSON.stringify({ host: 'api.test', ...headers })) as Record<string, string>;
      const source = { method: 'POST', url: '/', headers: sent };
      const { status } = await authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
      expect(status).toBe('signed-in');
    };
    return { authenticator, ask, clock };
  }

  /** How much the heap grows by so many callers, and what is asked after that. */
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
    ['a session token with more behind it', (ask, pad) => ask({ authorization: `Bearer ${session} ${pad}` })],
    [
      'a session token beside a cookie',
      (ask, pad) => ask({ authorization: `Bearer ${session}`, cookie: `__session=${pad}` }),
    ],
    ['an M2M token beside a cookie', (ask, pad) => ask({ authorization: `Bearer ${m2m}`, cookie: pad }, 'm2m_token')],
    ['an API key beside a cookie', (ask, pad) => ask({ authorization: `Bearer ${apiKey}`, cookie: pad }, 'api_key')],
    ['an API key beside a referer', (ask, pad) => ask({ authorization: `Bearer ${apiKey}`, referer: pad }, 'any')],
  ])(
    'is what it takes to know it again, and nothing that came along: %s',
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

  it('stays within its bound where callers are kept ready with all that they sent', async () => {
    const twice = async (ask: ReturnType<typeof lanes>['ask'], pad: string) => {
      for (let time = 0; time < 3; time++) await ask({ cookie: `p=${pad}; ${browser()}` });
    };
    const limits = { maxBytes: MIB, maxEntries: 100_000 };
    expect(await least(() => growth(twice, PADDING, limits), 1.5 * MIB)).toBeLessThan(1.5 * MIB);
  }, 120_000);

  describe('by its own account', () => {
    const NOW = 1_000_000_000;
    const options = resolveClerkOptions(
      { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
      {},
    );
    const keys = new StaticKeySet('PEM');
    const CLAIMS = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + 3_600 };

    /** How many lists, objects and names claims of some kilobytes can hold. */
    const MANY = 1_000;

    it.each<[string, string]>([
      ['usual claims', '"v":2'],
      ['much text', `"a":"${'x'.repeat(8_000)}"`],
      ['text outside of Latin', `"a":"${'あ'.repeat(3_000)}"`],
      ['lists in each other', `"a":${'['.repeat(MANY)}${']'.repeat(MANY)}`],
      ['many empty lists', `"a":[${Array(MANY).fill('[]').join()}]`],
      ['many empty objects', `"a":[${Array(MANY).fill('{}').join()}]`],
      ['many numbers', `"a":[${Array(MANY).fill('1.5').join()}]`],
      ['many names', `"a":{${Array.from({ length: 300 }, (_, index) => `"name${index}":1`).join()}}`],
    ])(
      'never takes more than it may: %s',
      async (_, more) => {
        /** How much the heap grows; what the caches say of themselves is held against their bounds. */
        const fill = () => {
          const cache = { maxEntries: 100_000, maxBytes: MIB, machineTokens: { ttl: 0 } };
          const verdicts = new VerificationCache(options, cache, keys, () => NOW);
          const recent = new HotCache(cache, () => NOW);
          const before = heap();
          for (let caller = 0; caller < 300; caller++) {
            const claims = `${JSON.stringify({ ...CLAIMS, jti: caller }).slice(0, -1)},${more}}`;
            const token = assemble({ alg: 'RS256' }, claims, constant('c2ln'));
            const identity = sessionIdentity(options, token, JSON.parse(claims) as never);
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
