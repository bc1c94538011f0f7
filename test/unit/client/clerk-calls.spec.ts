import { ClerkCalls, retryTimes, type Purpose } from '../../../lib/client/clerk-calls.js';
import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';

const options = { timeoutInMs: 1_000, maxRetries: 2, maxPendingCalls: 2 };

/** ClerkCalls that do not wait between retries, and record the pauses. */
function over(given: Partial<typeof options> = {}) {
  const pauses: number[] = [];
  return { calls: new ClerkCalls({ ...options, ...given }, async (ms) => pauses.push(ms)), pauses };
}

/** A function that fails or succeeds in the given order, and then always returns 'healthy'. */
function asks(...errors: (Error | 'healthy')[]) {
  return jest.fn(async () => {
    const error = errors.shift() ?? 'healthy';
    if (error !== 'healthy') throw error;
    return error;
  });
}

const down = (ms?: number) => new ClerkUnavailableError('down', { retryInMs: ms });

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('ClerkCalls.withTimeout()', () => {
  const { calls } = over();

  it('returns the result or error of work that settles in time', async () => {
    await expect(calls.withTimeout(Promise.resolve(1))).resolves.toBe(1);
    await expect(calls.withTimeout(Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('rejects with ClerkUnavailableError when work does not settle in time', async () => {
    const error = calls.withTimeout(new Promise(() => {}), 1);
    await expect(error).rejects.toThrow(new ClerkUnavailableError('Clerk did not answer within 1 ms'));
  });

  it('leaves no timer behind', async () => {
    jest.useFakeTimers();
    await calls.withTimeout(Promise.resolve(1));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no unhandled rejection when work fails after the timeout', async () => {
    let fail!: (error: Error) => void;
    const work = new Promise<never>((_, reject) => (fail = reject));
    await expect(calls.withTimeout(work, 1)).rejects.toThrow(ClerkUnavailableError);
    fail(new Error('too late'));
    await new Promise(setImmediate);
  });
});

describe('ClerkCalls.withRetry()', () => {
  it('waits with a real timer by default', async () => {
    const start = performance.now();
    await expect(new ClerkCalls(options).withRetry(asks(down()))).resolves.toBe('healthy');
    // At least half of the first pause; a timer may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThan(45);
  });

  it('retries after random pauses that double', async () => {
    const { calls, pauses } = over();
    const ask = asks(down(), down());
    await expect(calls.withRetry(ask)).resolves.toBe('healthy');
    expect(ask).toHaveBeenCalledTimes(3);
    for (const [index, least] of [50, 100].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least);
      expect(pauses[index]).toBeLessThan(3 * least);
    }
  });

  it('rejects with the last error after maxRetries retries', async () => {
    for (const maxRetries of [0, 1, 2]) {
      const ask = asks(...[1, 2, 3, 4].map((time) => new ClerkUnavailableError(`down ${time}`)));
      await expect(over({ maxRetries }).calls.withRetry(ask)).rejects.toThrow(`down ${maxRetries + 1}`);
      expect(ask).toHaveBeenCalledTimes(maxRetries + 1);
    }
  });

  it.each([
    ['Clerk rejects our key', new ClerkKeyRejectedError('refused')],
    ['another error occurs', new TypeError('x')],
    ['the error says not to retry', down(Infinity)],
    ['the retry time exceeds the timeout', down(options.timeoutInMs)],
  ])('does not retry if %s', async (_, error) => {
    const { calls, pauses } = over();
    const ask = asks(error);
    await expect(calls.withRetry(ask)).rejects.toBe(error);
    expect([ask.mock.calls.length, pauses]).toEqual([1, []]);
  });

  it('waits longer than retryInMs of the error', async () => {
    const { calls, pauses } = over();
    await calls.withRetry(asks(down(500)));
    expect(pauses[0]).toBeGreaterThan(500);
  });

  it('does not retry after the timeout', async () => {
    const { calls, pauses } = over();
    const ask = asks(down());
    await expect(calls.withRetry(ask, 1)).rejects.toThrow('down');
    expect([ask.mock.calls.length, pauses]).toEqual([1, []]);
  });

  it.each([
    [100, 1],
    [101, 2],
  ])('with a timeout of %i ms and a pause of 100 ms makes %i calls', async (timeoutInMs, times) => {
    jest.spyOn(performance, 'now').mockReturnValue(0);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const ask = asks(down());
    await over()
      .calls.withRetry(ask, timeoutInMs)
      .catch(() => undefined);
    expect(ask).toHaveBeenCalledTimes(times);
  });

  it('makes single calls during an outage, and retries again after a successful one', async () => {
    const { calls } = over();
    await expect(calls.withRetry(asks(down(), down(), down()))).rejects.toThrow('down');
    const meanwhile = asks(down(), down());
    await expect(calls.withRetry(meanwhile)).rejects.toThrow('down');
    expect(meanwhile).toHaveBeenCalledTimes(1);
    await calls.withRetry(asks());
    await expect(calls.withRetry(asks(down()))).resolves.toBe('healthy');
  });
});

describe('ClerkCalls.withConcurrencyLimit()', () => {
  it('rejects calls beyond maxPendingCalls, including calls that have timed out but are still pending', async () => {
    const { calls } = over();
    const ends: (() => void)[] = [];
    const call = () => calls.withConcurrencyLimit(() => new Promise<void>((resolve) => ends.push(resolve)));
    const [first, second] = [call(), call()];
    await expect(calls.withTimeout(first, 1)).rejects.toThrow('within 1 ms');
    const rejected = call();
    await expect(rejected).rejects.toThrow(ClerkUnavailableError);
    await expect(rejected).rejects.toMatchObject({ retryInMs: Infinity });
    expect(ends).toHaveLength(2);
    ends[0]!();
    await first;
    const third = call();
    expect(ends).toHaveLength(3);
    for (const end of ends) end();
    await Promise.all([second, third]);
  });

  it.each<[number, number]>([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [9, 3],
    [250, 84],
  ])('of %i places gives at most %i each to unverified callers and browsers', async (maxPendingCalls, share) => {
    const { calls } = over({ maxPendingCalls });
    const ends: (() => void)[] = [];
    const pending: Promise<unknown>[] = [];
    const begun = (purpose: Purpose) => {
      const before = ends.length;
      for (let time = 0; time <= maxPendingCalls; time++) {
        const call = calls.withConcurrencyLimit(() => new Promise<void>((resolve) => ends.push(resolve)), purpose);
        pending.push(call.catch((error: Error) => expect(error).toBeInstanceOf(ClerkUnavailableError)));
      }
      return ends.length - before;
    };
    const unverified = begun('unverified');
    const browsers = begun('browser');
    expect([unverified, browsers]).toEqual([share, Math.min(share, maxPendingCalls - share)]);
    expect(begun('known')).toBe(maxPendingCalls - unverified - browsers);
    for (const end of ends) end();
    await Promise.all(pending);
    expect(begun('unverified')).toBe(share);
  });

  it('frees the place of a call that never settles after a while', async () => {
    const calls = new ClerkCalls({ ...options, timeoutInMs: 1, maxPendingCalls: 1 }, undefined, 5);
    const hanging = calls.withConcurrencyLimit(() => new Promise(() => {}));
    await expect(calls.withConcurrencyLimit(asks())).rejects.toThrow('has not answered 1 calls yet');
    await expect(hanging).rejects.toThrow('within 5 ms');
    await expect(calls.withConcurrencyLimit(asks())).resolves.toBe('healthy');
  });

  it('frees the place of a failed call', async () => {
    const { calls } = over({ maxPendingCalls: 1 });
    for (let time = 0; time < 3; time++) {
      await expect(calls.withConcurrencyLimit(() => Promise.reject(new Error('own')))).rejects.toThrow('own');
    }
  });
});

describe('retryTimes()', () => {
  it.each<[number | undefined, number | undefined, number | undefined, number | undefined]>([
    [undefined, undefined, undefined, undefined],
    [200, undefined, undefined, undefined],
    [500, undefined, undefined, undefined],
    [503, undefined, undefined, undefined],
    [503, 2, 2_000, 2],
    [429, 2, 2_000, 2],
    [429, 0, 0, 1],
    [429, 3_600, 3_600_000, 3_600],
    [429, 3_601, 3_600_000, 3_600],
    [429, undefined, Infinity, 10],
    [429, -5, Infinity, 10],
    [429, NaN, Infinity, 10],
    [429, Infinity, Infinity, 10],
    [429, 1.5, Infinity, 10],
    [503, -1, undefined, undefined],
    [299, undefined, undefined, undefined],
    [300, undefined, Infinity, undefined],
    [302, undefined, Infinity, undefined],
    [499, undefined, Infinity, undefined],
    [400, undefined, Infinity, undefined],
    [404, undefined, Infinity, undefined],
  ])(
    'for status %p and Retry-After %p returns %p ms, and %p s for the client',
    (status, retryAfter, retryInMs, retryAfterInSeconds) => {
      expect(retryTimes(status, retryAfter)).toEqual({ retryInMs, retryAfterInSeconds });
    },
  );
});
