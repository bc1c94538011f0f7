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

/** Rule 4 of the design, written a second time as plainly as possible: the outcome of each pair of words. */
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

describe('compilePolicy', () => {
  it.each(cells)('%s application, class says %s, handler says %s', (fallback, onClass, onHandler) => {
    const policy = compilePolicy([saying('C', onClass), saying('C.h', onHandler)], of(fallback));
    const { protection, requirements } = expected(fallback, onClass, onHandler);
    expect(policy.name).toBe('C.h');
    expect(policy.protection).toBe(protection);
    expect(policy.requirements.map((one) => conditionsOf(one))).toEqual(
      requirements.map((permission) => ({ permission })),
    );
    expect(policy.problems).toEqual([]);
    expect(Object.isFrozen(policy)).toBe(true);
  });

  it('counts base classes as levels further out', () => {
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

  it('accepts session tokens unless told otherwise, and the nearest word wins', () => {
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

  it('lets pending sessions in where a level or the module says so', () => {
    const allowing = level('C', { allowPendingSession: [true] });
    const allows = (levels: PolicyLevel[], treatPendingAsSignedOut = true) =>
      compilePolicy(levels, { ...of('strict'), treatPendingAsSignedOut }).allowsPendingSession;
    expect(allows([level('C'), level('C.h')])).toBe(false);
    expect(allows([allowing, level('C.h')])).toBe(true);
    expect(allows([level('C'), level('C.h', { allowPendingSession: [true] })])).toBe(true);
    expect(allows([level('C.h')], false)).toBe(true);
  });

  it('redirects to the sign-in page where a level or the module says so', () => {
    const redirects = (levels: PolicyLevel[], redirectToSignIn = false) =>
      compilePolicy(levels, { ...of('strict'), redirectToSignIn }).redirectsToSignIn;
    expect(redirects([level('C'), level('C.h')])).toBe(false);
    expect(redirects([level('C', { redirectToSignIn: [true] }), level('C.h')])).toBe(true);
    expect(redirects([level('C.h')], true)).toBe(true);
  });

  it('says where protection and accepted tokens come from', () => {
    const sources = (...levels: PolicyLevel[]) => compilePolicy(levels, of('strict')).sources;
    const [lax, keys] = [{ protections: ['lax'] }, { acceptsToken: [['api_key']] }] as const;
    expect(sources(level('C'), level('C.h'))).toEqual({ protection: 'default', acceptsToken: 'default' });
    expect(sources(level('C', lax), level('C.h'))).toEqual({ protection: 'C', acceptsToken: 'default' });
    expect(sources(level('C', keys), level('C.h', lax))).toEqual({ protection: 'C.h', acceptsToken: 'C' });
    const needing = level('C.h', { ...keys, requirements: [requirement('a')] });
    expect(sources(level('C', lax), needing)).toEqual({ protection: 'C.h', acceptsToken: 'C.h' });
  });

  describe('reports', () => {
    const problems = (...levels: PolicyLevel[]) => compilePolicy(levels, of('strict')).problems;
    const PROTECTIONS = ['lax', 'strict', 'skip'] as const satisfies Protection[];

    it.each(PROTECTIONS.flatMap((a) => PROTECTIONS.filter((b) => a !== b).map((b) => [a, b] as const)))(
      '%s and %s on one level, and lets the strictest count',
      (a, b) => {
        const policy = compilePolicy([level('C.h', { protections: [a, b] })], of('lax'));
        expect(policy.problems).toHaveLength(1);
        expect(policy.problems[0]).toMatch(/^@\w+\(\) and @\w+\(\) contradict each other/);
        const strict = [a, b].includes('strict');
        expect(policy.protection).toBe(strict ? 'strict' : 'lax');
      },
    );

    it('the same word twice as no contradiction', () => {
      expect(problems(level('C.h', { protections: ['lax', 'lax'] }))).toEqual([]);
    });

    it.each(['lax', 'skip'] as const)('%s beside a requirement, and stays strict', (word) => {
      const policy = compilePolicy(
        [level('C.h', { protections: [word], requirements: [requirement('a')] })],
        of('lax'),
      );
      expect(policy.problems[0]).toMatch(/^@(Public|SkipAuth)\(\) and @RequirePermission\(\) contradict/);
      expect(policy.protection).toBe('strict');
      expect(policy.requirements).toHaveLength(1);
    });

    it('a contradiction on a class under the name of the class', () => {
      const bad = level('C', { protections: ['lax', 'skip'] });
      expect(problems(bad, level('C.h'))[0]).toMatch(/^on the class C, @Public\(\) and @SkipAuth\(\) contradict/);
    });

    it.each<[string, unknown[][], RegExp]>([
      ['no type', [[]], /names no token type: name one or more of 'session_token', /],
      ['a misspelt type', [['apikey']], /does not accept "apikey": it takes 'session_token'/],
      ['the old name of a type', [['machine_token']], /uses an old name: write 'm2m_token'/],
      ['a type that is no text', [[undefined]], /does not accept undefined/],
      ['a type that cannot be written out', [[1n]], /does not accept bigint/],
      ['any beside others', [['any', 'api_key']], /@AcceptsToken\('any'\) includes every type/],
      ['two decorators', [['api_key'], ['m2m_token']], /@AcceptsToken\(\) is applied twice/],
    ])('@AcceptsToken with %s', (_, acceptsToken, pattern) => {
      expect(problems(level('C.h', { acceptsToken }))).toEqual([expect.stringMatching(pattern)]);
    });

    it('unknown token types without accepting them', () => {
      expect(compilePolicy([level('C.h', { acceptsToken: [['nonsense']] })], of('strict')).acceptsToken).toBe(
        'session_token',
      );
    });

    it.each<[string, Condition, RegExp]>([
      ['no permission', { allOf: [] }, /requires nothing/],
      ['an empty anyOf', { allOf: [{ anyOf: [] }] }, /requires nothing/],
      ['an empty name', { has: { permission: ' ' } }, /takes permission names/],
      ['no text', { has: { permission: 5 as never } }, /takes permission names/],
      [
        'a system permission',
        { has: { permission: 'org:sys_memberships:read' } },
        /system permissions are never in a session token/,
      ],
    ])('a requirement with %s', (_, condition, pattern) => {
      const found = problems(level('C.h', { requirements: [{ ...requirement('x'), condition }] }));
      expect(found).toEqual([expect.stringMatching(pattern)]);
      expect(found[0]).toMatch(/^@RequirePermission\(\) /);
    });

    it.each(['team:reports', 'org:reports:archive', ':', 'org:'])(
      'a feature or plan named %s, over which has() would throw, or forget a part of it',
      (name) => {
        for (const kind of ['feature', 'plan']) {
          const condition = { has: { [kind]: name } } as Condition;
          expect(problems(level('C.h', { requirements: [{ ...requirement('x'), condition }] }))).toEqual([
            expect.stringMatching(/ names with no prefix other than "org:" or "user:"/),
          ]);
        }
      },
    );

    it('@Auth() of what is no property name', () => {
      const found = problems(level('C.h', { authParameters: [Symbol('userId') as never] }));
      expect(found).toEqual([expect.stringMatching(/^@Auth\(symbol\) is always empty/)]);
    });

    it.each([[['api_key']], [['session_token', 'api_key']], [['any']]])(
      'a requirement that does not apply to an accepted type of %j',
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

    it('@Auth() and @AcceptsToken() where credentials are not looked at', () => {
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
      ['nothing else', {}],
      ['any token', { acceptsToken: [['any']] }],
      ['an open handler', { protections: ['lax'] }],
    ])('@AllowPendingSession() beside %s as no problem', (_, said) => {
      expect(problems(level('C.h', { ...said, allowPendingSession: [true] }))).toEqual([]);
    });

    it.each<[string, Partial<PolicyLevel>]>([
      ['credentials', { protections: ['skip'] }],
      ['sessions', { acceptsToken: [['api_key']] }],
    ])('@AllowPendingSession() where no %s are looked at', (_, said) => {
      expect(problems(level('C.h', { ...said, allowPendingSession: [true] }))).toEqual([
        expect.stringMatching(/^@AllowPendingSession\(\) has no effect on a handler that accepts no sessions/),
      ]);
    });

    it('handlers that only a missing secret key could serve', () => {
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

    it('@SkipAuth() inside a class that accepts tokens as no problem', () => {
      expect(problems(level('C', { acceptsToken: [['api_key']] }), level('C.h', { protections: ['skip'] }))).toEqual(
        [],
      );
    });
  });
});
