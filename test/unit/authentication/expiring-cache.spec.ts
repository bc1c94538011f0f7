import { ExpiringCache, isValidAt } from '../../../lib/authentication/cache/expiring-cache.js';

const MINUTE = 60_000;

describe('isValidAt', () => {
  it.each([
    [9, false],
    [10, true],
    [19, true],
    [20, false],
  ])('at %i of a window from 10 to 20: %s', (now, expected) => {
    expect(isValidAt({ since: 10, until: 20 }, now)).toBe(expected);
  });
});

describe('ExpiringCache', () => {
  let now: number;
  let cache: ExpiringCache<string, { since: number; until: number }>;
  const over = (maxEntries = 1_000, maxBytes = 1_000_000) =>
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
    over();
    add('a', 10);
    expect(cache.get('a')).toEqual({ since: 1_000, until: 1_010 });
    now = 1_010;
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('b')).toBeUndefined();
  });

  it('forgets an entry that was found expired, also where the clock is set back after it', () => {
    over();
    add('a', 10);
    now = 1_010;
    cache.get('a');
    now = 1_000;
    expect([cache.get('a'), cache.size, cache.bytes]).toEqual([undefined, 0, 0]);
  });

  it('gives up the entry that was used longest ago where there are too many', () => {
    over(2);
    for (const name of ['a', 'b']) add(name);
    cache.get('a');
    add('c');
    expect(keys('a', 'b', 'c')).toEqual(['a', 'c']);
  });

  it('never takes more bytes than it may, and gives up what was used longest ago', () => {
    over(1_000, 100);
    for (const name of ['a', 'b', 'c']) add(name, MINUTE, 40);
    expect([cache.bytes, ...keys('a', 'b', 'c')]).toEqual([80, 'b', 'c']);
  });

  it('keeps no entry that alone is larger than the cache may be, and all the others', () => {
    over(1_000, 100);
    add('a', MINUTE, 40);
    add('b', MINUTE, 101);
    expect([cache.bytes, ...keys('a', 'b')]).toEqual([40, 'a']);
  });

  it('counts an entry once that is kept again', () => {
    over();
    add('a', MINUTE, 40);
    add('a', MINUTE, 30);
    expect([cache.size, cache.bytes]).toEqual([1, 30]);
  });

  it('lets expired entries go when one is added, a hundred at most', () => {
    over();
    for (let index = 0; index < 250; index++) add(`old ${index}`);
    now += MINUTE;
    const sizes = ['a', 'b', 'c', 'd'].map((name) => (add(name), cache.size));
    expect(sizes).toEqual([151, 52, 3, 4]);
    expect(keys('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets expired entries go by themselves, where nobody asks or adds', () => {
    over();
    for (let index = 0; index < 500; index++) add(`old ${index}`);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
  });

  it('lets ten thousand go in one turn of the event loop, and the others in the next', () => {
    over(30_000);
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

  it('decides what has expired by its clock, not by how often its timer runs', () => {
    over();
    add('a');
    jest.advanceTimersByTime(10 * MINUTE);
    expect(cache.size).toBe(1);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(0);
  });

  it('is held up by an entry that is valid for longer until that has expired', () => {
    over();
    add('long', 2 * MINUTE);
    add('short');
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(2);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(cache.size).toBe(0);
  });

  it('lets go what lies in the future after the clock was set back', () => {
    over();
    add('a');
    now -= MINUTE;
    add('b');
    expect([cache.size, ...keys('a', 'b')]).toEqual([1, 'b']);
  });

  it('has one timer however many entries there are, none where there are none, and one again later', () => {
    over();
    expect(jest.getTimerCount()).toBe(0);
    for (let index = 0; index < 100; index++) add(`a ${index}`);
    expect(jest.getTimerCount()).toBe(1);
    now += MINUTE;
    jest.advanceTimersByTime(30_000);
    expect(jest.getTimerCount()).toBe(0);
    add('a');
    expect(jest.getTimerCount()).toBe(1);
  });

  it('keeps no process alive by its timer', () => {
    jest.useRealTimers();
    over();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    add('a');
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
    cache.close();
    jest.useFakeTimers();
  });

  it('forgets everything when it is closed, and keeps nothing from then on', () => {
    over();
    add('a');
    cache.close();
    expect([cache.size, cache.bytes, jest.getTimerCount()]).toEqual([0, 0, 0]);
    add('b');
    expect([cache.size, jest.getTimerCount(), cache.get('b')]).toEqual([0, 0, undefined]);
  });
});
