import { allOf, anyOf, combinationOf, conditionOf, type Condition } from '../../../lib/policy/requirement.js';

const scope = (name: string): Condition => ({ scope: name });
const conditionsOf = (...items: Parameters<typeof conditionOf<string>>[0]) => conditionOf<string>(items, scope);

describe('combinationOf()', () => {
  it.each<[unknown, unknown]>([
    [anyOf('a', 'b'), { kind: 'anyOf', items: ['a', 'b'] }],
    [allOf('a', 'b'), { kind: 'allOf', items: ['a', 'b'] }],
    [anyOf(), { kind: 'anyOf', items: [] }],
    // Other values, and combinations with other properties, which would be ignored.
    [{ anyOf: ['a'], allOf: ['b'] }, undefined],
    [{ anyOf: ['a'], role: 'org:admin' }, undefined],
    [{ anyOf: 'a' }, undefined],
    [{ allOf: 'a' }, undefined],
    [{ role: ['a'] }, undefined],
    [{}, undefined],
    [['a'], undefined],
    ['a', undefined],
    [null, undefined],
    [undefined, undefined],
    [Object.assign(() => true, { anyOf: ['a'] }), undefined],
  ])('of %p returns %j', (value, combination) => {
    expect(combinationOf(value)).toEqual(combination);
  });
});

describe('conditionOf()', () => {
  it('returns the condition of one item, and allOf the conditions of several', () => {
    expect(conditionsOf('a')).toEqual({ scope: 'a' });
    expect(conditionsOf('a', 'b')).toEqual({ allOf: [{ scope: 'a' }, { scope: 'b' }] });
  });

  it('keeps nested combinations', () => {
    expect(conditionsOf(anyOf('a', 'b'))).toEqual({ anyOf: [{ scope: 'a' }, { scope: 'b' }] });
    expect(conditionsOf(anyOf('a', allOf('b', 'c') as never))).toEqual({
      anyOf: [{ scope: 'a' }, { allOf: [{ scope: 'b' }, { scope: 'c' }] }],
    });
    expect(conditionsOf('a', anyOf('b'))).toEqual({ allOf: [{ scope: 'a' }, { anyOf: [{ scope: 'b' }] }] });
  });

  it('returns an empty allOf, which no caller fulfils, without items, and keeps an undefined item so that it is reported', () => {
    expect(conditionsOf()).toEqual({ allOf: [] });
    expect(conditionsOf(undefined as never)).toEqual({ allOf: [{ scope: undefined }] });
  });
});
