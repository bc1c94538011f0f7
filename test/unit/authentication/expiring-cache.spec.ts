import { ExpiringCache, isValidAt } from '../../../lib/authentication/cache/expiring-cache.js';

const MINUTE = 60_000;

describe('isValidAt()', () => {
  it.each([
    [9, false],
    [10, true],
    [19, true],
    [20, false],
  ])('at %i in a window from 10 to 20, returns %s', (now, expected) => {
    expect(isValidAt({ since: 10, until: 20 }, now)).toBe(expected);
  });
});

describe('ExpiringCache', () => {
  let now: number;
  let cache: ExpiringCache<string, { since: number; until: number }>;
  const setUp = (maxEntries = 1_000, maxBytes = 1_000_000) =>
    (cache = new ExpiringCache({ maxEntries, maxBytes }, () => now));
  const add = (key: string, lifetime = MINUTE, bytes = 1) =>
    cache.set(key, { since: now, until: now + lifetime }, bytes);
  const keys = (...names: string[]) => names.filter((name) => cache.get(name));

  beforeEach(() => {
    jest.useFakeTimers();
    now = 1_000;
  });
  afterEach(() => {
    cache.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('returns an entry while it is valid', () => {
    setUp();
    add('a', 10);
    expect(cache.get('a')).toEqual({ since: 1_000, until: 1_010 });
    now = 1_010;
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('b')).toBeUndefined();
  });

  it('removes an entry that a lookup finds expired, so that it stays gone if the clock is set back', () => {
    setUp();
    add('a', 10);
    now = 1_010;
    cache.get('a');
    now = 1_000;
    expect([cache.get('a'), cache.size, cache.bytes]).toEqual([undefined, 0, 0]);
  });

  it('evicts the least recently used entry beyond maxEntries', () => {
    setUp(2);
    for (const name of ['a', 'b']) add(name);
    cache.get('a');
    add('c');
    expect(keys('a', 'b', 'c')).toEqual(['a', 'c']);
  });

  it('evicts the least recently used entry beyond maxBytes', () => {
    setUp(1_000, 100);
    for (const name of ['a', 'b', 'c']) add(name, MINUTE, 40);
    expect([cache.bytes, ...keys('a', 'b', 'c')]).toEqual([80, 'b', 'c']);
  });

  it('replaces an entry in a full cache without evicting another', () => {
    setUp(2);
    for (const name of ['a', 'b', 'a']) add(name);
    expect([cache.size, ...keys('a', 'b')]).toEqual([2, 'a', 'b']);
  });

  it('is empty, and can be read and closed, before an entry is added', () => {
    setUp();
    expect([cache.get('a'), cache.size, cache.bytes]).toEqual([undefined, 0, 0]);
    cache.close();
    add('a');
    expect([cache.get('a'), cache.size, cache.bytes]).toEqual([undefined, 0, 0]);
  });

  it('does not store an entry larger than maxBytes, and keeps all others', () => {
    setUp(1_000, 100);
    add('a', MINUTE, 40);
    add('b', MINUTE, 101);
    expect([cache.bytes, ...keys('a', 'b')]).toEqual([40, 'a']);
  });

  it('counts an entry once if it is stored again', () => {
    setUp();
    add('a', MINUTE, 40);
    add('a', MINUTE, 30);
    expect([cache.size, cache.bytes]).toEqual([1, 30]);
  });

  it('removes up to a hundred expired entries when one is added', () => {
    setUp();
    for (let index = 0; index < 250; index++) add(`old ${index}`);
    now += MINUTE;
    const sizes = ['a', 'b', 'c', 'd'].map((name) => (add(name), cache.size));
    expect(sizes).toEqual([151, 52, 3, 4]);
    expect(keys('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('removes expired entries by timer if there are no lookups or insertions', () => {
    setUp();
    for (let index = 0; index < 500; index++) add(`old ${index}`);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  it('removes ten thousand expired entries per turn of the event loop', () => {
    setUp(30_000);
    for (let index = 0; index < 25_000; index++) add(`old ${index}`);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    const sizes = [cache.size];
    while (cache.size > 0) {
      jest.advanceTimersToNextTimer();
      sizes.push(cache.size);
    }
    expect(sizes).toEqual([15_000, 5_000, 0]);
  });

  it('decides by its clock what has expired, not by the time of its timer', () => {
    setUp();
    add('a');
    jest.advanceTimersByTime(10 * MINUTE);
    expect(cache.size).toBe(1);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(0);
  });

  it('keeps expired entries behind an entry with a longer validity until that has expired', () => {
    setUp();
    add('long', 2 * MINUTE);
    add('short');
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(2);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(0);
  });

  it('removes entries that start in the future after the clock was set back', () => {
    setUp();
    add('a');
    now -= MINUTE;
    add('b');
    expect([cache.size, ...keys('a', 'b')]).toEqual([1, 'b']);
  });

  it('has one timer while there are entries, and none otherwise', () => {
    setUp();
    expect(jest.getTimerCount()).toBe(0);
    for (let index = 0; index < 100; index++) add(`a ${index}`);
    expect(jest.getTimerCount()).toBe(1);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(jest.getTimerCount()).toBe(0);
    add('a');
    expect(jest.getTimerCount()).toBe(1);
  });

  it('does not keep the process alive with its timer', () => {
    jest.useRealTimers();
    setUp();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    add('a');
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
    cache.close();
    jest.useFakeTimers();
  });

  it('removes all entries when it is closed, and stores nothing afterwards', () => {
    setUp();
    add('a');
    cache.close();
    expect([cache.size, cache.bytes, jest.getTimerCount()]).toEqual([0, 0, 0]);
    add('b');
    expect([cache.size, jest.getTimerCount(), cache.get('b')]).toEqual([0, 0, undefined]);
  });
});
