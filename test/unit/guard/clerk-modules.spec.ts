import { Module } from '@nestjs/common';

import { conflictsBetween, differingOptions, findClerkModules } from '../../../lib/guard/clerk-modules.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';

const keyOf = (host: string) => `pk_test_${Buffer.from(`${host}$`).toString('base64')}`;
const optionsOf = (host: string, more: object = {}) => ({ publishableKey: keyOf(host), ...more }) as never;
const GIVEN = 'OPTIONS';
class ClerkModule {}

/** A module of ours as Nest keeps it, and the dynamic module that it was made from. */
function clerkModule(options: unknown, given: object = {}) {
  const providers = new Map<unknown, object>([
    [CLERK_OPTIONS, { instance: options }],
    [GIVEN, { instance: given }],
  ]);
  return {
    made: { name: 'ClerkModule', metatype: ClerkModule, providers },
    dynamic: { module: ClerkModule, providers: [{ provide: GIVEN, useValue: given }] },
  };
}
function importing(name: string, ...imports: unknown[]) {
  const metatype = { [name]: class {} }[name]!;
  Module({ imports: imports as never[] })(metatype);
  return { name, metatype, providers: new Map() };
}
const containerOf = (...modules: object[]) => new Map(modules.map((one, index) => [String(index), one])) as never;
const conflictsIn = (container: never) => conflictsBetween(findClerkModules(container), container);

describe('differingOptions()', () => {
  const agree = () => true;
  it.each<[string, object, object, string[]]>([
    ['the same values', { a: 1, b: ['x'], c: { d: agree } }, { a: 1, b: ['x'], c: { d: agree } }, []],
    ['different values', { b: 1, a: 'x', c: 2 }, { b: 2, a: 'y', c: 2 }, ['a', 'b']],
    ['lists in another order', { a: ['x', 'y'] }, { a: ['y', 'x'] }, ['a']],
    ['a missing and an undefined value', { a: undefined }, {}, []],
    ['values that only one module has', { a: 1 }, { b: 1 }, ['a', 'b']],
    ['two functions with the same source', { a: () => true }, { a: () => true }, ['a']],
  ])('returns the names of the options that differ for %s', (_, one, other, names) => {
    expect(differingOptions(one as never, other as never)).toEqual(names);
  });
});

describe('conflictsBetween()', () => {
  it('returns nothing for one module, or for several modules with the same options', () => {
    const [one, other] = [clerkModule(optionsOf('a.example')), clerkModule(optionsOf('a.example'))];
    expect(conflictsIn(containerOf(one.made))).toEqual([]);
    expect(conflictsIn(containerOf(one.made, other.made))).toEqual([]);
    expect(conflictsIn(containerOf())).toEqual([]);
  });

  it('returns nothing if the options of a module are not resolved', () => {
    const [one, other] = [clerkModule(optionsOf('a.example')), clerkModule(null)];
    expect(conflictsIn(containerOf(one.made, other.made))).toEqual([]);
    expect(conflictsIn(containerOf(other.made, one.made))).toEqual([]);
  });

  it('names the importers of both modules, their hosts and the options that differ', () => {
    const [one, other] = [clerkModule(optionsOf('a.example')), clerkModule(optionsOf('b.example'))];
    const modules = [
      importing('AppModule', undefined, null, 'text', class {}, one.dynamic),
      importing('BillingModule', other.dynamic),
      importing('AdminModule', other.dynamic),
    ];
    expect(conflictsIn(containerOf(one.made, ...modules, other.made))).toEqual([
      expect.stringMatching(
        /different options \(publishableKey\): by AppModule for a\.example, and by BillingModule, AdminModule for b\.example\./,
      ),
    ]);
  });

  it('names a dynamic module if no decorator imports it, and no instance if there is no publishable key', () => {
    const [one, other] = [clerkModule(optionsOf('a.example')), clerkModule({ publishableKey: '' })];
    expect(conflictsIn(containerOf(one.made, other.made))).toEqual([
      expect.stringContaining('by a dynamic module for a.example, and by a dynamic module for no instance of its own.'),
    ]);
  });

  it('compares each further module with the first', () => {
    const all = ['a', 'b', 'a', 'c'].map((name) => clerkModule(optionsOf(`${name}.example`)).made);
    expect(conflictsIn(containerOf(...all))).toEqual([
      expect.stringContaining('b.example'),
      expect.stringContaining('c.example'),
    ]);
  });
});
