import fc from 'fast-check';

import { estimateBytes, flatCopy } from '../../../lib/authentication/cache/flat-copy.js';

describe('flatCopy()', () => {
  it('returns equal text for all characters, including lone surrogates', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(flatCopy(text)).toBe(text)));
    for (const text of ['', 'a', 'é', '\u0436', '\u6f22', '\ud83d\ude00', '\ud83d', '\ude00a', '\0']) {
      expect(flatCopy(text)).toBe(text);
    }
  });
});

describe('estimateBytes()', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['\u6f22', 2],
    ['ab\u6f22', 6],
  ])('for the text %j, returns %i', (text, bytes) => {
    expect(estimateBytes(text)).toBe(bytes);
  });
});
