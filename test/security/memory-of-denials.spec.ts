import { createClerkClient } from '@clerk/backend';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { StaticKeySet, type KeySet } from '../../lib/authentication/keys/key-set.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { heap, MIB } from '../support/heap.js';
import { encode, partsOf } from './corpus/forge.js';

/** The number of distinct requests of each flood. */
const REQUESTS = Number(process.env.FLOOD_REQUESTS ?? 20_000);
/** Where Clerk is called for many of the requests. */
const SLOWER_REQUESTS = Math.max(10_000, REQUESTS / 10);
/** The heap is measured after each of these parts: what is retained makes it grow in all of them, a full cache in one. */
const PARTS = 4;
const BATCH = 100;
/** The characters of a long header value: together, those of a flood take far more memory than a cache may. */
const LONG = 4_000;

type Headers = Readonly<Record<string, string>>;

describe('the memory of an instance under floods of denied requests', () => {
  let clerk: LocalClerk;
  let good: string;
  /** Tokens with a valid signature that are denied for their claims or type. */
  let signed: readonly string[];

  beforeAll(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    clerk = await LocalClerk.start();
    good = await clerk.sessionToken({ expiresIn: 3600 });
    const now = Math.floor(Date.now() / 1000);
    signed = await Promise.all([
      clerk.sessionToken({ issuedAt: now - 600 }),
      clerk.sessionToken({ issuedAt: now + 600 }),
      clerk.sessionToken({ authorizedParty: 'https://evil.test', expiresIn: 3600 }),
      clerk.templateToken(),
    ]);
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await clerk.stop();
  });

  /** An instance that counts the calls of Clerk's client and the uses of its key. The time stands still. */
  function instance(given: ClerkModuleOptions = {}) {
    const now = Date.now();
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const base = { publishableKey, secretKey, apiUrl, telemetry, jwtKey: clerk.jwtKey };
    const options = resolveClerkOptions({ ...base, authorizedParties: ['http://localhost:3000'], ...given }, {});
    const count = { calls: 0, keys: 0 };
    const real = createClerkClient(base);
    // A spy of jest would keep the arguments of all calls in memory.
    const client = Object.create(real) as typeof real;
    client.authenticateRequest = ((...args: Parameters<typeof real.authenticateRequest>) => {
      count.calls += 1;
      return real.authenticateRequest(...args);
    }) as typeof real.authenticateRequest;
    const keys = new StaticKeySet(clerk.jwtKey);
    const counting: KeySet = {
      find: () => keys.find(),
      current: () => keys.current(),
      freshUntil: () => Infinity,
      isUnknown: () => false,
      getCached: () => ((count.keys += 1), keys.getCached()),
    };
    const authenticator = createAuthenticator(
      options,
      () => client,
      counting,
      () => now,
    );
    const ask = async (headers: Headers): Promise<Identity> => {
      // Each value is a string of its own, as if read from a socket.
      const sent = JSON.parse(JSON.stringify({ host: 'api.test', ...headers })) as Record<string, string>;
      const source = { method: 'POST', url: '/', headers: sent, app: { get: () => () => true } };
      return authenticator.authenticate(new HttpCredentials(source, source), 'session_token');
    };
    return { ask, count };
  }

  /** Callers who are signed in, in the header and in the cookies of browsers. */
  async function callers(): Promise<readonly Headers[]> {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => clerk.sessionToken({ expiresIn: 3600 })));
    return tokens.flatMap((token): Headers[] => [
      { authorization: `Bearer ${token}` },
      { cookie: `__session=${token}; __client_uat=1; __clerk_db_jwt=d` },
    ]);
  }

  /** Sends the requests, and returns the smallest growth of the heap in a part of them, and the growth in total. */
  async function flood(
    ask: (headers: Headers) => Promise<Identity>,
    make: (number: number) => Headers,
    requests = REQUESTS,
  ): Promise<{ readonly inPart: number; readonly inTotal: number }> {
    const send = async (from: number, to: number, through = ask) => {
      for (let first = from; first < to; first += BATCH) {
        const length = Math.min(BATCH, to - first);
        const identities = await Promise.all(Array.from({ length }, (_, index) => through(make(first + index))));
        if (identities.some(({ status }) => status !== 'signed-out')) throw new Error('a request was not denied');
      }
    };
    // Loads all code, with another instance: caches are empty at first.
    await send(0, 2_000, instance().ask);
    const heaps = [heap()];
    for (let part = 0; part < PARTS; part++) {
      await send((part * requests) / PARTS, ((part + 1) * requests) / PARTS);
      heaps.push(heap());
    }
    const grown = heaps.slice(1).map((size, part) => size - (heaps[part] as number));
    return { inPart: Math.min(...grown), inTotal: (heaps.at(-1) as number) - (heaps[0] as number) };
  }

  /** A different token for each number. None is signed for it, so that a million of them take little time. */
  function invalidToken(number: number): string {
    const { header, payload, signature } = partsOf(good);
    const forgeries: readonly (() => string)[] = [
      () => `garbage-${number}`,
      () => `${header}.${payload}.${encode(`${number}`.padStart(256))}`,
      () => `${header}.${encode({ sub: `user_${number}`, sid: 'sess_1', exp: 9_999_999_999 })}.${signature}`,
      () => `${encode({ alg: 'RS256', typ: 'JWT', kid: `unknown-${number}` })}.${payload}.${signature}`,
      () => `${encode({ alg: 'RS256', typ: 'JWT', kid: 'x', cat: `cl_${number}` })}.${payload}.${signature}`,
      () => signed[Math.floor(number / forgeries.length) % signed.length] as string,
      () => `${header}.${payload}.${signature}.${number}`,
    ];
    return (forgeries[number % forgeries.length] as () => string)();
  }

  /** Requests without credentials, each with another value of something that Clerk reads. */
  function anonymous(number: number, length = 0): Headers {
    const name = `h${number}`.padEnd(length, 'x');
    const forms: readonly Headers[] = [
      { host: `${name}.test` },
      { origin: `https://${name}.test` },
      { referer: `https://${name}.test/` },
      { cookie: `_ga=${name}` },
      { accept: name },
      { 'x-forwarded-host': `${name}.test` },
      { 'user-agent': name },
    ];
    return forms[number % forms.length] as Headers;
  }

  it.each<[string, (number: number) => Headers, number]>([
    ['distinct tokens that are not valid', (number) => ({ authorization: `Bearer ${invalidToken(number)}` }), REQUESTS],
    ['distinct requests without credentials', (number) => anonymous(number), SLOWER_REQUESTS],
    ['long requests without credentials', (number) => anonymous(number, LONG), SLOWER_REQUESTS],
    [
      'invalid tokens with long headers',
      (number) => ({ ...anonymous(number, LONG), authorization: `Bearer ${invalidToken(number)}` }),
      SLOWER_REQUESTS,
    ],
  ])(
    `grows no further, and no signed-in caller is evicted, by %s, for FLOOD_REQUESTS=${REQUESTS}`,
    async (_, make, requests) => {
      const { ask, count } = instance();
      const known = await callers();
      // The second request finds what the first one cached, the third what the second one kept ready.
      for (let time = 0; time < 3; time++) {
        for (const headers of known) expect((await ask(headers)).status).toBe('signed-in');
      }
      const last = known.at(-1) as Headers;
      const kept = await ask(last);

      const { inPart, inTotal } = await flood(ask, make, requests);
      expect(inPart).toBeLessThan(MIB);
      expect(inTotal).toBeLessThan(8 * MIB);

      expect(await ask(last)).toBe(kept);
      const before = { ...count };
      for (const headers of known) expect((await ask(headers)).status).toBe('signed-in');
      expect(count).toEqual(before);
    },
    1_200_000,
  );
});
