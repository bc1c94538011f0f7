import { ClerkCalls, retryTimes, type Purpose } from '../../../lib/client/clerk-calls.js';
import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';

const options = { timeoutInMs: 1_000, maxRetries: 2, maxPendingCalls: 2 };

/** Calls that do not wait between retries, but note for how long they would have. */
function over(given: Partial<typeof options> = {}) {
  const pauses: number[] = [];
  return { calls: new ClerkCalls({ ...options, ...given }, async (ms) => pauses.push(ms)), pauses };
}

/** Asks that are answered one by one; what comes after is 'well'. */
function asks(...errors: (Error | 'well')[]) {
  return jest.fn(async () => {
    const error = errors.shift() ?? 'well';
    if (error !== 'well') throw error;
    return error;
  });
}

const down = (ms?: number) => new ClerkUnavailableError('down', { retryInMs: ms });

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('ClerkCalls, in time', () => {
  const { calls } = over();

  it('hand on what comes in time', async () => {
    await expect(calls.withTimeout(Promise.resolve(1))).resolves.toBe(1);
    await expect(calls.withTimeout(Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('give up on what never comes', async () => {
    const error = calls.withTimeout(new Promise(() => {}), 1);
    await expect(error).rejects.toThrow(new ClerkUnavailableError('Clerk did not answer within 1 ms'));
  });

  it('leave no timer behind', async () => {
    jest.useFakeTimers();
    await calls.withTimeout(Promise.resolve(1));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leave nothing unhandled when the work fails after the deadline', async () => {
    let fail!: (error: Error) => void;
    const work = new Promise<never>((_, reject) => (fail = reject));
    await expect(calls.withTimeout(work, 1)).rejects.toThrow(ClerkUnavailableError);
    fail(new Error('too late'));
    await new Promise(setImmediate);
  });
});

describe('ClerkCalls, withRetry', () => {
  it('wait by the clock, if nobody gives them another', async () => {
    const start = performance.now();
    await expect(new ClerkCalls(options).withRetry(asks(down()))).resolves.toBe('well');
    // Half of the first pause at least, which a timer may fall short of by a millisecond.
    expect(performance.now() - start).toBeGreaterThan(45);
  });

  it('ask again after pauses that grow, none like another', async () => {
    const { calls, pauses } = over();
    const ask = asks(down(), down());
    await expect(calls.withRetry(ask)).resolves.toBe('well');
    expect(ask).toHaveBeenCalledTimes(3);
    for (const [index, least] of [50, 100].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least);
      expect(pauses[index]).toBeLessThan(3 * least);
    }
  });

  it('give up after maxRetries, with the last error', async () => {
    for (const maxRetries of [0, 1, 2]) {
      const ask = asks(...[1, 2, 3, 4].map((time) => new ClerkUnavailableError(`down ${time}`)));
      await expect(over({ maxRetries }).calls.withRetry(ask)).rejects.toThrow(`down ${maxRetries + 1}`);
      expect(ask).toHaveBeenCalledTimes(maxRetries + 1);
    }
  });

  it.each([
    ['our key is refused', new ClerkKeyRejectedError('refused')],
    ['something else is wrong', new TypeError('x')],
    ['asking again is of no use', down(Infinity)],
    ['Clerk wants to be left alone for longer than anybody waits', down(options.timeoutInMs)],
  ])('ask once where %s', async (_, error) => {
    const { calls, pauses } = over();
    const ask = asks(error);
    await expect(calls.withRetry(ask)).rejects.toBe(error);
    expect([ask.mock.calls.length, pauses]).toEqual([1, []]);
  });

  it('leave Clerk alone for as long as it wants', async () => {
    const { calls, pauses } = over();
    await calls.withRetry(asks(down(500)));
    expect(pauses[0]).toBeGreaterThan(500);
  });

  it('ask no more when the time is over', async () => {
    const { calls, pauses } = over();
    const ask = asks(down());
    await expect(calls.withRetry(ask, 1)).rejects.toThrow('down');
    expect([ask.mock.calls.length, pauses]).toEqual([1, []]);
  });

  it.each([
    [100, 1],
    [101, 2],
  ])('with %i ms to go before a pause of 100 ms ask %i times', async (timeoutInMs, times) => {
    jest.spyOn(performance, 'now').mockReturnValue(0);
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const ask = asks(down());
    await over()
      .calls.withRetry(ask, timeoutInMs)
      .catch(() => undefined);
    expect(ask).toHaveBeenCalledTimes(times);
  });

  it('ask a Clerk that is down once, until it answers', async () => {
    const { calls } = over();
    await expect(calls.withRetry(asks(down(), down(), down()))).rejects.toThrow('down');
    const meanwhile = asks(down(), down());
    await expect(calls.withRetry(meanwhile)).rejects.toThrow('down');
    expect(meanwhile).toHaveBeenCalledTimes(1);
    await calls.withRetry(asks());
    await expect(calls.withRetry(asks(down()))).resolves.toBe('well');
  });
});

describe('ClerkCalls, withConcurrencyLimit', () => {
  it('are so many at once, answered in time or not', async () => {
    const { calls } = over();
    const ends: (() => void)[] = [];
    const call = () => calls.withConcurrencyLimit(() => new Promise<void>((resolve) => ends.push(resolve)));
    const [first, second] = [call(), call()];
    await expect(calls.withTimeout(first, 1)).rejects.toThrow('within 1 ms');
    const refused = call();
    await expect(refused).rejects.toThrow(ClerkUnavailableError);
    await expect(refused).rejects.toMatchObject({ retryInMs: Infinity });
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
  ])('for strangers and for browsers, of %i places are %i each', async (maxPendingCalls, share) => {
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
    const strangers = begun('unverified');
    const browsers = begun('browser');
    expect([strangers, browsers]).toEqual([share, Math.min(share, maxPendingCalls - share)]);
    expect(begun('known')).toBe(maxPendingCalls - strangers - browsers);
    for (const end of ends) end();
    await Promise.all(pending);
    expect(begun('unverified')).toBe(share);
  });

  it('give up their place after a while, so that a Clerk that is well again is asked', async () => {
    const calls = new ClerkCalls({ ...options, timeoutInMs: 1, maxPendingCalls: 1 }, undefined, 5);
    const hanging = calls.withConcurrencyLimit(() => new Promise(() => {}));
    await expect(calls.withConcurrencyLimit(asks())).rejects.toThrow('has not answered 1 calls yet');
    await expect(hanging).rejects.toThrow('within 5 ms');
    await expect(calls.withConcurrencyLimit(asks())).resolves.toBe('well');
  });

  it('have their place again when they fail', async () => {
    const { calls } = over({ maxPendingCalls: 1 });
    for (let time = 0; time < 3; time++) {
      await expect(calls.withConcurrencyLimit(() => Promise.reject(new Error('own')))).rejects.toThrow('own');
    }
  });
});

describe('retryTimes', () => {
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
    'after %p with Retry-After %p are %p milliseconds, and %p seconds for the client',
    (status, retryAfter, retryInMs, retryAfterInSeconds) => {
      expect(retryTimes(status, retryAfter)).toEqual({ retryInMs, retryAfterInSeconds });
    },
  );
});
