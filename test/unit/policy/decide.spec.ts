/**
 * Every kind of caller on every kind of route, several hundred thousand cells. Cells are drawn at random and compared with
 * an oracle that implements the rules a second time: the library evaluates conditions as trees, while the oracle only
 * knows the ways to fulfil a condition, as lists of rights, and the rights of each caller.
 */
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';

import { identityForRoute, type Identity } from '../../../lib/authentication/identity/identity.js';
import { TOKEN_TYPES, type AcceptsToken, type TokenType } from '../../../lib/authentication/identity/token-types.js';
import { decide } from '../../../lib/policy/decide.js';
import type { Decision, PredicateResults } from '../../../lib/policy/decision.js';
import type { Condition, PredicateRef, Requirement } from '../../../lib/policy/requirement.js';
import type { Protection, RoutePolicy } from '../../../lib/policy/route-policy.js';
import { RUNS } from '../../support/hostile.js';
import {
  CALLERS,
  expected,
  OF_SESSIONS,
  RIGHTS,
  type Answered,
  type Asked,
  type Right,
  type Route,
  type Ways,
} from '../../support/policy-oracle.js';

// ---- Routes: every kind of requirement.

const SESSIONS: readonly TokenType[] = ['session_token'];
const MACHINES: readonly TokenType[] = ['api_key', 'm2m_token', 'oauth_token'];

const asking = (appliesTo: readonly TokenType[]) => (condition: Condition, ways: Ways) => ({
  requirement: { decorator: 'Require', appliesTo, condition },
  appliesTo,
  ways,
});

/** Every way to combine some rights: alone, in pairs, nested, and nothing at all. */
function combinations(appliesTo: readonly TokenType[], rights: readonly Right[], nested: readonly Right[]) {
  const ask = asking(appliesTo);
  const pairs = rights.flatMap((a, index) => rights.slice(index).map((b) => [a, b] as const));
  const triples = nested.flatMap((a) => nested.flatMap((b) => nested.map((c) => [a, b, c] as const)));
  const of = (right: Right): Condition => RIGHTS[right];
  return Object.fromEntries([
    ['all of nothing', ask({ allOf: [] }, [])],
    ['any of nothing', ask({ anyOf: [] }, [])],
    ['any of all of nothing', ask({ anyOf: [{ allOf: [] }] }, [])],
    ...rights.map((a) => [a, ask(of(a), [[a]])] as const),
    ...pairs.flatMap(([a, b]) => [
      [`${a} and ${b}`, ask({ allOf: [of(a), of(b)] }, [[a, b]])] as const,
      [`${a} or ${b}`, ask({ anyOf: [of(a), of(b)] }, [[a], [b]])] as const,
    ]),
    ...triples.flatMap(([a, b, c]) => [
      [`${a} or (${b} and ${c})`, ask({ anyOf: [of(a), { allOf: [of(b), of(c)] }] }, [[a], [b, c]])] as const,
      // prettier-ignore
      [`${a} and (${b} or ${c})`, ask({ allOf: [of(a), { anyOf: [of(b), of(c)] }] }, [[a, b], [a, c]])] as const,
    ]),
  ]);
}

const SESSION_ASKS: Record<string, Asked> = {
  ...combinations(SESSIONS, [...OF_SESSIONS, 'another permission'], ['permission', 'role', 'reverification']),
  // One call of has() may check several rights at once.
  'permission with reverification': asking(SESSIONS)(
    { has: { permission: 'org:invoices:read', reverification: 'strict' } as never },
    [['permission', 'reverification']],
  ),
  'no permission with reverification': asking(SESSIONS)(
    { has: { permission: undefined, reverification: 'strict' } as never },
    [['reverification']],
  ),
};
const SCOPE_ASKS: Record<string, Asked> = combinations(MACHINES, ['scope', 'another scope'], ['scope']);

const agrees: PredicateRef = () => true;
const objects: PredicateRef = () => true;
/** The results of the application's predicates, as given to decide(), which never calls a predicate. */
const PREDICATES: Record<string, readonly Answered[]> = {
  'no predicate': [],
  'a predicate not asked': [{ predicate: agrees, answer: undefined }],
  'a predicate that agrees': [{ predicate: agrees, answer: true }],
  'a predicate that does not': [{ predicate: objects, answer: false }],
  'a predicate of sessions that agrees': [{ predicate: agrees, answer: true, appliesTo: SESSIONS }],
  'a predicate of API keys that does not': [{ predicate: objects, answer: false, appliesTo: ['api_key'] }],
  'a predicate that agrees, and one of machines that does': [
    { predicate: objects, answer: true },
    { predicate: agrees, answer: true, appliesTo: MACHINES },
  ],
};
const TWO_PREDICATES: Record<string, readonly Answered[]> = Object.fromEntries(
  [undefined, true, false].flatMap((one) =>
    [undefined, true, false].map((other) => [
      `predicates answering ${one} and ${other}`,
      [
        { predicate: agrees, answer: one },
        { predicate: objects, answer: other },
      ],
    ]),
  ),
);

const ROUTES: readonly Route[] = [
  ...Object.entries({ ...PREDICATES, ...TWO_PREDICATES }).map(([name, predicates]) => ({
    name,
    asked: [],
    predicates,
  })),
  ...Object.entries({ ...SESSION_ASKS, ...SCOPE_ASKS }).flatMap(([name, one]) =>
    Object.entries(PREDICATES).map(([suffix, predicates]) => ({
      name: `${name}; ${suffix}`,
      asked: [one],
      predicates,
    })),
  ),
  // Requirements of several decorators add up; each applies only to its own token types.
  ...[...OF_SESSIONS, 'another permission'].flatMap((ofSession) =>
    (['scope', 'another scope', 'scope or another scope', 'permission', 'reverification'] as const).flatMap((second) =>
      Object.entries(PREDICATES).map(([suffix, predicates]) => ({
        name: `${ofSession}; ${second}; ${suffix}`,
        asked: [SESSION_ASKS[ofSession]!, (SCOPE_ASKS[second] ?? SESSION_ASKS[second])!],
        predicates,
      })),
    ),
  ),
];

function policyOf(route: Route, protection: Protection, acceptsToken: AcceptsToken, more: Partial<RoutePolicy> = {}) {
  const predicates = route.predicates.map(({ predicate, appliesTo }): Requirement => {
    return { decorator: 'RequireThat', appliesTo: appliesTo ?? 'any', predicate };
  });
  return {
    name: 'C.h',
    protection,
    acceptsToken,
    allowsPendingSession: false,
    redirectsToSignIn: false,
    explainsDenials: false,
    sources: { protection: 'default', acceptsToken: 'default' },
    // Predicates come first, to test that they are evaluated last all the same.
    requirements: [...predicates, ...route.asked.map(({ requirement }) => requirement)].map((one) => ({
      ...one,
      from: 'C.h',
    })),
    problems: [],
    ...more,
  } satisfies RoutePolicy;
}

function answersOf(route: Route): PredicateResults | undefined {
  const known = route.predicates.filter(({ answer }) => answer !== undefined);
  return known.length === 0 ? undefined : new Map(known.map(({ predicate, answer }) => [predicate, answer!]));
}

function describeDecision(decision: Decision): string {
  if (decision.allowed) return 'allowed';
  const { denial, unevaluated } = decision;
  const { status, code, challenge, reverification } = denial;
  const ofFactor = reverification && `of ${String(reverification)}`;
  const open = unevaluated && `until ${unevaluated.length} answered`;
  return [status, code, challenge, ofFactor, open].filter(Boolean).join(' ');
}

// ---- Cells: a caller, a protection, accepted token types and a route.

const PROTECTIONS = ['strict', 'lax', 'skip'] as const;
const ACCEPTED: readonly AcceptsToken[] = [...TOKEN_TYPES, ['session_token', 'api_key'], 'any'];
type Cell = readonly [caller: string, protection: Protection, accepted: AcceptsToken, route: Route];

/** All cells by the outcome that the oracle expects, so that rare outcomes are drawn as often as common ones. */
const CELLS = new Map<string, Cell[]>();
for (const [name, caller] of Object.entries(CALLERS)) {
  for (const protection of PROTECTIONS) {
    for (const accepted of ACCEPTED) {
      for (const route of ROUTES) {
        const outcome = expected(caller, protection, accepted, route);
        const cells = CELLS.get(outcome) ?? [];
        cells.push([name, protection, accepted, route]);
        CELLS.set(outcome, cells);
      }
    }
  }
}

const cell = fc.constantFrom(...CELLS.keys()).chain((outcome) => {
  const cells = CELLS.get(outcome)!;
  return fc.nat(cells.length - 1).map((index) => ({ outcome, cell: cells[index]! }));
});

/** Fixed, so that every run and every mutation test tries the same cells. */
const SEED = 20_261_130;

describe('decide()', () => {
  it('is tested with more than 300,000 possible cells and more than 12 outcomes', () => {
    expect([...CELLS.values()].flat().length).toBeGreaterThan(300_000);
    expect(CELLS.size).toBeGreaterThan(12);
  });

  it(`returns the decision that the oracle expects, for every outcome (seed ${SEED})`, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(cell, ({ outcome, cell: [name, protection, accepted, route] }) => {
        const policy = policyOf(route, protection, accepted);
        // As the guard does: on a route for several token types, a caller without credentials has no particular type.
        const identity = identityForRoute(policy, CALLERS[name]!.identity);
        const decision = describeDecision(decide(policy, identity, answersOf(route)));
        seen.add(decision);
        expect({ name, protection, accepted, route: route.name, decision }).toMatchObject({ decision: outcome });
      }),
      { numRuns: RUNS * 50, seed: SEED },
    );
    expect([...seen].toSorted()).toEqual([...CELLS.keys()].toSorted());
  });

  it('returns what is missing with every 403, and puts it into the denial only if the policy explains denials', () => {
    let seen = 0;
    const wrong: string[] = [];
    for (const { identity } of Object.values(CALLERS)) {
      for (const route of ROUTES) {
        const answers = answersOf(route);
        const silent = decide(policyOf(route, 'strict', 'any'), identity, answers);
        const explained = decide(policyOf(route, 'strict', 'any', { explainsDenials: true }), identity, answers);
        if (silent.allowed || silent.denial.status !== 403) {
          if (!isDeepStrictEqual(explained, silent)) wrong.push(route.name);
          continue;
        }
        seen += 1;
        const { missing = [], denial } = silent;
        const told = isDeepStrictEqual(explained, { ...silent, denial: { ...denial, missing } });
        if (!told || missing.length === 0 || denial.missing !== undefined) wrong.push(route.name);
      }
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(seen).toBeGreaterThan(1000);
  });

  it('does not change its arguments and returns the same decision for the same arguments', () => {
    const route = ROUTES.find(({ name }) => name === 'permission; a predicate not asked')!;
    const policy = Object.freeze(policyOf(route, 'strict', 'any'));
    Object.freeze(policy.requirements);
    const { identity } = CALLERS['session with permission']!;
    const first = decide(policy, identity);
    expect(first).toMatchObject({ allowed: false, unevaluated: [{ predicate: agrees }] });
    expect(decide(policy, identity, new Map([[agrees, true]]))).toEqual({ allowed: true });
    expect(decide(policy, identity)).toEqual(first);
  });

  it('does not use the result of one predicate for another predicate', () => {
    const route = ROUTES.find(({ name }) => name === 'a predicate not asked')!;
    const { identity } = CALLERS['session with nothing']!;
    const answers: PredicateResults = new Map([[objects, true]]);
    expect(decide(policyOf(route, 'strict', 'any'), identity, answers)).toMatchObject({
      allowed: false,
      unevaluated: [{ predicate: agrees }],
    });
  });

  it.each(['yes', 1, {}, undefined, Promise.resolve(true)])(
    'denies the call if has() or a predicate returns %p instead of true',
    (yes) => {
      const one = (name: string) => ROUTES.find((route) => route.name === name)!;
      const { identity } = CALLERS['session with permission']!;
      const lying: Identity = { ...identity, toAuth: () => ({ ...identity.toAuth(), has: () => yes }) as never };
      const ofHas = policyOf(one('permission; no predicate'), 'strict', 'any');
      const ofPredicate = policyOf(one('a predicate not asked'), 'strict', 'any');
      expect(decide(ofHas, identity).allowed).toBe(true);
      expect(decide(ofHas, lying).allowed).toBe(false);
      expect(decide(ofPredicate, identity, new Map([[agrees, true]])).allowed).toBe(true);
      expect(decide(ofPredicate, identity, new Map([[agrees, yes as boolean]])).allowed).toBe(false);
    },
  );

  it.each([null, 'satellite_token'])('denies a caller with the unknown token type %p on every strict route', (type) => {
    const { identity } = CALLERS['session with permission']!;
    const strange: Identity = { ...identity, toAuth: () => ({ ...identity.toAuth(), tokenType: type }) as never };
    for (const route of ROUTES.filter(({ asked, predicates }) => asked.length + predicates.length > 0)) {
      expect(decide(policyOf(route, 'strict', 'any'), strange, answersOf(route)).allowed).toBe(false);
    }
    for (const accepted of ['session_token', ['session_token'], 'any'] as AcceptsToken[]) {
      expect(decide(policyOf(ROUTES[0]!, 'strict', accepted), strange).allowed).toBe(false);
    }
  });

  it.each(PROTECTIONS)(
    'denies every caller with 500 on a %s route with problems, without revealing the problems',
    (protection) => {
      const policy = policyOf(ROUTES[0]!, protection, 'any', { problems: ['something is wrong with secrets in it'] });
      for (const { identity } of Object.values(CALLERS)) {
        const decision = decide(policy, identity);
        expect(decision).toMatchObject({ allowed: false, denial: { status: 500, code: 'invalid-policy' } });
        expect(JSON.stringify(decision)).not.toContain('secrets');
      }
    },
  );

  it.each<[string, string, AcceptsToken, string]>([
    ['handshake', 'permission; no predicate', 'any', 'Complete the handshake with Clerk at the Location given.'],
    ['outage', 'permission; no predicate', 'any', 'Authentication is unavailable at the moment. Try again.'],
    ['key refused', 'permission; no predicate', 'any', 'Authentication is misconfigured on this server.'],
    ['anonymous', 'permission; no predicate', 'any', 'Authentication is required.'],
    ['refused', 'permission; no predicate', 'any', 'The credential is not accepted here.'],
    [
      'pending session with all rights',
      'permission; no predicate',
      'any',
      'The session has an open task. Complete it and try again.',
    ],
    ['session with nothing', 'permission; no predicate', 'any', 'You do not have the permission to do this.'],
    ['session with nothing', 'reverification; no predicate', 'any', 'Verify your identity again.'],
    ['api_key without scope', 'scope; no predicate', 'any', 'The token lacks a scope that this needs.'],
  ])('denies the caller "%s" on the route "%s" for %s with the message: %s', (caller, route, accepted, message) => {
    const policy = policyOf(
      ROUTES.find(({ name }) => name === route)!,
      'strict',
      accepted,
    );
    const decision = decide(policy, CALLERS[caller]!.identity);
    expect(decision).toMatchObject({ allowed: false, denial: { message } });
    expect(decide({ ...policy, problems: ['a secret'] }, CALLERS[caller]!.identity)).toMatchObject({
      denial: { message: 'This route is misconfigured.' },
    });
  });

  describe('the reverification of a 403 reverification-required', () => {
    const strictly = (level: string) => ({ has: { reverification: level } as never });
    const asked = (...conditions: Condition[]) => {
      const route = { name: '', asked: conditions.map((one) => asking(SESSIONS)(one, [])), predicates: [] };
      const { identity } = CALLERS['session with permission']!;
      return describeDecision(decide(policyOf(route, 'strict', 'session_token'), identity));
    };

    it('is the one that the first unfulfilled requirement needs', () => {
      expect(asked(RIGHTS.permission, strictly('strict'), strictly('moderate'))).toMatch(/ of strict$/);
    });

    it('is the one of the alternative that the caller can still fulfil', () => {
      const ways = { anyOf: [{ allOf: [RIGHTS.role, strictly('strict_mfa')] }, strictly('strict')] };
      expect(asked(ways)).toBe('403 reverification-required of strict');
    });

    it('is one that the caller lacks, not one that is already fulfilled', () => {
      const both = { allOf: [strictly('lax'), strictly('strict')] };
      expect(asked(both)).toBe('403 reverification-required of strict');
    });
  });
});
