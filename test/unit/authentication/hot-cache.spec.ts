import { signedOutIdentity } from '../../../lib/authentication/identity/identity.js';
import { HotCache } from '../../../lib/authentication/cache/hot-cache.js';

const identity = signedOutIdentity('token-expired', 'session_token', true);
const recalled = { identity, since: 1_000, until: 2_000, bytes: 1_000 };

describe('HotCache', () => {
  let now = 1_500;
  const recent = (maxEntries = 100, maxBytes = 1_000_000) => new HotCache({ maxEntries, maxBytes }, () => now);
  beforeEach(() => void (now = 1_500));

  it('finds who sent the same, for the same accepted tokens, and nobody else', () => {
    const callers = recent();
    const ending = 'x'.repeat(40);
    callers.set(`a${ending}`, 'session_token', recalled);
    expect(callers.get(`a${ending}`, 'session_token')).toBe(identity);
    // These end alike, so that they are looked for at the same place.
    expect(callers.get(`b${ending}`, 'session_token')).toBeUndefined();
    expect(callers.get(ending, 'session_token')).toBeUndefined();
    expect(callers.get(`a${ending}`, 'any')).toBeUndefined();
    expect(callers.get(`a${ending}`, 'session_tokem' as never)).toBeUndefined();
    expect(callers.get('', 'session_token')).toBeUndefined();
  });

  it.each([
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ])('at %i ms from a second to the next: %s', (at, found) => {
    const callers = recent();
    callers.set('token', 'any', recalled);
    now = at;
    expect(callers.get('token', 'any')).toBe(found ? identity : undefined);
  });

  it('keeps a tenth of what is remembered, and one at least', () => {
    for (const [maxEntries, kept] of [
      [20, 2],
      [1, 1],
    ] as const) {
      const callers = recent(maxEntries);
      const tokens = ['first', 'second', 'third', 'fourth'];
      for (const token of tokens) callers.set(token, 'any', recalled);
      expect(tokens.filter((token) => callers.get(token, 'any'))).toHaveLength(kept);
    }
  });

  it('keeps texts apart that differ in their last letters', () => {
    const callers = recent(10_000);
    const texts = ['', 'a', 'b', 'ab', 'ba', ...Array.from({ length: 50 }, (_, index) => `token-${index}`)];
    for (const text of texts) callers.set(text, 'any', recalled);
    expect(texts.filter((text) => !callers.get(text, 'any'))).toEqual([]);
  });
});
