import { compilePolicy } from '../../../lib/policy/compile-policy.js';
import type { Condition, Requirement } from '../../../lib/policy/requirement.js';
import type { PolicyLevel, Protection } from '../../../lib/policy/route-policy.js';

const requirement = (permission: string): Requirement => ({
  decorator: 'RequirePermission',
  appliesTo: ['session_token'],
  condition: { has: { permission } },
});

/** What `has()` is asked. */
function conditionsOf(one: Requirement): unknown {
  return 'condition' in one && 'has' in one.condition ? one.condition.has : one;
}

const of = (protection: 'strict' | 'lax') => ({
  protection,
  treatPendingAsSignedOut: true,
  redirectToSignIn: false,
  explainDenials: false,
  machineOnly: false,
});

const level = (name: string, said: Partial<PolicyLevel> = {}): PolicyLevel => ({
  name,
  isClass: !name.includes('.'),
  protections: [],
  acceptsToken: [],
  allowPendingSession: [],
  redirectToSignIn: [],
  requirements: [],
  authParameters: [],
  currentUser: [],
  ...said,
});

const WORDS = [undefined, 'lax', 'strict', 'skip', 'permission'] as const;
type Word = (typeof WORDS)[number];

function saying(name: string, word: Word): PolicyLevel {
  if (word === undefined) return level(name);
  if (word === 'permission') return level(name, { requirements: [requirement(name)] });
  return level(name, { protections: [word] });
}

/** The rules implemented a second time, as plainly as possible: the outcome of each pair of decorators. */
function expected(fallback: 'strict' | 'lax', onClass: Word, onHandler: Word) {
  const nearest = onHandler ?? onClass;
  const protection = nearest === undefined ? fallback : nearest === 'permission' ? 'strict' : nearest;
  const optedOut = onHandler === 'lax' || onHandler === 'skip';
  const requirements = [
    ...(onClass === 'permission' && !optedOut ? ['C'] : []),
    ...(onHandler === 'permission' ? ['C.h'] : []),
  ];
  return { protection, requirements };
}

const cells = (['strict', 'lax'] as const).flatMap((fallback) =>
  WORDS.flatMap((onClass) => WORDS.map((onHandler) => [fallback, onClass, onHandler] as const)),
);

describe('compilePolicy()', () => {
  it.each(cells)(
    'combines the default %s with the class decorator %s and the handler decorator %s',
    (fallback, onClass, onHandler) => {
      const policy = compilePolicy([saying('C', onClass), saying('C.h', onHandler)], of(fallback));
      const { protection, requirements } = expected(fallback, onClass, onHandler);
      expect(policy.name).toBe('C.h');
      expect(policy.protection).toBe(protection);
      expect(policy.requirements.map((one) => conditionsOf(one))).toEqual(
        requirements.map((permission) => ({ permission })),
      );
      expect(policy.problems).toEqual([]);
      expect(Object.isFrozen(policy)).toBe(true);
    },
  );

  it('treats base classes as outer levels: requirements add up, and @Public() of the subclass drops them', () => {
    const base = level('Base', { requirements: [requirement('base')] });
    const derived = level('Derived', { requirements: [requirement('derived')] });
    expect(compilePolicy([base, derived, level('Derived.h')], of('lax'))).toMatchObject({
      name: 'Derived.h',
      requirements: [{ from: 'Base' }, { from: 'Derived' }],
    });
    const open = level('Derived', { protections: ['lax'] });
    expect(compilePolicy([base, open, level('Derived.h')], of('strict'))).toMatchObject({
      protection: 'lax',
      requirements: [],
    });
  });

  it('accepts session tokens by default, and those of the innermost @AcceptsToken()', () => {
    const acceptsToken = (...levels: PolicyLevel[]) => compilePolicy(levels, of('strict')).acceptsToken;
    expect(acceptsToken(level('C'), level('C.h'))).toBe('session_token');
    const onClass = level('C', { acceptsToken: [['api_key']] });
    expect(acceptsToken(onClass, level('C.h'))).toBe('api_key');
    expect(acceptsToken(onClass, level('C.h', { acceptsToken: [['m2m_token', 'session_token']] }))).toEqual([
      'session_token',
      'm2m_token',
    ]);
    expect(acceptsToken(level('C.h', { acceptsToken: [['any']] }))).toBe('any');
    expect(acceptsToken(level('C.h', { acceptsToken: [['m2m_token', 'm2m_token']] }))).toBe('m2m_token');
    expect(
      acceptsToken(level('C.h', { acceptsToken: [['session_token', 'api_key', 'm2m_token', 'oauth_token']] })),
    ).toBe('any');
  });

  it('allows pending sessions if any level or the module option does', () => {
    const allowing = level('C', { allowPendingSession: [true] });
    const allows = (levels: PolicyLevel[], treatPendingAsSignedOut = true) =>
      compilePolicy(levels, { ...of('strict'), treatPendingAsSignedOut }).allowsPendingSession;
    expect(allows([level('C'), level('C.h')])).toBe(false);
    expect(allows([allowing, level('C.h')])).toBe(true);
    expect(allows([level('C'), level('C.h', { allowPendingSession: [true] })])).toBe(true);
    expect(allows([level('C.h')], false)).toBe(true);
  });

  it('redirects to the sign-in page if any level or the module option does', () => {
    const redirects = (levels: PolicyLevel[], redirectToSignIn = false) =>
      compilePolicy(levels, { ...of('strict'), redirectToSignIn }).redirectsToSignIn;
    expect(redirects([level('C'), level('C.h')])).toBe(false);
    expect(redirects([level('C', { redirectToSignIn: [true] }), level('C.h')])).toBe(true);
    expect(redirects([level('C.h')], true)).toBe(true);
  });

  it('returns the levels that protection and accepted tokens come from', () => {
    const sources = (...levels: PolicyLevel[]) => compilePolicy(levels, of('strict')).sources;
    const [lax, keys] = [{ protections: ['lax'] }, { acceptsToken: [['api_key']] }] as const;
    expect(sources(level('C'), level('C.h'))).toEqual({ protection: 'default', acceptsToken: 'default' });
    expect(sources(level('C', lax), level('C.h'))).toEqual({ protection: 'C', acceptsToken: 'default' });
    expect(sources(level('C', keys), level('C.h', lax))).toEqual({ protection: 'C.h', acceptsToken: 'C' });
    const needing = level('C.h', { ...keys, requirements: [requirement('a')] });
    expect(sources(level('C', lax), needing)).toEqual({ protection: 'C.h', acceptsToken: 'C.h' });
  });

  describe('problems', () => {
    const problems = (...levels: PolicyLevel[]) => compilePolicy(levels, of('strict')).problems;
    const PROTECTIONS = ['lax', 'strict', 'skip'] as const satisfies Protection[];

    it.each(PROTECTIONS.flatMap((a) => PROTECTIONS.filter((b) => a !== b).map((b) => [a, b] as const)))(
      'reports %s and %s on one level, and applies the stricter one',
      (a, b) => {
        const policy = compilePolicy([level('C.h', { protections: [a, b] })], of('lax'));
        expect(policy.problems).toHaveLength(1);
        expect(policy.problems[0]).toMatch(/^@\w+\(\) and @\w+\(\) contradict each other/);
        const strict = [a, b].includes('strict');
        expect(policy.protection).toBe(strict ? 'strict' : 'lax');
      },
    );

    it('does not report the same decorator twice on one level', () => {
      expect(problems(level('C.h', { protections: ['lax', 'lax'] }))).toEqual([]);
    });

    it.each(['lax', 'skip'] as const)('reports %s beside a requirement on one level, and stays strict', (word) => {
      const policy = compilePolicy(
        [level('C.h', { protections: [word], requirements: [requirement('a')] })],
        of('lax'),
      );
      expect(policy.problems[0]).toMatch(/^@(Public|SkipAuth)\(\) and @RequirePermission\(\) contradict/);
      expect(policy.protection).toBe('strict');
      expect(policy.requirements).toHaveLength(1);
    });

    it('names the class in a contradiction on a class', () => {
      const bad = level('C', { protections: ['lax', 'skip'] });
      expect(problems(bad, level('C.h'))[0]).toMatch(/^on the class C, @Public\(\) and @SkipAuth\(\) contradict/);
    });

    it.each<[string, unknown[][], RegExp]>([
      ['no type', [[]], /names no token type: name one or more of 'session_token', /],
      ['a misspelt type', [['apikey']], /does not accept "apikey": it takes 'session_token'/],
      ['the old name of a type', [['machine_token']], /uses an old name: write 'm2m_token'/],
      ['a type that is not a string', [[undefined]], /does not accept undefined/],
      ['a type that has no JSON', [[1n]], /does not accept bigint/],
      ['any and another type', [['any', 'api_key']], /@AcceptsToken\('any'\) includes every type/],
      ['two decorators', [['api_key'], ['m2m_token']], /@AcceptsToken\(\) is applied twice/],
    ])('reports @AcceptsToken() with %s', (_, acceptsToken, pattern) => {
      expect(problems(level('C.h', { acceptsToken }))).toEqual([expect.stringMatching(pattern)]);
    });

    it('does not accept an unknown token type', () => {
      expect(compilePolicy([level('C.h', { acceptsToken: [['nonsense']] })], of('strict')).acceptsToken).toBe(
        'session_token',
      );
    });

    it.each<[string, Condition, RegExp]>([
      ['no permission', { allOf: [] }, /requires nothing/],
      ['an empty anyOf', { allOf: [{ anyOf: [] }] }, /requires nothing/],
      ['an empty name', { has: { permission: ' ' } }, /takes permission names/],
      ['a name that is not a string', { has: { permission: 5 as never } }, /takes permission names/],
      [
        'a system permission',
        { has: { permission: 'org:sys_memberships:read' } },
        /system permissions are never in a session token/,
      ],
    ])('reports a requirement with %s', (_, condition, pattern) => {
      const found = problems(level('C.h', { requirements: [{ ...requirement('x'), condition }] }));
      expect(found).toEqual([expect.stringMatching(pattern)]);
      expect(found[0]).toMatch(/^@RequirePermission\(\) /);
    });

    it.each(['team:reports', 'org:reports:archive', ':', 'org:'])(
      'reports a feature or plan named %s, for which has() would throw or ignore a part',
      (name) => {
        for (const kind of ['feature', 'plan']) {
          const condition = { has: { [kind]: name } } as Condition;
          expect(problems(level('C.h', { requirements: [{ ...requirement('x'), condition }] }))).toEqual([
            expect.stringMatching(/ names with no prefix other than "org:" or "user:"/),
          ]);
        }
      },
    );

    it('reports @Auth() of a symbol', () => {
      const found = problems(level('C.h', { authParameters: [Symbol('userId') as never] }));
      expect(found).toEqual([expect.stringMatching(/^@Auth\(symbol\) is always empty/)]);
    });

    it.each([[['api_key']], [['session_token', 'api_key']], [['any']]])(
      'reports accepted token types of %j to which no requirement applies',
      (types) => {
        const found = problems(
          level('C', { acceptsToken: [types] }),
          level('C.h', { requirements: [requirement('a')] }),
        );
        expect(found).toEqual([
          expect.stringMatching(
            /^no requirement applies to the accepted token types? .*api_key.*: @RequirePermission\(\) can only be fulfilled by session_token\./,
          ),
        ]);
      },
    );

    it('reports @Auth() and @AcceptsToken() on a @SkipAuth() handler', () => {
      const found = problems(
        level('C', { protections: ['skip'] }),
        level('C.h', { authParameters: [undefined], acceptsToken: [['api_key']] }),
      );
      expect(found).toEqual([
        expect.stringMatching(/^@Auth\(\) is always empty on a @SkipAuth\(\) handler/),
        expect.stringMatching(/^@AcceptsToken\(\) has no effect on a @SkipAuth\(\) handler/),
      ]);
    });

    it.each<[string, Partial<PolicyLevel>]>([
      ['no other decorator', {}],
      ['@AcceptsToken(any)', { acceptsToken: [['any']] }],
      ['@Public()', { protections: ['lax'] }],
    ])('does not report @AllowPendingSession() with %s', (_, said) => {
      expect(problems(level('C.h', { ...said, allowPendingSession: [true] }))).toEqual([]);
    });

    it.each<[string, Partial<PolicyLevel>]>([
      ['skips authentication', { protections: ['skip'] }],
      ['accepts no sessions', { acceptsToken: [['api_key']] }],
    ])('reports @AllowPendingSession() on a handler that %s', (_, said) => {
      expect(problems(level('C.h', { ...said, allowPendingSession: [true] }))).toEqual([
        expect.stringMatching(/^@AllowPendingSession\(\) has no effect on a handler that accepts no sessions/),
      ]);
    });

    it('reports strict handlers that accept other tokens than M2M tokens if only machineSecretKey is set', () => {
      const found = (said: Partial<PolicyLevel>) =>
        compilePolicy([level('C.h', said)], { ...of('strict'), machineOnly: true }).problems;
      expect(found({})).toEqual([
        expect.stringMatching(/^only machineSecretKey is set, which verifies nothing but M2M tokens/),
      ]);
      expect(found({ acceptsToken: [['m2m_token', 'api_key']] })).toHaveLength(1);
      for (const said of [
        { acceptsToken: [['m2m_token']] },
        { protections: ['lax'] },
        { protections: ['skip'] },
      ] as const) {
        expect(found(said)).toEqual([]);
      }
    });

    it('does not report @SkipAuth() on a handler of a class with @AcceptsToken()', () => {
      expect(problems(level('C', { acceptsToken: [['api_key']] }), level('C.h', { protections: ['skip'] }))).toEqual(
        [],
      );
    });
  });
});
