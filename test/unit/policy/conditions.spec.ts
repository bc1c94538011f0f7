import { describeRequirement, fulfils, reverificationOf, scopesOf } from '../../../lib/policy/conditions.js';
import type { Condition, Requirement } from '../../../lib/policy/requirement.js';

const read: Condition = { has: { permission: 'org:a:read' } };
const admin: Condition = { has: { role: 'org:admin' } };
const scope = (name: string): Condition => ({ scope: name });

const described = (condition: Condition) =>
  describeRequirement({ decorator: 'Require', appliesTo: ['session_token'], condition });

describe('a requirement in words', () => {
  it.each<[Condition, string]>([
    [read, 'permission org:a:read'],
    [scope('a:read'), 'scope a:read'],
    [{ has: { reverification: 'strict' } }, 'reverification strict'],
    [
      { has: { reverification: { level: 'first_factor', afterMinutes: 5 } } },
      'reverification {"level":"first_factor","afterMinutes":5}',
    ],
    [{ has: { role: 'org:admin', plan: 'org:pro' } as never }, 'role org:admin and plan org:pro'],
    [{ allOf: [read, admin] }, 'permission org:a:read and role org:admin'],
    [{ anyOf: [read, admin] }, 'any of (permission org:a:read, role org:admin)'],
    [{ anyOf: [{ allOf: [read, admin] }, scope('a')] }, 'any of (permission org:a:read and role org:admin, scope a)'],
    // Brackets stand only where they tell something apart.
    [{ allOf: [read, { allOf: [admin, scope('a')] }] }, 'permission org:a:read and (role org:admin and scope a)'],
    [{ allOf: [read, { allOf: [admin] }] }, 'permission org:a:read and role org:admin'],
    [{ allOf: [read, { anyOf: [admin, scope('a')] }] }, 'permission org:a:read and any of (role org:admin, scope a)'],
  ])('%j', (condition, words) => {
    expect(described(condition)).toBe(words);
  });

  it('names the predicate, if it has a name', () => {
    const that = (predicate: () => boolean): Requirement => ({ decorator: 'RequireThat', appliesTo: [], predicate });
    const ownsInvoice = () => true;
    expect(describeRequirement(that(ownsInvoice))).toBe('that ownsInvoice agrees');
    expect(describeRequirement(that(() => true))).toBe('that an unnamed function agrees');
  });
});

describe('a condition that asks for nothing', () => {
  const everything = { has: (asked: object) => Object.keys(asked).length > 0, scopes: ['a'] } as never;
  it.each<Condition>([{ allOf: [] }, { anyOf: [] }, { has: {} as never }])('is fulfilled by nobody: %j', (nothing) => {
    expect([fulfils(nothing, everything), fulfils(nothing, everything, { reverified: true })]).toEqual([false, false]);
  });
});

describe('whether a caller fulfils a condition', () => {
  const reverified = { reverified: true };
  const caller = (...rights: string[]) => ({
    has: (asked: object) => Object.keys(asked).length > 0 && Object.values(asked).every((one) => rights.includes(one)),
    scopes: ['a', 'b'],
  });
  const strict = { reverification: 'strict' };

  it.each<[string, object, object, object | undefined, boolean]>([
    ['a scope that it has', scope('b'), caller(), undefined, true],
    ['a scope that it lacks', scope('c'), caller(), undefined, false],
    ['a scope, of a session', scope('a'), { has: () => true }, undefined, false],
    ['a scope, where they are no list', scope('a'), { has: () => true, scopes: 'a' }, undefined, false],
    ['a right that it has', { has: { role: 'r' } }, caller('r'), undefined, true],
    ['a right that it lacks', { has: { role: 'r' } }, caller(), undefined, false],
    ['a right that it lacks, reverified', { has: { role: 'r' } }, caller(), reverified, false],
    ['a factor', { has: strict }, caller(), undefined, false],
    ['a factor, reverified', { has: strict }, caller(), reverified, true],
    ['a factor beside nothing, reverified', { has: { ...strict, role: undefined } }, caller(), reverified, true],
    ['a factor beside a right, reverified', { has: { ...strict, role: 'r' } }, caller('r'), reverified, true],
    ['a factor beside a right that it lacks', { has: { ...strict, role: 'r' } }, caller('strict'), reverified, false],
    ['the same beside nothing', { has: { ...strict, role: 'r', plan: undefined } }, caller(), reverified, false],
    ['all of two', { allOf: [scope('a'), scope('b')] }, caller(), undefined, true],
    ['all of two, the last of which it lacks', { allOf: [scope('a'), scope('c')] }, caller(), undefined, false],
    ['any of two', { anyOf: [scope('c'), scope('a')] }, caller(), undefined, true],
    ['any of two factors, reverified', { anyOf: [scope('c'), { has: strict }] }, caller(), reverified, true],
    ['all of two factors, reverified', { allOf: [scope('a'), { has: strict }] }, caller(), reverified, true],
    ['any of two that it lacks', { anyOf: [scope('c'), scope('d')] }, caller(), undefined, false],
  ])('%s', (_, condition, auth, supposing, fulfilled) => {
    expect(fulfils(condition as Condition, auth as never, supposing)).toBe(fulfilled);
  });

  it.each(['yes', 1, undefined])('takes %p of has() for no', (answer) => {
    expect(fulfils(read, { has: () => answer } as never)).toBe(false);
  });
});

describe('the scopes of a condition', () => {
  it.each<[Condition, string[]]>([
    [scope('a'), ['a']],
    [read, []],
    [{ allOf: [scope('a'), { anyOf: [scope('b'), { allOf: [scope('c'), read] }] }] }, ['a', 'b', 'c']],
  ])('%j: %j', (condition, scopes) => {
    expect(scopesOf(condition)).toEqual(scopes);
  });
});

describe('the reverification that a caller lacks', () => {
  const caller = (...rights: string[]) =>
    ({ has: (asked: object) => Object.values(asked).every((right) => rights.includes(String(right))) }) as never;
  const strict: Condition = { has: { reverification: 'strict' } };
  const lax: Condition = { has: { reverification: 'lax' } };

  it.each<[string, Condition, string[], string | undefined]>([
    ['of one who has it', strict, ['strict'], undefined],
    ['of one who lacks it', strict, [], 'strict'],
    ['beside a right that he has', { allOf: [read, strict] }, ['org:a:read'], 'strict'],
    ['beside a right that he lacks too', { allOf: [read, strict] }, [], undefined],
    [
      'beside a right in one question',
      { has: { permission: 'org:a:read', reverification: 'lax' } as never },
      [],
      undefined,
    ],
    ['of two, of which he has the first', { allOf: [lax, strict] }, ['lax'], 'strict'],
    ['of two ways, the first of which is closed', { anyOf: [{ allOf: [admin, strict] }, lax] }, [], 'lax'],
    ['of a way beside an open one', { anyOf: [strict, read] }, ['org:a:read'], undefined],
    ['of a right that is none', read, [], undefined],
    ['of a scope', scope('a'), [], undefined],
  ])('%s', (_, condition, rights, lacked) => {
    expect(reverificationOf(condition, caller(...rights))).toBe(lacked);
  });
});
