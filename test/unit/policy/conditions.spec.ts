import { describeRequirement, fulfils, reverificationOf, scopesOf } from '../../../lib/policy/conditions.js';
import type { Condition, Requirement } from '../../../lib/policy/requirement.js';

const read: Condition = { has: { permission: 'org:a:read' } };
const admin: Condition = { has: { role: 'org:admin' } };
const scope = (name: string): Condition => ({ scope: name });

const described = (condition: Condition) =>
  describeRequirement({ decorator: 'Require', appliesTo: ['session_token'], condition });

describe('describeRequirement()', () => {
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
    // Parentheses appear only where they change the meaning.
    [{ allOf: [read, { allOf: [admin, scope('a')] }] }, 'permission org:a:read and (role org:admin and scope a)'],
    [{ allOf: [read, { allOf: [admin] }] }, 'permission org:a:read and role org:admin'],
    [{ allOf: [read, { anyOf: [admin, scope('a')] }] }, 'permission org:a:read and any of (role org:admin, scope a)'],
  ])('describes %j as "%s"', (condition, words) => {
    expect(described(condition)).toBe(words);
  });

  it('names a predicate, if it has a name', () => {
    const that = (predicate: () => boolean): Requirement => ({ decorator: 'RequireThat', appliesTo: [], predicate });
    const ownsInvoice = () => true;
    expect(describeRequirement(that(ownsInvoice))).toBe('that ownsInvoice agrees');
    expect(describeRequirement(that(() => true))).toBe('that an unnamed function agrees');
  });
});

describe('fulfils() with an empty condition', () => {
  const everything = { has: (asked: object) => Object.keys(asked).length > 0, scopes: ['a'] } as never;
  it.each<Condition>([{ allOf: [] }, { anyOf: [] }, { has: {} as never }])(
    'returns false for every caller: %j',
    (nothing) => {
      expect([fulfils(nothing, everything), fulfils(nothing, everything, { reverified: true })]).toEqual([
        false,
        false,
      ]);
    },
  );
});

describe('fulfils()', () => {
  const reverified = { reverified: true };
  const caller = (...rights: string[]) => ({
    has: (asked: object) => Object.keys(asked).length > 0 && Object.values(asked).every((one) => rights.includes(one)),
    scopes: ['a', 'b'],
  });
  const strict = { reverification: 'strict' };

  it.each<[string, object, object, object | undefined, boolean]>([
    ['a scope that the token has', scope('b'), caller(), undefined, true],
    ['a scope that the token lacks', scope('c'), caller(), undefined, false],
    ['a scope for a session, which has none', scope('a'), { has: () => true }, undefined, false],
    ['a scope if the scopes are not a list', scope('a'), { has: () => true, scopes: 'a' }, undefined, false],
    ['a right that the caller has', { has: { role: 'r' } }, caller('r'), undefined, true],
    ['a right that the caller lacks', { has: { role: 'r' } }, caller(), undefined, false],
    ['a missing right, supposing a reverification', { has: { role: 'r' } }, caller(), reverified, false],
    ['a missing reverification', { has: strict }, caller(), undefined, false],
    ['a missing reverification, supposing a reverification', { has: strict }, caller(), reverified, true],
    [
      'a reverification beside an undefined right, supposing a reverification',
      { has: { ...strict, role: undefined } },
      caller(),
      reverified,
      true,
    ],
    [
      'a reverification beside a right that the caller has, supposing a reverification',
      { has: { ...strict, role: 'r' } },
      caller('r'),
      reverified,
      true,
    ],
    [
      'a reverification beside a missing right, supposing a reverification',
      { has: { ...strict, role: 'r' } },
      caller('strict'),
      reverified,
      false,
    ],
    [
      'a reverification beside a missing and an undefined right, supposing a reverification',
      { has: { ...strict, role: 'r', plan: undefined } },
      caller(),
      reverified,
      false,
    ],
    ['allOf two scopes that the token has', { allOf: [scope('a'), scope('b')] }, caller(), undefined, true],
    [
      'allOf two scopes, the last of which the token lacks',
      { allOf: [scope('a'), scope('c')] },
      caller(),
      undefined,
      false,
    ],
    [
      'anyOf two scopes, the last of which the token has',
      { anyOf: [scope('c'), scope('a')] },
      caller(),
      undefined,
      true,
    ],
    [
      'anyOf a missing scope and a reverification, supposing a reverification',
      { anyOf: [scope('c'), { has: strict }] },
      caller(),
      reverified,
      true,
    ],
    [
      'allOf a scope and a reverification, supposing a reverification',
      { allOf: [scope('a'), { has: strict }] },
      caller(),
      reverified,
      true,
    ],
    ['anyOf two scopes that the token lacks', { anyOf: [scope('c'), scope('d')] }, caller(), undefined, false],
  ])('checks %s', (_, condition, auth, supposing, fulfilled) => {
    expect(fulfils(condition as Condition, auth as never, supposing)).toBe(fulfilled);
  });

  it.each(['yes', 1, undefined])('returns false if has() returns %p', (answer) => {
    expect(fulfils(read, { has: () => answer } as never)).toBe(false);
  });
});

describe('scopesOf()', () => {
  it.each<[Condition, string[]]>([
    [scope('a'), ['a']],
    [read, []],
    [{ allOf: [scope('a'), { anyOf: [scope('b'), { allOf: [scope('c'), read] }] }] }, ['a', 'b', 'c']],
  ])('of %j returns %j', (condition, scopes) => {
    expect(scopesOf(condition)).toEqual(scopes);
  });
});

describe('reverificationOf()', () => {
  const caller = (...rights: string[]) =>
    ({ has: (asked: object) => Object.values(asked).every((right) => rights.includes(String(right))) }) as never;
  const strict: Condition = { has: { reverification: 'strict' } };
  const lax: Condition = { has: { reverification: 'lax' } };

  it.each<[string, Condition, string[], string | undefined]>([
    ['the caller is reverified', strict, ['strict'], undefined],
    ['the caller lacks the reverification', strict, [], 'strict'],
    ['the caller has the other right', { allOf: [read, strict] }, ['org:a:read'], 'strict'],
    ['the caller lacks another right as well', { allOf: [read, strict] }, [], undefined],
    [
      'the caller lacks a right of the same has() call',
      { has: { permission: 'org:a:read', reverification: 'lax' } as never },
      [],
      undefined,
    ],
    ['the caller fulfils the first of two reverifications', { allOf: [lax, strict] }, ['lax'], 'strict'],
    ['the first of two alternatives needs a missing right', { anyOf: [{ allOf: [admin, strict] }, lax] }, [], 'lax'],
    ['another alternative is already fulfilled', { anyOf: [strict, read] }, ['org:a:read'], undefined],
    ['the condition needs no reverification', read, [], undefined],
    ['the condition is a scope', scope('a'), [], undefined],
  ])('returns the missing reverification only if it is all that is missing: %s', (_, condition, rights, lacked) => {
    expect(reverificationOf(condition, caller(...rights))).toBe(lacked);
  });
});
