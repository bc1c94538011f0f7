import { signedOutIdentity } from '../../../lib/authentication/identity.js';
import { RecentCallers } from '../../../lib/authentication/recent-callers.js';

const identity = signedOutIdentity('token-expired', 'session_token', true);
const recalled = { identity, since: 1_000, until: 2_000, bytes: 1_000 };

describe('RecentCallers', () => {
  let now = 1_500;
  const recent = (maxEntries = 100, maxBytes = 1_000_000) => new RecentCallers({ maxEntries, maxBytes }, () => now);
  beforeEach(() => void (now = 1_500));

  it('finds who sent the same, for the same accepted tokens, and nobody else', () => {
    const callers = recent();
    const ending = 'x'.repeat(40);
    callers.keep(`a${ending}`, 'session_token', recalled);
    expect(callers.find(`a${ending}`, 'session_token')).toBe(identity);
    // These end alike, so that they are looked for at the same place.
    expect(callers.find(`b${ending}`, 'session_token')).toBeUndefined();
    expect(callers.find(ending, 'session_token')).toBeUndefined();
    expect(callers.find(`a${ending}`, 'any')).toBeUndefined();
    expect(callers.find(`a${ending}`, 'session_tokem' as never)).toBeUndefined();
    expect(callers.find('', 'session_token')).toBeUndefined();
  });

  it.each([
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ])('at %i ms from a second to the next: %s', (at, found) => {
    const callers = recent();
    callers.keep('token', 'any', recalled);
    now = at;
    expect(callers.find('token', 'any')).toBe(found ? identity : undefined);
  });

  it('keeps a tenth of what is remembered, and one at least', () => {
    for (const [maxEntries, kept] of [
      [20, 2],
      [1, 1],
    ] as const) {
      const callers = recent(maxEntries);
      const tokens = ['first', 'second', 'third', 'fourth'];
      for (const token of tokens) callers.keep(token, 'any', recalled);
      expect(tokens.filter((token) => callers.find(token, 'any'))).toHaveLength(kept);
    }
  });

  it('keeps texts apart that differ in their last letters', () => {
    const callers = recent(10_000);
    const texts = ['', 'a', 'b', 'ab', 'ba', ...Array.from({ length: 50 }, (_, index) => `token-${index}`)];
    for (const text of texts) callers.keep(text, 'any', recalled);
    expect(texts.filter((text) => !callers.find(text, 'any'))).toEqual([]);
  });
});
