/** Every mistake that decorators can make by themselves, beside what is none, each by the sentence that names it. */
import { compilePolicy } from '../../../lib/policy/compile-policy.js';
import { isPredicateClass } from '../../../lib/policy/requirement-problems.js';
import type { Condition, PredicateRef, Requirement } from '../../../lib/policy/requirement.js';
import type { PolicyLevel } from '../../../lib/policy/route-policy.js';

const DEFAULTS = {
  protection: 'lax',
  treatPendingAsSignedOut: true,
  redirectToSignIn: false,
  explainDenials: false,
  machineOnly: false,
} as const;

const level = (name: string, said: Partial<PolicyLevel>): PolicyLevel => ({
  ...{ name, isClass: !name.includes('.'), protections: [], acceptsToken: [], allowPendingSession: [] },
  ...{ redirectToSignIn: [], requirements: [], authParameters: [], currentUser: [] },
  ...said,
});
const problems = (onHandler: Partial<PolicyLevel>, onClass: Partial<PolicyLevel> = {}) =>
  compilePolicy([level('C', onClass), level('C.h', onHandler)], DEFAULTS).problems;

const SESSIONS = ['session_token'] as const;
const MACHINES = ['api_key', 'm2m_token', 'oauth_token'] as const;
const requiring = (decorator: string, condition: Condition): Requirement => {
  const appliesTo = decorator === 'RequireScope' ? MACHINES : SESSIONS;
  return { decorator, appliesTo, condition };
};
const has = (asked: unknown): Condition => ({ has: asked as never });
const ofRequirement = (decorator: string, condition: Condition) =>
  problems({
    requirements: [requiring(decorator, condition)],
    acceptsToken: decorator === 'RequireScope' ? [['api_key']] : [],
  });

describe('parameters of has()', () => {
  const takes = 'role, permission, feature, plan, reverification';
  const nothing = `@Require() requires nothing, so no caller could pass: pass one of ${takes}.`;
  it.each<[unknown, string | undefined]>([
    [{ permission: 'org:a:read' }, undefined],
    [{ role: 'org:admin', permission: 'org:a:read', feature: 'org:a', plan: 'user:pro' }, undefined],
    [{ feature: 'a', plan: 'pro' }, undefined],
    [{ role: 'org:admin', permission: undefined }, undefined],
    [undefined, `@Require() takes an object with ${takes}, or anyOf(…), allOf(…).`],
    [null, `@Require() takes an object with ${takes}, or anyOf(…), allOf(…).`],
    ['org:admin', `@Require() takes an object with ${takes}, or anyOf(…), allOf(…).`],
    [{}, nothing],
    [{ role: undefined }, nothing],
    [{ roles: 'org:admin' }, `@Require() does not accept "roles": it takes ${takes}.`],
    [{ role: '' }, '@Require() takes role names, non-empty strings such as "org:admin".'],
    [{ permission: ' ' }, '@Require() takes permission names, non-empty strings such as "org:invoices:read".'],
    [{ feature: ['org:a'] }, '@Require() takes feature names, non-empty strings such as "org:reports".'],
    [{ plan: null }, '@Require() takes plan names, non-empty strings such as "user:pro".'],
  ])('for %p have the problem: %s', (asked, problem) => {
    expect(ofRequirement('Require', has(asked))).toEqual(problem ? [problem] : []);
  });

  it.each(['org:sys_memberships:read', 'sys_memberships:read', 'org:org:sys_x:read'])(
    'with the system permission %s are reported, with the advice to use a custom permission',
    (permission) => {
      expect(ofRequirement('RequirePermission', has({ permission }))).toEqual([
        `@RequirePermission() requires ${permission}: system permissions are never in a session token, so no caller could pass. Use a custom permission.`,
      ]);
    },
  );

  it('that only resemble a system permission are accepted', () => {
    for (const permission of ['org:asys_a:read', 'org:a:sys_read']) {
      expect(ofRequirement('RequirePermission', has({ permission }))).toEqual([]);
    }
    expect(ofRequirement('RequireRole', has({ role: 'org:sys_admin' }))).toEqual([]);
  });

  it('report equal problems once, and all different ones', () => {
    const items = [has({ role: '' }), has({ role: 5 }), { anyOf: [has({ plan: '' }), { allOf: [] }] }];
    expect(ofRequirement('Require', { anyOf: items })).toEqual([
      '@Require() takes role names, non-empty strings such as "org:admin".',
      '@Require() takes plan names, non-empty strings such as "user:pro".',
      '@Require() requires nothing, so no caller could pass: name at least one right.',
    ]);
  });
});

describe('@RequireReverification()', () => {
  const mistake =
    "@RequireReverification() takes 'strict', 'moderate', 'lax', 'strict_mfa', or { level: 'first_factor' | 'second_factor' | 'multi_factor', afterMinutes: more than 0 }.";
  const level = 'first_factor';
  it.each(['strict', 'moderate', 'lax', 'strict_mfa', { level, afterMinutes: 1 }])('accepts %j', (config) => {
    expect(ofRequirement('RequireReverification', has({ reverification: config }))).toEqual([]);
  });
  it.each(['second_factor', 'multi_factor'])('accepts the level %s', (level) => {
    const config = { level, afterMinutes: 10 };
    expect(ofRequirement('RequireReverification', has({ reverification: config }))).toEqual([]);
  });
  it.each([
    ['very strict'],
    [null],
    [5],
    [{}],
    [{ level }],
    [{ level, afterMinutes: 0 }],
    [{ level, afterMinutes: '5' }],
    [{ level: 'third_factor', afterMinutes: 5 }],
    [{ afterMinutes: 5 }],
  ])('reports %j', (config) => {
    expect(ofRequirement('RequireReverification', has({ reverification: config }))).toEqual([mistake]);
  });
});

describe('@RequireScope()', () => {
  const mistake = '@RequireScope() takes scopes, single words such as "invoices:write" without spaces and quotes.';
  it.each(['a', 'invoices:write', 'https://api.example/a', '!#[]~'])('accepts %s', (scope) => {
    expect(ofRequirement('RequireScope', { scope })).toEqual([]);
  });
  it.each(['', 'a b', ' a', 'a ', 'a"', '\\a', 'ä', 'a\n', 5 as never, undefined as never])('reports %j', (scope) => {
    expect(ofRequirement('RequireScope', { scope })).toEqual([mistake]);
  });
});

describe('several roles or plans', () => {
  const [admin, member, owner] = ['org:admin', 'org:member', 'org:owner'].map((role) => has({ role })) as [
    Condition,
    Condition,
    Condition,
  ];
  const atOnce = (...roles: string[]) =>
    `the roles ${roles.join(' and ')} are required at once, but a member has one role: put them into one anyOf(…), or require permissions.`;
  const read = has({ permission: 'org:a:read' });

  it.each<[string, Condition, string[]]>([
    ['anyOf two roles', { anyOf: [admin, member] }, []],
    ['allOf two roles', { allOf: [admin, member] }, ['org:admin', 'org:member']],
    ['the same role twice, with and without the prefix', { allOf: [admin, has({ role: 'admin' })] }, []],
    ['the same role twice, with one and two prefixes', { allOf: [admin, has({ role: 'org:org:admin' })] }, []],
    ['two roles and a permission', { allOf: [read, admin, member] }, ['org:admin', 'org:member']],
    ['one role and a permission', { allOf: [read, admin] }, []],
    ['a role that fulfils both of two anyOf', { allOf: [{ anyOf: [admin, member] }, { anyOf: [member, owner] }] }, []],
    [
      'no role that fulfils both an anyOf and a role',
      { allOf: [{ anyOf: [admin, owner] }, member] },
      ['org:admin', 'org:owner', 'org:member'],
    ],
    ['a role that also fulfils the anyOf beside it', { allOf: [{ anyOf: [admin, member] }, member] }, []],
    [
      'two roles that differ by a prefix in the middle',
      { allOf: [has({ role: 'my_org:a' }), has({ role: 'my_a' })] },
      ['org:my_org:a', 'org:my_a'],
    ],
    ['an anyOf that can be fulfilled without a role', { allOf: [admin, { anyOf: [member, read] }] }, []],
    ['an undefined role', { allOf: [admin, has({ permission: 'org:a:read', role: undefined })] }, []],
  ])('are reported only if no role fulfils all: %s', (_, condition, roles) => {
    expect(ofRequirement('Require', condition)).toEqual(roles.length > 0 ? [atOnce(...roles)] : []);
  });

  it('are reported across the levels of a handler, beside other requirements', () => {
    const found = problems(
      {
        requirements: [requiring('RequireRole', member), requiring('RequireScope', { scope: 'a' })],
        acceptsToken: [['any']],
      },
      {
        requirements: [
          requiring('RequireRole', admin),
          { decorator: 'RequireThat', appliesTo: SESSIONS, predicate: () => true },
        ],
      },
    );
    expect(found).toEqual([atOnce('org:admin', 'org:member')]);
  });

  it.each([
    ['RequireRole', 'role', admin, member],
    ['RequirePlan', 'plan', has({ plan: 'org:a' }), has({ plan: 'org:b' })],
  ])('are reported for @%s(), which takes one or an anyOf', (decorator, kind, one, other) => {
    const found = ofRequirement(decorator, { allOf: [one, other] });
    expect(found[0]).toBe(
      `@${decorator}() takes one ${kind}, since a caller has only one: write @${decorator}(anyOf(…)) if one of several is enough.`,
    );
    expect(ofRequirement(decorator, one)).toEqual([]);
    expect(ofRequirement(decorator, { anyOf: [one, other] })).toEqual([]);
    expect(ofRequirement(decorator, { allOf: [] })).toEqual([
      `@${decorator}() requires nothing, so no caller could pass: name at least one right.`,
    ]);
  });

  it('are the only rights of which a caller has one: several permissions are accepted', () => {
    expect(ofRequirement('RequirePermission', { allOf: [read, has({ permission: 'org:b:read' })] })).toEqual([]);
  });
});

describe('@RequireThat()', () => {
  class WithoutCheck {}
  class WithCheck {
    check() {}
  }
  class WithField {
    check = () => true;
  }
  function Old() {}
  Old.prototype.check = () => true;
  const of = (predicate: unknown) =>
    problems({
      requirements: [{ decorator: 'RequireThat', appliesTo: SESSIONS, predicate: predicate as PredicateRef }],
    });

  it.each([undefined, null, 'check', { check: () => true }])('reports %p, which is not a predicate', (predicate) => {
    expect(of(predicate)).toEqual(['@RequireThat() takes a function, or a class with a check method.']);
    expect(isPredicateClass(predicate)).toBe(false);
  });
  it.each([WithoutCheck, WithField])('reports a class without check() on its prototype: %p', (predicate) => {
    expect(of(predicate)).toEqual([
      `@RequireThat() takes a class with a check method: add check(auth, context) to ${predicate.name}.`,
    ]);
    expect(isPredicateClass(predicate)).toBe(false);
  });
  it.each([
    ['a class with check()', WithCheck, true],
    ['a constructor function with check()', Old, true],
    ['a named function', function named() {}, false],
    ['an arrow function', () => true, false],
    ['an async function', async () => true, false],
    ['a function whose name starts with class', function classified() {}, false],
    ['a function with "class" in its source', () => 'a class', false],
  ])('accepts %s', (_, predicate, isClass) => {
    expect(of(predicate)).toEqual([]);
    expect(isPredicateClass(predicate)).toBe(isClass);
  });
});

describe('protection decorators', () => {
  it('with unknown metadata of another version are reported, and leave the handler strict', () => {
    const policy = compilePolicy([level('C.h', { protections: ['lax', 'open' as never] })], DEFAULTS);
    expect(policy.problems).toEqual([
      'unknown protection metadata: two versions of nest-clerk are loaded; use one version everywhere.',
    ]);
    expect(policy.protection).toBe('strict');
  });

  it('that contradict each other are named, with their class', () => {
    expect(problems({ protections: ['strict', 'lax', 'skip'] })).toEqual([
      '@RequireAuth() and @Public() and @SkipAuth() contradict each other: keep one of them.',
    ]);
    const requirements = [requiring('RequirePermission', has({ permission: 'a' }))];
    expect(problems({}, { protections: ['skip'], requirements })).toEqual([
      'on the class C, @SkipAuth() and @RequirePermission() contradict each other: remove one. A requirement needs no @RequireAuth().',
    ]);
    expect(problems({ protections: ['strict'], requirements })).toEqual([]);
  });
});

describe('@AcceptsToken()', () => {
  const known = "'session_token', 'api_key', 'm2m_token', 'oauth_token', 'any'";
  it.each<[unknown[][], string[]]>([
    [[['any']], []],
    [[['api_key', 'oauth_token']], []],
    [[['api_key'], ['any']], ['@AcceptsToken() is applied twice: list all types in one decorator.']],
    [[[]], [`@AcceptsToken() names no token type: name one or more of ${known}.`]],
    [[['any', 'api_key']], ["@AcceptsToken('any') includes every type: remove the others."]],
    [[['machine_token']], ["@AcceptsToken('machine_token') uses an old name: write 'm2m_token'."]],
    [
      [['apikey', undefined, 'api_key']],
      [
        `@AcceptsToken() does not accept "apikey": it takes ${known}.`,
        `@AcceptsToken() does not accept undefined: it takes ${known}.`,
      ],
    ],
  ])('reports exactly the invalid arguments of %j', (acceptsToken, found) => {
    expect(problems({ acceptsToken })).toEqual(found);
  });

  it('reports accepted types to which no requirement applies, with the types to which they apply', () => {
    const permission = requiring('RequirePermission', has({ permission: 'a' }));
    const scope = { ...requiring('RequireScope', { scope: 'a' }), appliesTo: ['api_key', 'm2m_token'] as const };
    const acceptsToken = [['any']];
    expect(problems({ acceptsToken, requirements: [permission, permission] })).toEqual([
      'no requirement applies to the accepted token types api_key, m2m_token, oauth_token: @RequirePermission() can only be fulfilled by session_token. Narrow @AcceptsToken(), or split the handler.',
    ]);
    expect(problems({ acceptsToken, requirements: [scope, permission] })).toEqual([
      'no requirement applies to the accepted token type oauth_token: @RequireScope(), @RequirePermission() can only be fulfilled by session_token, api_key, m2m_token. Narrow @AcceptsToken(), or split the handler.',
    ]);
    expect(problems({ requirements: [permission, scope] })).toEqual([]);
  });

  describe('with a predicate', () => {
    const that = (appliesTo: PolicyLevel['requirements'][number]['appliesTo'] = 'any') =>
      ({ decorator: 'RequireThat', appliesTo, predicate: () => true }) as const;
    const permission = requiring('RequirePermission', has({ permission: 'a' }));
    const scope = requiring('RequireScope', { scope: 'a' });
    const acceptsToken = [['session_token', 'api_key']];
    const uncovered = (type: string, by: string, of: string) =>
      `no requirement applies to the accepted token type ${type}: ${by} can only be fulfilled by ${of}`;
    const cure =
      ", and @RequireThat() counts beside it only for token types that it names. Narrow @AcceptsToken(), split the handler, or name the types that the predicate is meant for: @RequireThat(…, { appliesTo: ['session_token', 'api_key'] }).";

    it.each<[string, PolicyLevel['requirements'], string[]]>([
      [
        'reports API keys, which a predicate without types does not cover beside a permission',
        [permission, that()],
        [uncovered('api_key', '@RequirePermission()', 'session_token') + cure],
      ],
      [
        'reports sessions, which a predicate without types does not cover beside a scope',
        [that(), scope],
        [uncovered('session_token', '@RequireScope()', 'api_key, m2m_token, oauth_token') + cure],
      ],
      [
        'reports API keys, which a predicate without types does not cover beside one for sessions',
        [that(['session_token']), that()],
        [uncovered('api_key', '@RequireThat()', 'session_token') + cure],
      ],
      [
        'reports sessions, which a predicate for API keys does not cover',
        [that(['api_key'])],
        [`${uncovered('session_token', '@RequireThat()', 'api_key')}. Narrow @AcceptsToken(), or split the handler.`],
      ],
      ['accepts predicates without types as the only requirements', [that(), that()], []],
      ['accepts a permission and a predicate for API keys', [permission, that(['api_key'])], []],
      ['accepts a predicate for all accepted types', [that(['session_token', 'api_key']), that()], []],
      ['accepts a predicate without types beside requirements for all accepted types', [permission, that(), scope], []],
    ])('%s', (_, requirements, found) => {
      expect(problems({ acceptsToken, requirements })).toEqual(found);
    });

    it('reports API keys, which a predicate on the class does not cover beside a permission of the handler', () => {
      expect(problems({ acceptsToken, requirements: [permission] }, { requirements: [that()] })).toEqual([
        uncovered('api_key', '@RequirePermission()', 'session_token') + cure,
      ]);
    });

    it.each<[unknown]>([[[]], [['any']], [['api_key', 'apikey']], [[undefined]], [{}], [null], [['any', 'api_key']]])(
      'reports the invalid appliesTo %j',
      (appliesTo) => {
        expect(problems({ requirements: [that(appliesTo as never)] })).toContain(
          "@RequireThat() takes { appliesTo: […] } after the predicate, with one or more of 'session_token', 'api_key', 'm2m_token', 'oauth_token'.",
        );
      },
    );
  });
});

describe('parameter decorators', () => {
  it.each<[string, Partial<PolicyLevel>, string[]]>([
    ['@Auth() and @Auth(userId)', { authParameters: [undefined, 'userId'] }, []],
    [
      'properties that some accepted type has',
      { authParameters: ['machineId', 'userId'], acceptsToken: [['any']] },
      [],
    ],
    [
      'a property that no accepted type has',
      { authParameters: ['machineId'], acceptsToken: [['session_token', 'api_key']] },
      [
        "@Auth('machineId') is always empty: no accepted token (session_token, api_key) has it. Accept another token, or select another property.",
      ],
    ],
    [
      '@Auth() on a @SkipAuth() handler',
      { authParameters: [undefined], protections: ['skip'] },
      [
        '@Auth() is always empty on a @SkipAuth() handler, which does not check credentials: use @Public() instead of @SkipAuth().',
      ],
    ],
    ['@CurrentUser()', { currentUser: [true] }, []],
    [
      '@CurrentUser() if some accepted type belongs to a user',
      { currentUser: [true], acceptsToken: [['m2m_token', 'api_key']] },
      [],
    ],
    ['no parameter on a @SkipAuth() handler', { protections: ['skip'] }, []],
    [
      '@CurrentUser() on a @SkipAuth() handler',
      { currentUser: [true], protections: ['skip'] },
      [
        '@CurrentUser() is always empty on a @SkipAuth() handler, which does not check credentials: use @Public() instead of @SkipAuth().',
      ],
    ],
    [
      '@CurrentUser() for M2M tokens',
      { currentUser: [true], acceptsToken: [['m2m_token']] },
      [
        '@CurrentUser() is always empty: no accepted token (m2m_token) belongs to a user. Accept session_token as well.',
      ],
    ],
  ])('have exactly the expected problems: %s', (_, said, found) => {
    expect(problems(said)).toEqual(found);
  });
});
