import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';

import { Fingerprints } from '../../../lib/authentication/instances/fingerprints.js';

describe('Fingerprints', () => {
  const fingerprints = new Fingerprints();
  const [one, other] = [() => 'x', () => 'x'];

  it('are equal for equal options, in whatever order, and different for others', () => {
    const text = fc.constantFrom(
      '',
      'a',
      ',',
      '"',
      '1"a',
      '1"a,1"b',
      '[',
      ']',
      '{',
      'number 1',
      '#1',
      '\ud800',
      '\ud801',
      '\ufffd',
    );
    const value = fc.oneof(
      text,
      fc.constantFrom<unknown>(0, -0, 1, 1n, NaN, null, undefined, true, false, 'true', one, other),
      fc.array(fc.oneof(text, fc.constantFrom(1, null, one)), { maxLength: 3 }),
      fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 2 })), { maxKeys: 3, noNullPrototype: true }),
    );
    const options = fc.dictionary(fc.oneof(text, fc.constantFrom('domain', 'clerkClient')), value, {
      maxKeys: 3,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(options, options, (a, b) => {
        const reversed = Object.fromEntries(Object.entries(a).reverse());
        expect(fingerprints.compute(reversed)).toBe(fingerprints.compute(a));
        // A client counts by identity.
        fc.pre(![a, b].some(({ clerkClient }) => typeof clerkClient === 'object' && clerkClient !== null));
        expect(fingerprints.compute(a) === fingerprints.compute(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each<[string, object, object]>([
    ['functions', { domain: one }, { domain: other }],
    ['functions in lists', { audience: [one] }, { audience: [other] }],
    ['Maps', { audience: new Map() }, { audience: new Map() }],
    ['clients that are alike', { clerkClient: { a: 1 } }, { clerkClient: { a: 1 } }],
    [
      'what is hidden from what is not',
      { audience: Object.defineProperty({}, 'a', {}) },
      { audience: { a: undefined } },
    ],
    ['what is hidden from what is not there', { audience: Object.defineProperty({}, 'a', {}) }, { audience: {} }],
    ['what is inherited from what is not', { audience: Object.create({ a: 1 }) }, { audience: {} }],
    ['a list from its fields', { audience: ['a'] }, { audience: { 0: 'a' } }],
    ['one text from two', { audience: ['a,1"b'] }, { audience: ['a', 'b'] }],
  ])('tell %s', (_, a, b) => {
    expect(fingerprints.compute(a)).not.toBe(fingerprints.compute(b));
    for (const each of [a, b]) expect(fingerprints.compute(each)).toBe(fingerprints.compute({ ...each }));
  });

  it('ask nothing of what an object says about itself', () => {
    const says = () => {
      throw new Error('was asked');
    };
    const self = { toJSON: says, toString: says, valueOf: says, [Symbol.toPrimitive]: says, [Symbol.iterator]: says };
    const list = Object.assign(['a'], self);
    for (const options of [{ audience: list }, { audience: Object.create(self) as object }, { clerkClient: self }]) {
      expect(fingerprints.compute(options)).toBe(fingerprints.compute(options));
    }
  });

  it('of data are equal where only functions and clients differ', () => {
    const options = (domain: unknown, clerkClient?: object) => ({ domain, clerkClient, audience: ['web'] });
    expect(fingerprints.computeFromData(options(one, {}))).toBe(fingerprints.computeFromData(options(other, {})));
    expect(fingerprints.computeFromData(options(one))).not.toBe(fingerprints.computeFromData(options('x')));
    expect(fingerprints.computeFromData(options(one))).not.toBe(
      fingerprints.computeFromData({ ...options(one), audience: ['app'] }),
    );
  });

  it('let nobody read what they are taken of', () => {
    expect(fingerprints.compute({ secretKey: 'sk_test_a' })).toMatch(/^[\w+/]{43}=$/);
  });
});
