import { exportJWK, exportSPKI, generateKeyPair, type CryptoKey } from 'jose';

import { ClerkCalls } from '../../../lib/client/clerk-calls.js';
import { EMPTY_KEY_SET, StaticKeySet } from '../../../lib/authentication/keys/key-set.js';
import { RemoteKeySet } from '../../../lib/authentication/keys/remote-key-set.js';
import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';

const options = {
  apiUrl: 'http://clerk.test/',
  apiVersion: 'v1',
  secretKey: 'sk_test_x',
  timeoutInMs: 1000,
  staleKeysInMs: 60_000,
  maxRetries: 0,
  maxPendingCalls: 1,
};

let publicKey: CryptoKey;
let pem: string;
beforeAll(async () => {
  ({ publicKey } = await generateKeyPair('RS256'));
  pem = await exportSPKI(publicKey);
});

async function jwks(...kids: string[]): Promise<Response> {
  return Response.json({ keys: await Promise.all(kids.map(jwkOf)) });
}

async function jwkOf(kid: string) {
  return { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
}

type Answer = () => Response | Promise<Response>;

/** A key set whose fetches get these responses one by one; the last one repeats. */
function remoteWith(given: typeof options, ...answers: Answer[]) {
  let now = 0;
  const calls: [string, RequestInit][] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    calls.push([url, init]);
    return answers[Math.min(calls.length, answers.length) - 1]!();
  }) as typeof globalThis.fetch;
  const keys = new RemoteKeySet(given, new ClerkCalls(given), fetch, () => now);
  return { keys, calls, pass: (ms: number) => (now += ms) };
}

const remote = (...answers: Answer[]) => remoteWith(options, ...answers);

describe('RemoteKeySet', () => {
  it('fetches the keys once, with the secret key, and returns them as PEM', async () => {
    const { keys, calls } = remote(() => jwks('ins_1'));
    await expect(keys.find('ins_1')).resolves.toBe(pem);
    await expect(keys.find('ins_1')).resolves.toBe(pem);
    await expect(keys.current()).resolves.toBe(pem);
    expect(calls).toHaveLength(1);
    expect(calls[0]![0]).toBe('http://clerk.test/v1/jwks');
    expect(new Headers(calls[0]![1].headers).get('authorization')).toBe('Bearer sk_test_x');
  });

  it('shares one fetch between concurrent callers', async () => {
    const { keys, calls } = remote(() => jwks('ins_1'));
    await Promise.all(Array.from({ length: 100 }, () => keys.find('ins_1')));
    expect(calls).toHaveLength(1);
  });

  it('makes one fetch for a flood of unknown kids', async () => {
    const { keys, calls } = remote(() => jwks('ins_1'));
    for (let i = 0; i < 50; i++) await expect(keys.find(`forged_${i}`)).resolves.toBeNull();
    expect(calls).toHaveLength(1);
  });

  it('knows certainly that there is no key only for a while after a fetch', async () => {
    const { keys, pass, calls } = remote(() => jwks('ins_1'));
    expect(keys.isUnknown('forged')).toBe(false);
    await keys.find('ins_1');
    expect(keys.isUnknown('forged')).toBe(true);
    expect(keys.isUnknown('ins_1')).toBe(false);
    expect(keys.isUnknown(null)).toBe(true);
    pass(30_000);
    expect(keys.isUnknown('forged')).toBe(false);
    expect(keys.isUnknown(null)).toBe(true);
    expect(calls).toHaveLength(1);
  });

  it('makes at most ten fetches in thirty seconds during a flood while Clerk is down', async () => {
    const { keys, calls, pass } = remote(() => new Response('', { status: 429 }));
    const flood = async () => {
      for (let i = 0; i < 30; i++) await expect(keys.find(`forged_${i}`)).rejects.toBeInstanceOf(ClerkUnavailableError);
      await expect(keys.current()).rejects.toBeInstanceOf(ClerkUnavailableError);
      return calls.splice(0).length;
    };
    expect(await flood()).toBe(10);
    expect(await flood()).toBe(0);
    for (let i = 0; i < 9; i++) {
      pass(3_000);
      expect(await flood()).toBe(0);
    }
    pass(3_000);
    expect(await flood()).toBe(10);
  });

  it('reports the last error as cause while it backs off', async () => {
    const thrown = new TypeError('fetch failed');
    const { keys } = remote(() => Promise.reject(thrown));
    const message = "Fetching Clerk's keys failed recently; backing off";
    for (let time = 0; time < 10; time++) await expect(keys.find('ins_1')).rejects.not.toThrow(message);
    await expect(keys.find('ins_1')).rejects.toMatchObject({ message, cause: thrown, retryInMs: Infinity });
  });

  it('makes at most ten fetches for one caller, even with more retries allowed', async () => {
    const pauses: number[] = [];
    const patient = { ...options, timeoutInMs: 2 ** 30, maxRetries: 20 };
    const fetch = jest.fn(async () => new Response('', { status: 500 }));
    const keys = new RemoteKeySet(patient, new ClerkCalls(patient, async (ms) => pauses.push(ms)), fetch, () => 0);
    await expect(keys.find('ins_1')).rejects.toThrow("Fetching Clerk's keys failed recently; backing off");
    expect([fetch.mock.calls.length, pauses.length]).toEqual([10, 10]);
  });

  it('does not fetch in the background before the first successful fetch', async () => {
    const { keys, calls, pass } = remote(() => new Response('', { status: 500 }));
    await expect(keys.find('ins_1')).rejects.toThrow(ClerkUnavailableError);
    pass(3_000);
    expect(keys.getCached('ins_1')).toBeNull();
    await new Promise(setImmediate);
    expect(calls).toHaveLength(1);
  });

  it.each(['http://clerk.test', 'http://clerk.test/', 'http://clerk.test///'])(
    'fetches from /v1/jwks for the apiUrl %s',
    async (apiUrl) => {
      const { keys, calls } = remoteWith({ ...options, apiUrl }, () => jwks('ins_1'));
      await keys.find('ins_1');
      expect(calls[0]![0]).toBe('http://clerk.test/v1/jwks');
    },
  );

  it('resets the count of failures after a successful fetch', async () => {
    const down = () => new Response('', { status: 500 });
    const { keys, calls } = remote(...Array.from({ length: 9 }, () => down), () => jwks('ins_1'));
    for (let i = 0; i < 9; i++) await expect(keys.find('ins_1')).rejects.toBeInstanceOf(ClerkUnavailableError);
    await expect(keys.find('ins_1')).resolves.toBe(pem);
    expect(calls).toHaveLength(10);
  });

  it('does not fetch for a token without kid', async () => {
    const { keys, calls } = remote(() => jwks('ins_1'));
    await expect(keys.find(null)).resolves.toBeNull();
    expect(calls).toHaveLength(0);
  });

  it.each<[string, Answer]>([
    ['a refused connection', () => Promise.reject(new TypeError('fetch failed'))],
    ['a 500 in HTML', () => new Response('<h1>down</h1>', { status: 500 })],
    ['a 429', () => Response.json({ errors: [] }, { status: 429 })],
    ['a 404', () => new Response('', { status: 404 })],
    ['a truncated body', () => new Response('{"keys": [')],
    ['a body that is not a key set', () => Response.json({ hello: 1 })],
  ])('reports %s as an outage, and recovers with the next successful fetch', async (_, fault) => {
    const { keys, calls } = remote(fault, fault, () => jwks('ins_1'));
    await expect(keys.find('ins_1')).rejects.toBeInstanceOf(ClerkUnavailableError);
    await expect(keys.current()).rejects.toBeInstanceOf(ClerkUnavailableError);
    await expect(keys.find('ins_1')).resolves.toBe(pem);
    expect(calls).toHaveLength(3);
  });

  it.each([401, 403])('reports status %d as a rejected key', async (status) => {
    const { keys } = remote(() => Response.json({ errors: [{ code: 'x' }] }, { status }));
    await expect(keys.find('ins_1')).rejects.toBeInstanceOf(ClerkKeyRejectedError);
    await expect(keys.current()).rejects.toBeInstanceOf(ClerkKeyRejectedError);
  });

  describe('over time', () => {
    const FOUR_MINUTES = 4 * 60_000;
    const FIVE_MINUTES = 5 * 60_000;
    let now: number;
    beforeEach(() => {
      now = 1_800_000_000_000;
      jest.spyOn(Date, 'now').mockImplementation(() => now);
    });
    afterEach(() => jest.restoreAllMocks());
    const timed = (...answers: Answer[]) => {
      const calls: string[] = [];
      const fetch = (async (url: string) => {
        calls.push(url);
        return answers[Math.min(calls.length, answers.length) - 1]!();
      }) as typeof globalThis.fetch;
      return { keys: new RemoteKeySet(options, new ClerkCalls(options), fetch, () => now), calls };
    };
    const down = () => new Response('', { status: 503 });
    const settled = () => new Promise((resolve) => setImmediate(resolve));

    it('fetches the keys again after five minutes, so a removed key stops working', async () => {
      const { keys, calls } = timed(
        () => jwks('ins_1', 'ins_2'),
        () => jwks('ins_2'),
      );
      await keys.find('ins_1');
      expect(keys.freshUntil()).toBe(now + FIVE_MINUTES);
      // The default is the system clock.
      const own = new RemoteKeySet(options, new ClerkCalls(options), async () => jwks('ins_1'));
      await own.find('ins_1');
      expect(own.freshUntil()).toBe(now + FIVE_MINUTES);
      now += FIVE_MINUTES - 1;
      expect(keys.getCached('ins_1')).not.toBeNull();
      now += 1;
      expect(keys.getCached('ins_1')).toBeNull();
      await expect(keys.find('ins_1')).resolves.toBeNull();
      expect(calls).toHaveLength(2);
    });

    it('finds a new key at once, unless the last fetch was less than thirty seconds ago', async () => {
      const { keys, calls } = timed(
        () => jwks('ins_1'),
        () => jwks('ins_1', 'ins_2'),
      );
      await keys.find('ins_1');
      now += 29_999;
      await expect(keys.find('ins_2')).resolves.toBeNull();
      expect(calls).toHaveLength(1);
      now += 1;
      await expect(keys.find('ins_2')).resolves.toBe(pem);
      expect(keys.getCached('ins_2')).not.toBeNull();
    });

    it('uses cached keys while Clerk is down, and retries in the background', async () => {
      const { keys, calls } = timed(
        () => jwks('ins_1'),
        down,
        down,
        () => jwks('ins_1', 'ins_2'),
      );
      await keys.find('ins_1');
      now += FIVE_MINUTES;
      // The first caller waits until the fetch fails; later callers do not wait.
      await expect(keys.find('ins_1')).resolves.toBe(pem);
      expect(keys.getCached('ins_1')).not.toBeNull();
      expect(calls).toHaveLength(2);
      await expect(keys.find('ins_unknown')).rejects.toThrow(ClerkUnavailableError);
      expect(calls).toHaveLength(3);
      now += 3_000;
      expect(keys.getCached('ins_1')).not.toBeNull();
      await settled();
      expect(calls).toHaveLength(4);
      // Recovered: the new key is cached although no caller has asked for it.
      expect(keys.getCached('ins_2')).not.toBeNull();
      expect(keys.freshUntil()).toBe(now + FIVE_MINUTES);
    });

    it('stops using stale keys after staleKeysInMs', async () => {
      const { keys } = timed(() => jwks('ins_1'), down);
      await keys.find('ins_1');
      now += FIVE_MINUTES;
      await keys.find('ins_1');
      now += options.staleKeysInMs - 1;
      expect(keys.getCached('ins_1')).not.toBeNull();
      expect(keys.freshUntil()).toBeLessThan(now + 3_001);
      now += 1;
      expect(keys.getCached('ins_1')).toBeNull();
      await expect(keys.find('ins_1')).rejects.toThrow(ClerkUnavailableError);
      await expect(keys.current()).rejects.toThrow(ClerkUnavailableError);
    });

    it('does not use stale keys if Clerk rejects the secret key', async () => {
      const { keys } = timed(
        () => jwks('ins_1'),
        () => new Response('', { status: 401 }),
      );
      await keys.find('ins_1');
      now += FIVE_MINUTES;
      for (let time = 0; time < 20; time++) await expect(keys.find('ins_1')).rejects.toThrow(ClerkKeyRejectedError);
      expect(keys.getCached('ins_1')).toBeNull();
    });

    it('refreshes the keys in the background after four minutes, while callers use the cached ones', async () => {
      const { keys, calls } = timed(
        () => jwks('ins_1'),
        () => jwks('ins_2'),
      );
      await keys.find('ins_1');
      now += FOUR_MINUTES - 1;
      expect(keys.getCached('ins_1')).not.toBeNull();
      expect(calls).toHaveLength(1);
      now += 1;
      await expect(keys.find('ins_1')).resolves.toBe(pem);
      await settled();
      expect(calls).toHaveLength(2);
      expect([keys.getCached('ins_1'), keys.getCached('ins_2')]).toEqual([null, expect.anything()]);
    });

    it('detects an outage by its background refresh, so that no caller waits for it', async () => {
      const hang = () => new Promise<Response>(() => {});
      const { keys } = timed(() => jwks('ins_1'), down, hang);
      await keys.find('ins_1');
      now += FOUR_MINUTES;
      keys.getCached('ins_1');
      await settled();
      now += 60_000;
      expect(keys.getCached('ins_1')).not.toBeNull();
    });

    it('returns a stale key before timeoutInMs if Clerk hangs', async () => {
      const hang = () => new Promise<Response>(() => {});
      const { keys } = timed(() => jwks('ins_1'), hang);
      await keys.find('ins_1');
      now += FIVE_MINUTES;
      const began = performance.now();
      await expect(keys.find('ins_1')).resolves.toBe(pem);
      expect(performance.now() - began).toBeLessThan(options.timeoutInMs);
    });

    describe('after the clock is set back by hours', () => {
      const HOURS = 5 * 3_600_000;

      it('treats the keys as expired and fetches them again', async () => {
        const { keys, calls } = timed(
          () => jwks('ins_1', 'ins_2'),
          () => jwks('ins_2', 'ins_3'),
        );
        await keys.find('ins_1');
        now -= HOURS;
        expect(keys.freshUntil()).toBeLessThanOrEqual(now);
        expect(keys.getCached('ins_1')).toBeNull();
        await expect(keys.find('ins_1')).resolves.toBeNull();
        await expect(keys.find('ins_3')).resolves.toBe(pem);
        expect(calls).toHaveLength(2);
      });

      it('fetches as often for unknown kids as before', async () => {
        const { keys, calls } = timed(
          () => jwks('ins_1'),
          () => jwks('ins_1'),
          () => jwks('ins_1', 'ins_2'),
        );
        await keys.find('ins_1');
        now -= HOURS;
        await expect(keys.find('ins_2')).resolves.toBeNull();
        await expect(keys.find('ins_2')).resolves.toBeNull();
        expect(calls).toHaveLength(2);
        now += 30_000;
        await expect(keys.find('ins_2')).resolves.toBe(pem);
      });

      it('stops using stale keys after staleKeysInMs', async () => {
        const { keys } = timed(() => jwks('ins_1'), down);
        await keys.find('ins_1');
        now -= HOURS;
        await expect(keys.find('ins_1')).resolves.toBe(pem);
        now += options.staleKeysInMs - 1;
        expect(keys.getCached('ins_1')).not.toBeNull();
        now += 1;
        expect(keys.getCached('ins_1')).toBeNull();
        await expect(keys.find('ins_1')).rejects.toThrow(ClerkUnavailableError);
      });

      it('ignores failures that are in the future now, and recovers at once', async () => {
        const failures = Array.from({ length: 10 }, () => down);
        const { keys, calls } = timed(...failures, () => jwks('ins_1'));
        for (let time = 0; time < 12; time++) await expect(keys.find('ins_1')).rejects.toThrow(ClerkUnavailableError);
        expect(calls).toHaveLength(10);
        now -= HOURS;
        await expect(keys.find('ins_1')).resolves.toBe(pem);
      });

      it('retries in the background although the last failure is in the future', async () => {
        const { keys } = timed(
          () => jwks('ins_1'),
          down,
          () => jwks('ins_1', 'ins_2'),
        );
        await keys.find('ins_1');
        now += FIVE_MINUTES;
        await keys.find('ins_1');
        now -= FIVE_MINUTES;
        now += FOUR_MINUTES;
        expect(keys.getCached('ins_1')).not.toBeNull();
        await settled();
        expect(keys.getCached('ins_2')).not.toBeNull();
      });
    });

    it('returns a current key during an outage', async () => {
      const { keys } = timed(() => jwks('ins_1'), down);
      await keys.find('ins_1');
      now += FIVE_MINUTES;
      await keys.find('ins_1');
      await expect(keys.current()).resolves.toBe(pem);
    });
  });

  it('throws from current() if no key is published', async () => {
    const { keys } = remote(() => Response.json({ keys: [] }));
    await expect(keys.current()).rejects.toBeInstanceOf(ClerkUnavailableError);
  });

  it('ignores EC keys', async () => {
    const ec = await exportJWK((await generateKeyPair('ES256')).publicKey);
    for (const alg of ['ES256', undefined]) {
      const alone = { ...ec, kid: 'ec', alg };
      const { keys } = remote(async () => Response.json({ keys: [alone, await jwkOf('ins_1')] }));
      await expect(keys.find('ec')).resolves.toBeNull();
      await expect(keys.current()).resolves.toBe(pem);
      const without = remote(() => Response.json({ keys: [alone] }));
      await expect(without.keys.find('ec')).rejects.toThrow(ClerkUnavailableError);
    }
  });

  it.each<[string, object, boolean]>([
    ['without alg and use', { alg: undefined, use: undefined }, true],
    ['with key_ops verify', { key_ops: ['verify'] }, true],
    ['with key_ops encrypt', { key_ops: ['encrypt'] }, false],
    ['with use enc', { use: 'enc' }, false],
    ['with another algorithm', { alg: 'RS512' }, false],
    ['with another key type', { kty: 'EC' }, false],
    ['with a kid that is not a string', { kid: 5 }, false],
  ])('for a published key %s (%j), uses it: %s', async (_, fields, used) => {
    const { keys } = remote(async () =>
      Response.json({ keys: [{ ...(await jwkOf('ins_2')), ...fields }, await jwkOf('ins_1')] }),
    );
    await expect(keys.find('ins_2')).resolves.toBe(used ? pem : null);
    await expect(keys.find(5 as never)).resolves.toBeNull();
  });

  it('extends freshUntil() during an outage by three seconds after each failure, but not for a rejected key', async () => {
    const settled = async () => {
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    };
    const { keys, pass } = remote(
      () => jwks('ins_1'),
      () => new Response('', { status: 500 }),
    );
    await keys.find('ins_1');
    expect(keys.freshUntil()).toBe(300_000);
    for (const [ms, until] of [
      [270_000, 300_000],
      [60_000, 333_000],
    ] as const) {
      pass(ms);
      await keys.find('ins_1');
      await settled();
      expect(keys.freshUntil()).toBe(until);
    }
    const rejected = remote(
      () => jwks('ins_1'),
      () => new Response('', { status: 401 }),
    );
    await rejected.keys.find('ins_1');
    rejected.pass(330_000);
    await expect(rejected.keys.find('ins_1')).rejects.toThrow(ClerkKeyRejectedError);
    expect(rejected.keys.freshUntil()).toBe(300_000);
  });

  it('uses neither of two keys with the same kid', async () => {
    const { keys } = remote(() => jwks('ins_1', 'ins_1', 'ins_2'));
    await expect(keys.find('ins_1')).resolves.toBeNull();
    await expect(keys.find('ins_2')).resolves.toBe(pem);
  });

  it.each<[string, Answer]>([
    ['The keys of the Clerk instance could not be fetched', () => Promise.reject(new TypeError('fetch failed'))],
    ['The Backend API published no usable key', () => Response.json({ keys: [] })],
    ['The Backend API returned 500 to a request for the keys', () => new Response('', { status: 500 })],
    ['The Backend API returned 401 to a request for the keys', () => new Response('', { status: 401 })],
  ])('throws the message: %s', async (message, answer) => {
    await expect(remote(answer).keys.find('ins_1')).rejects.toThrow(message);
  });

  it.each<[string, unknown]>([
    ['an empty list', []],
    ['invalid keys', [{ kty: 'RSA', kid: 'ins_1' }, { kid: 'ins_1' }]],
    ['keys with fields of other types', [{ kty: 'RSA', kid: 'ins_1', n: 1, e: {}, key_ops: 7 }]],
    ['null instead of a key', [null]],
  ])('keeps using the cached keys if Clerk publishes %s', async (_, published) => {
    const { keys, calls, pass } = remote(
      () => jwks('ins_1'),
      () => Response.json({ keys: published }),
    );
    await keys.find('ins_1');
    pass(30_000);
    await expect(keys.find('ins_2')).rejects.toThrow(ClerkUnavailableError);
    expect(calls).toHaveLength(2);
    expect(keys.getCached('ins_1')).not.toBeNull();
    await expect(keys.current()).resolves.toBe(pem);
  });

  it('uses a valid key among invalid ones', async () => {
    const { keys } = remote(async () => Response.json({ keys: [{ kty: 'RSA', kid: 'ins_2' }, await jwkOf('ins_1')] }));
    await expect(keys.find('ins_1')).resolves.toBe(pem);
    expect([keys.getCached('ins_1'), keys.getCached('ins_2')]).toEqual([expect.anything(), null]);
  });

  it.each([
    [1024 * 1024, true],
    [1024 * 1024 + 1, false],
  ])('for a key set of %i bytes, accepts it: %s', async (bytes, isRead) => {
    const text = JSON.stringify({ keys: [await jwkOf('ins_1')] });
    const { keys } = remote(() => new Response(text.padEnd(bytes)));
    expect(await keys.find('ins_1').catch(() => null)).toBe(isRead ? pem : null);
  });

  it('stops reading an endless key set after a megabyte, and closes the connection', async () => {
    let chunks = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => (chunks++, controller.enqueue(new Uint8Array(64 * 1024))),
      cancel: () => void (cancelled = true),
    });
    const { keys } = remote(() => new Response(endless));
    await expect(keys.find('ins_1')).rejects.toMatchObject({
      cause: { cause: { message: 'the key set is too large' } },
    });
    expect([chunks < 25, cancelled]).toEqual([true, true]);
  });

  describe('with one retry allowed', () => {
    const retrying = (...answers: Answer[]) => remoteWith({ ...options, maxRetries: 1 }, ...answers);

    it.each<[string, Answer]>([
      ['a refused connection', () => Promise.reject(new TypeError('fetch failed'))],
      ['a 500', () => new Response('', { status: 500 })],
      ['a 429 with Retry-After 0', () => new Response('', { status: 429, headers: { 'retry-after': '0' } })],
      ['a truncated body', () => new Response('{"keys": [')],
      ['an empty key set', () => Response.json({ keys: [] })],
    ])('returns the keys of the second fetch to all waiting callers after %s', async (_, fault) => {
      const { keys, calls } = retrying(fault, () => jwks('ins_1'));
      const found = await Promise.all([keys.find('ins_1'), keys.find('ins_1'), keys.current()]);
      expect([found, calls.length]).toEqual([[pem, pem, pem], 2]);
    });

    it.each<[string, () => Response]>([
      ['a 404', () => new Response('', { status: 404 })],
      ['a 302', () => new Response('', { status: 302, headers: { location: 'http://elsewhere.test' } })],
      ['a 429 with a long Retry-After', () => new Response('', { status: 429, headers: { 'retry-after': '30' } })],
      ['a 429 without Retry-After', () => new Response('', { status: 429 })],
      ['a 401', () => new Response('', { status: 401 })],
    ])('does not retry after %s', async (_, fault) => {
      const { keys, calls } = retrying(fault, () => jwks('ins_1'));
      await expect(keys.find('ins_1')).rejects.toThrow();
      expect(calls).toHaveLength(1);
    });

    it('counts retries among the ten fetches that it makes while Clerk is down', async () => {
      const { keys, calls } = retrying(() => new Response('', { status: 500 }));
      for (let time = 0; time < 30; time++) await expect(keys.find('x')).rejects.toThrow(ClerkUnavailableError);
      expect(calls).toHaveLength(10);
    });
  });

  it('never includes the secret key in an error', async () => {
    const { keys } = remote(() => Promise.reject(new TypeError('fetch failed')));
    const error = await keys.find('ins_1').catch((reason: Error) => reason);
    expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain('sk_test_x');
  });
});

describe('EMPTY_KEY_SET', () => {
  it('has no keys, and throws from current() with the reason', async () => {
    await expect(EMPTY_KEY_SET.find('ins_1')).resolves.toBeNull();
    expect(EMPTY_KEY_SET.getCached('ins_1')).toBeNull();
    expect(EMPTY_KEY_SET.isUnknown('ins_1')).toBe(true);
    expect(EMPTY_KEY_SET.freshUntil()).toBe(Infinity);
    await expect(EMPTY_KEY_SET.current()).rejects.toThrow('There is no secretKey to fetch keys with');
  });
});

describe('StaticKeySet', () => {
  it('returns its only key for every kid', async () => {
    const keys = new StaticKeySet('PEM');
    await expect(keys.find()).resolves.toBe('PEM');
    await expect(keys.current()).resolves.toBe('PEM');
    expect(keys.freshUntil()).toBe(Infinity);
  });

  it('parses its key once for getCached()', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const pem = await exportSPKI(publicKey);
    const keys = new StaticKeySet(pem);
    expect(keys.isUnknown()).toBe(false);
    expect(keys.getCached().export({ type: 'spki', format: 'pem' }).toString().trim()).toBe(pem.trim());
    expect(keys.getCached()).toBe(keys.getCached());
  });
});
