import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';

import { Fingerprints } from '../../../lib/authentication/instances/fingerprints.js';

describe('Fingerprints', () => {
  const fingerprints = new Fingerprints();
  const [one, other] = [() => 'x', () => 'x'];

  it('are equal for equal options in any order, and different otherwise', () => {
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
        // Clients are compared by reference.
        fc.pre(![a, b].some(({ clerkClient }) => typeof clerkClient === 'object' && clerkClient !== null));
        expect(fingerprints.compute(a) === fingerprints.compute(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each<[string, object, object]>([
    ['two functions', { domain: one }, { domain: other }],
    ['two functions in lists', { audience: [one] }, { audience: [other] }],
    ['two Maps', { audience: new Map() }, { audience: new Map() }],
    ['equal clients', { clerkClient: { a: 1 } }, { clerkClient: { a: 1 } }],
    [
      'a non-enumerable field and an enumerable one',
      { audience: Object.defineProperty({}, 'a', {}) },
      { audience: { a: undefined } },
    ],
    ['a non-enumerable field and no field', { audience: Object.defineProperty({}, 'a', {}) }, { audience: {} }],
    ['an inherited field and no field', { audience: Object.create({ a: 1 }) }, { audience: {} }],
    ['a list and an object with the same fields', { audience: ['a'] }, { audience: { 0: 'a' } }],
    ['one text and two', { audience: ['a,1"b'] }, { audience: ['a', 'b'] }],
  ])('are different for %s', (_, a, b) => {
    expect(fingerprints.compute(a)).not.toBe(fingerprints.compute(b));
    for (const each of [a, b]) expect(fingerprints.compute(each)).toBe(fingerprints.compute({ ...each }));
  });

  it('are computed without calling any method of the options', () => {
    const says = () => {
      throw new Error('was called');
    };
    const self = { toJSON: says, toString: says, valueOf: says, [Symbol.toPrimitive]: says, [Symbol.iterator]: says };
    const list = Object.assign(['a'], self);
    for (const options of [{ audience: list }, { audience: Object.create(self) as object }, { clerkClient: self }]) {
      expect(fingerprints.compute(options)).toBe(fingerprints.compute(options));
    }
  });

  it('computed from data are equal if only functions and clients differ', () => {
    const options = (domain: unknown, clerkClient?: object) => ({ domain, clerkClient, audience: ['web'] });
    expect(fingerprints.computeFromData(options(one, {}))).toBe(fingerprints.computeFromData(options(other, {})));
    expect(fingerprints.computeFromData(options(one))).not.toBe(fingerprints.computeFromData(options('x')));
    expect(fingerprints.computeFromData(options(one))).not.toBe(
      fingerprints.computeFromData({ ...options(one), audience: ['app'] }),
    );
  });

  it('are SHA-256 digests, so options cannot be read from them', () => {
    expect(fingerprints.compute({ secretKey: 'sk_test_a' })).toMatch(/^[\w+/]{43}=$/);
  });
});
