import { signedOutIdentity } from '../../../lib/authentication/identity/identity.js';
import { HotCache } from '../../../lib/authentication/cache/hot-cache.js';

const identity = signedOutIdentity('token-expired', 'session_token', true);
const cached = { identity, since: 1_000, until: 2_000, bytes: 1_000 };

describe('HotCache', () => {
  let now = 1_500;
  const createCache = (maxEntries = 100, maxBytes = 1_000_000) => new HotCache({ maxEntries, maxBytes }, () => now);
  beforeEach(() => void (now = 1_500));

  it('returns an identity for the same lookup key and accepted types only, also if the hashes are equal', () => {
    const cache = createCache();
    const ending = 'x'.repeat(40);
    cache.set(`a${ending}`, 'session_token', cached);
    expect(cache.get(`a${ending}`, 'session_token')).toBe(identity);
    // Equal endings have equal hashes.
    expect(cache.get(`b${ending}`, 'session_token')).toBeUndefined();
    expect(cache.get(ending, 'session_token')).toBeUndefined();
    expect(cache.get(`a${ending}`, 'any')).toBeUndefined();
    expect(cache.get(`a${ending}`, 'session_tokem' as never)).toBeUndefined();
    expect(cache.get('', 'session_token')).toBeUndefined();
  });

  it.each([
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ])('at %i ms, with an entry valid from 1000 to 2000 ms, finds it: %s', (at, found) => {
    const cache = createCache();
    cache.set('token', 'any', cached);
    now = at;
    expect(cache.get('token', 'any')).toBe(found ? identity : undefined);
  });

  it('holds a tenth of maxEntries, and at least one entry', () => {
    for (const [maxEntries, kept] of [
      [20, 2],
      [1, 1],
    ] as const) {
      const cache = createCache(maxEntries);
      const tokens = ['first', 'second', 'third', 'fourth'];
      for (const token of tokens) cache.set(token, 'any', cached);
      expect(tokens.filter((token) => cache.get(token, 'any'))).toHaveLength(kept);
    }
  });

  it('keeps entries whose lookup keys differ in their last characters', () => {
    const cache = createCache(10_000);
    const texts = ['', 'a', 'b', 'ab', 'ba', ...Array.from({ length: 50 }, (_, index) => `token-${index}`)];
    for (const text of texts) cache.set(text, 'any', cached);
    expect(texts.filter((text) => !cache.get(text, 'any'))).toEqual([]);
  });
});
