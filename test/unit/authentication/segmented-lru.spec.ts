import { SegmentedLru } from '../../../lib/authentication/cache/segmented-lru.js';

const filled = (max: number, ...keys: string[]) => {
  const cache = new SegmentedLru<{ key: string }>(max);
  for (const key of keys) cache.set(key, { key });
  return cache;
};
const kept = (cache: SegmentedLru<{ key: string }>, keys: readonly string[]) => keys.filter((key) => cache.get(key));

describe('SegmentedLru', () => {
  it('finds what was added, and nothing else', () => {
    const cache = filled(5, 'a');
    const first = cache.get('a');
    expect(first).toEqual({ key: 'a' });
    expect(cache.get('a')).toBe(first);
    expect(cache.get('b')).toBeUndefined();
  });

  it('keeps all that there is room for, used once or not', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const cache = filled(5, ...keys);
    for (let time = 0; time < 3; time++) expect(kept(cache, keys)).toEqual(keys);
  });

  it('drops what was used once and longest ago first', () => {
    const cache = filled(5, 'a', 'b', 'c', 'd', 'e', 'f');
    expect(kept(cache, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('keeps what was used again through any number of others that are used once', () => {
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

  it('always has room for what is new, and lets go of what is not used any more', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const cache = filled(5, ...keys);
    kept(cache, keys);
    // Four of them count as used again; the one of them that was used longest ago made room.
    for (const key of ['f', 'g', 'h', 'i']) {
      cache.set(key, { key });
      expect(cache.get(key)).toEqual({ key });
    }
    cache.set('j', { key: 'j' });
    expect(kept(cache, ['a', 'b', 'c', 'd', 'e'])).toEqual([]);
    expect(kept(cache, ['f', 'g', 'h', 'i'])).toEqual(['f', 'g', 'h', 'i']);
  });
});
