import { SegmentedLru } from '../../../lib/authentication/cache/segmented-lru.js';

const filled = (max: number, ...keys: string[]) => {
  const cache = new SegmentedLru<{ key: string }>(max);
  for (const key of keys) cache.set(key, { key });
  return cache;
};
const kept = (cache: SegmentedLru<{ key: string }>, keys: readonly string[]) => keys.filter((key) => cache.get(key));

describe('SegmentedLru', () => {
  it('returns a value that was added, and undefined for other keys', () => {
    const cache = filled(5, 'a');
    const first = cache.get('a');
    expect(first).toEqual({ key: 'a' });
    expect(cache.get('a')).toBe(first);
    expect(cache.get('b')).toBeUndefined();
  });

  it('keeps all entries within its capacity, however often they are used', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const cache = filled(5, ...keys);
    for (let time = 0; time < 3; time++) expect(kept(cache, keys)).toEqual(keys);
  });

  it('evicts the oldest entry that was used once', () => {
    const cache = filled(5, 'a', 'b', 'c', 'd', 'e', 'f');
    expect(kept(cache, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('keeps entries that were used again while a hundred others are used once', () => {
    const cache = filled(5, 'a', 'b');
    kept(cache, ['a', 'b']);
    for (let number = 0; number < 100; number++) cache.set(`x${number}`, { key: `x${number}` });
    expect(kept(cache, ['a', 'b'])).toEqual(['a', 'b']);
    expect(
      kept(
        cache,
        Array.from({ length: 100 }, (_, number) => `x${number}`),
      ),
    ).toEqual(['x97', 'x98', 'x99']);
  });

  it('stores new entries in a full cache, and evicts entries that are no longer used', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const cache = filled(5, ...keys);
    kept(cache, keys);
    // Only four entries can count as used again; the least recently used one was demoted.
    for (const key of ['f', 'g', 'h', 'i']) {
      cache.set(key, { key });
      expect(cache.get(key)).toEqual({ key });
    }
    cache.set('j', { key: 'j' });
    expect(kept(cache, ['a', 'b', 'c', 'd', 'e'])).toEqual([]);
    expect(kept(cache, ['f', 'g', 'h', 'i'])).toEqual(['f', 'g', 'h', 'i']);
  });
});
