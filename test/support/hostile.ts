/** Hostile input for property tests: values that no type allows, and names with a special meaning. */
import fc from 'fast-check';

/** The number of runs of a cheap property; .ci/run sets more. Expensive properties use a fraction of it. */
export const RUNS = Number(process.env.PROPERTY_RUNS ?? 400);

/** Names with a meaning in JavaScript or Nest, if an object is used as a dictionary. */
export const PROTOTYPE_NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then', 'toJSON', 'length'],
] as const;

class WithGetter {
  get enabled() {
    return 'yes';
  }
}

/** Values that are almost valid. */
export const NEARLY: readonly unknown[] = [
  ...['LAX', 'lax', 'Strict', 'true', 'false', 'TRUE', '0', '1', 'no', 'off', 'null', ' ', '*', '/', '//x.test', 'any'],
  ...[0, 1, -0, -1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 40, 1e300, 0n, true, false],
  ...[[], [[]], [''], [undefined], new Array(2), {}, { length: 1 }, new Map(), new Set(['x']), Promise.resolve({})],
  ...[Symbol('x'), Symbol.iterator, () => true, class {}, new WithGetter(), Object.create({ enabled: true }), /x/],
];

/** Any value at all. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NEARLY) },
  {
    weight: 2,
    arbitrary: fc.anything({
      key: fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom(...PROTOTYPE_NAMES)),
      ...{ maxDepth: 2, maxKeys: 3, withBigInt: true, withDate: true, withMap: true, withNullPrototype: true },
      ...{ withObjectString: true, withSet: true, withSparseArray: true, withTypedArray: true },
    }),
  },
);

/** The ways in which an object can have a property. Only the first is an ordinary own property. */
export const HOLDERS = {
  own: (name: string, value: unknown) => ({ [name]: value }),
  'of a getter': (name: string, value: unknown) =>
    Object.defineProperty({}, name, { get: () => value, enumerable: true }) as object,
  inherited: (name: string, value: unknown) => Object.create({ [name]: value }) as object,
  hidden: (name: string, value: unknown) => Object.defineProperty({}, name, { value, enumerable: false }) as object,
  'of a class': (name: string, value: unknown) =>
    new (class {
      static {
        Object.defineProperty(this.prototype, name, { get: () => value });
      }
    })() as object,
} as const;
