/**
 * The whole decision as one table: every kind of caller before every kind of route, several hundred thousand cells, each
 * compared with an oracle that says the rules a second time. The library evaluates conditions as trees; the oracle only
 * knows the ways to fulfil one, as lists of rights, and which rights a caller has been given.
 */
import { isDeepStrictEqual } from 'node:util';

import { authenticatedMachineObject, getAuthObjectFromJwt } from '@clerk/backend/internal';

import { memoizedAuth } from '../../../lib/authentication/auth-memo.js';
import { allowingPending, seenBy, signedOutIdentity, type Identity } from '../../../lib/authentication/identity.js';
import { TOKEN_TYPES, type AcceptsToken, type TokenType } from '../../../lib/authentication/token-types.js';
import {
  ClerkKeyRefusedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../../lib/errors/clerk.errors.js';
import { decide, type Decision, type PredicateAnswers } from '../../../lib/policy/decide.js';
import type { Condition, PredicateRef, Requirement } from '../../../lib/policy/requirement.js';
import type { Protection, RoutePolicy } from '../../../lib/policy/route-policy.js';
import { sessionClaims } from '../../../lib/testing/local-clerk/session-claims.js';

// ---- Rights: what a route asks for, in the library's words. Nobody has the last two.

const RIGHTS = {
  permission: { has: { permission: 'org:invoices:read' } },
  role: { has: { role: 'org:admin' } },
  feature: { has: { feature: 'org:reports' } },
  plan: { has: { plan: 'org:pro' } },
  reverification: { has: { reverification: 'strict' } },
  scope: { scope: 'invoices:read' },
  'another permission': { has: { permission: 'org:invoices:delete' } },
  'another scope': { scope: 'invoices:delete' },
} as const satisfies Record<string, Condition>;
type Right = keyof typeof RIGHTS;

const OF_SESSIONS = ['permission', 'role', 'feature', 'plan', 'reverification'] as const satisfies Right[];

// ---- Callers: what Clerk's own auth objects answer, and what the oracle is told of them.

interface Caller {
  readonly identity: Identity;
  /** Set where somebody is signed in. */
  readonly type?: TokenType;
  readonly rights: readonly Right[];
  /** The answer of every strict route, whatever it accepts and requires. */
  readonly always?: string;
}

const signedIn = (auth: Pick<Identity, 'toAuth' | 'tokenType'>): Identity => ({
  status: 'signed-in',
  reason: null,
  credentialSent: true,
  headers: new Headers(),
  ...auth,
});

function sessionIdentity(rights: readonly Right[], status = 'active'): Identity {
  const has = (right: Right) => rights.includes(right);
  const organization = {
    id: 'org_1',
    slug: 'acme',
    role: has('role') ? 'org:admin' : 'org:member',
    permissions: has('permission') ? ['org:invoices:read'] : ['org:letters:read'],
  };
  const payload = {
    ...{ iss: 'https://clerk.example', sub: 'user_1', sid: 'sess_1', iat: 0, nbf: 0, exp: 1 },
    ...sessionClaims({
      status,
      organization,
      features: has('feature') ? ['org:reports'] : ['user:reports'],
      plans: has('plan') ? ['org:pro'] : ['org:free'],
      factorVerificationAge: has('reverification') ? [3, 3] : [3, 11],
    }),
  };
  const jwt = { raw: { text: 'x.y.z' }, payload } as unknown as Parameters<typeof getAuthObjectFromJwt>[0];
  const toAuth = memoizedAuth((options) => getAuthObjectFromJwt(jwt, { secretKey: 'sk_test_x', ...options }));
  return signedIn({ toAuth, tokenType: 'session_token' });
}

const SUBJECTS = { api_key: 'user_1', m2m_token: 'mch_1', oauth_token: 'user_1' } as const;
type MachineType = keyof typeof SUBJECTS;

function machineIdentity(type: MachineType, rights: readonly Right[]): Identity {
  const scopes = rights.includes('scope') ? ['letters:read', 'invoices:read'] : ['letters:read', 'invoices:reads'];
  const verified = { id: 'id_1', subject: SUBJECTS[type], scopes, name: 'key', claims: null, clientId: 'client_1' };
  const auth = authenticatedMachineObject(type, 'token', verified as never);
  return signedIn({ toAuth: () => auth, tokenType: type });
}

const session = (...rights: Right[]): Caller => ({ identity: sessionIdentity(rights), type: 'session_token', rights });
const machine = (type: MachineType, ...rights: Right[]): Caller => ({
  identity: machineIdentity(type, rights),
  type,
  rights,
});

const INVALID = '401 token-invalid Bearer error="invalid_token"';
const ANYBODY: AcceptsToken = 'session_token';
const failing = (failure: Identity['failure']) => signedOutIdentity('unverified', ANYBODY, true, { failure });

const CALLERS: Record<string, Caller> = {
  // All 32 sessions that there are: of nothing, of everything, of everything but a fresh factor, and so on.
  ...Object.fromEntries(
    subsets(OF_SESSIONS).map((rights) => [`session with ${rights.join(', ') || 'nothing'}`, session(...rights)]),
  ),
  ...Object.fromEntries(
    (['api_key', 'm2m_token', 'oauth_token'] as const).flatMap((type) => [
      [`${type} with scope`, machine(type, 'scope')],
      [`${type} without scope`, machine(type)],
    ]),
  ),
  anonymous: {
    identity: signedOutIdentity('session-token-and-uat-missing', ANYBODY, false),
    rights: [],
    always: '401 authentication-required Bearer',
  },
  refused: { identity: signedOutIdentity('token-invalid', ANYBODY, true), rights: [], always: INVALID },
  'pending session with all rights': {
    identity: sessionIdentity(OF_SESSIONS, 'pending'),
    rights: OF_SESSIONS,
    always: '401 session-pending Bearer error="invalid_token"',
  },
  'pending session where such are let in': {
    identity: allowingPending(sessionIdentity(['permission'], 'pending')),
    type: 'session_token',
    rights: ['permission'],
  },
  handshake: {
    identity: { ...signedOutIdentity('dev-browser-missing', ANYBODY, true), status: 'handshake' },
    rights: [],
    always: '307 handshake',
  },
  outage: {
    identity: failing(new ClerkUnavailableError('down')),
    rights: [],
    always: '503 clerk-unavailable',
  },
  'key refused': {
    identity: failing(new ClerkKeyRefusedError('wrong')),
    rights: [],
    always: '500 clerk-key-refused',
  },
  'options failed': {
    identity: failing(new ClerkRequestOptionsError('threw')),
    rights: [],
    always: '500 invalid-configuration',
  },
  // None of these can happen, and none may pass if it ever does.
  'signed out with the auth object of a session': {
    identity: { ...sessionIdentity(OF_SESSIONS), status: 'signed-out' },
    rights: OF_SESSIONS,
    always: INVALID,
  },
  'signed in during an outage': {
    identity: { ...sessionIdentity(OF_SESSIONS), failure: new ClerkUnavailableError('down') },
    rights: OF_SESSIONS,
    always: '503 clerk-unavailable',
  },
  'signed in by a handshake': {
    identity: { ...sessionIdentity(OF_SESSIONS), status: 'handshake' },
    rights: OF_SESSIONS,
    always: '307 handshake',
  },
};

// ---- Routes: requirements as trees for the library, as ways to fulfil them for the oracle.

/** Each way is a list of rights that have to be held together. */
type Ways = readonly (readonly Right[])[];
interface Asked {
  readonly requirement: Requirement;
  readonly speaksTo: readonly TokenType[];
  readonly ways: Ways;
}
interface Answered {
  readonly predicate: PredicateRef;
  readonly answer: boolean | undefined;
}
interface Route {
  readonly name: string;
  readonly asked: readonly Asked[];
  readonly predicates: readonly Answered[];
}

const SESSIONS: readonly TokenType[] = ['session_token'];
const MACHINES: readonly TokenType[] = ['api_key', 'm2m_token', 'oauth_token'];

const asking = (speaksTo: readonly TokenType[]) => (condition: Condition, ways: Ways) => ({
  requirement: { decorator: 'Require', speaksTo, condition },
  speaksTo,
  ways,
});

/** Every way to combine some rights: alone, in pairs, nested, and nothing at all. */
function combinations(speaksTo: readonly TokenType[], rights: readonly Right[], nested: readonly Right[]) {
  const ask = asking(speaksTo);
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
  // One question to has() may ask for several things at once.
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
/** What the application's predicates were found to answer; what a predicate would answer is of no interest here. */
const PREDICATES: Record<string, readonly Answered[]> = {
  'no predicate': [],
  'a predicate not asked': [{ predicate: agrees, answer: undefined }],
  'a predicate that agrees': [{ predicate: agrees, answer: true }],
  'a predicate that does not': [{ predicate: objects, answer: false }],
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
  // Requirements of several decorators add up; sessions and machines are each held to theirs.
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
  const predicates = route.predicates.map(({ predicate }) => ({
    ...{ decorator: 'RequireThat', speaksTo: TOKEN_TYPES, predicate },
  }));
  return {
    name: 'C.h',
    protection,
    acceptsToken,
    allowsPendingSession: false,
    redirectsToSignIn: false,
    explainsDenials: false,
    sources: { protection: 'default', acceptsToken: 'default' },
    // Predicates first, to see that they are asked last all the same.
    requirements: [...predicates, ...route.asked.map(({ requirement }) => requirement)].map((one) => ({
      ...one,
      from: 'C.h',
    })),
    problems: [],
    ...more,
  } satisfies RoutePolicy;
}

function answersOf(route: Route): PredicateAnswers | undefined {
  const known = route.predicates.filter(({ answer }) => answer !== undefined);
  return known.length === 0 ? undefined : new Map(known.map(({ predicate, answer }) => [predicate, answer!]));
}

// ---- The oracle.

const fulfilled = (ways: Ways, rights: readonly Right[]) =>
  ways.some((way) => way.every((right) => rights.includes(right)));

function lacking(asked: readonly Asked[]): string {
  const scopes = asked.flatMap(({ requirement }) =>
    (['scope', 'another scope'] as const)
      .filter((right) => JSON.stringify(requirement).includes(`"${RIGHTS[right].scope}"`))
      .map((right) => RIGHTS[right].scope),
  );
  const named = [...new Set(scopes)].join(' ');
  return named
    ? `403 insufficient-scope Bearer error="insufficient_scope", scope="${named}"`
    : '403 insufficient-permissions';
}

function expected({ type, rights, always }: Caller, protection: Protection, accepted: AcceptsToken, route: Route) {
  if (always === '307 handshake') return always;
  if (protection !== 'strict') return 'allowed';
  if (always) return always;
  if (accepted !== 'any' && ![accepted].flat().includes(type!)) return INVALID;
  if (route.asked.length + route.predicates.length === 0) return 'allowed';

  const held = route.asked.filter(({ speaksTo }) => speaksTo.includes(type!));
  // Nobody passes for want of a requirement that would have spoken to him.
  if (held.length + route.predicates.length === 0) return lacking(route.asked);
  const unmet = held.filter(({ ways }) => !fulfilled(ways, rights));
  const beyond = unmet.filter(({ ways }) => !fulfilled(ways, [...rights, 'reverification']));
  if (beyond.length > 0) return lacking(beyond);
  if (route.predicates.some(({ answer }) => answer === false)) return '403 insufficient-permissions';
  const open = route.predicates.filter(({ answer }) => answer === undefined).length;
  if (open > 0) return `403 insufficient-permissions until ${open} answered`;
  return unmet.length > 0 ? '403 reverification-required of strict' : 'allowed';
}

function spoken(decision: Decision): string {
  if (decision.allowed) return 'allowed';
  const { denial, unanswered } = decision;
  const { status, code, challenge, reverification } = denial;
  const ofFactor = reverification && `of ${String(reverification)}`;
  const open = unanswered && `until ${unanswered.length} answered`;
  return [status, code, challenge, ofFactor, open].filter(Boolean).join(' ');
}

// ---- The table.

const PROTECTIONS = ['strict', 'lax', 'skip'] as const;
const ACCEPTED: readonly AcceptsToken[] = [...TOKEN_TYPES, ['session_token', 'api_key'], 'any'];
const CELLS = PROTECTIONS.flatMap((protection) =>
  ACCEPTED.flatMap((accepted) =>
    ROUTES.map((route) => {
      const policy = policyOf(route, protection, accepted);
      return { protection, accepted, route, policy, answers: answersOf(route) };
    }),
  ),
);

describe('decide', () => {
  it('is tried on a table worth the name, in which every outcome occurs', () => {
    expect(Object.keys(CALLERS).length * CELLS.length).toBeGreaterThan(300_000);
    const outcomes = Object.values(CALLERS).flatMap((caller) =>
      ACCEPTED.flatMap((accepted) => ROUTES.map((route) => expected(caller, 'strict', accepted, route))),
    );
    expect(new Set(outcomes).size).toBeGreaterThan(12);
  });

  it.each(Object.keys(CALLERS))('decides on every route about: %s', (name) => {
    const caller = CALLERS[name]!;
    const wrong: string[] = [];
    for (const { protection, accepted, route, policy, answers } of CELLS) {
      // A caller of no type in particular on a route of several is shown to it as the guard does.
      const identity = seenBy(policy, caller.identity);
      const due = expected(caller, protection, accepted, route);
      const given = spoken(decide(policy, identity, answers));
      if (given !== due) wrong.push(`${protection} ${String(accepted)}; ${route.name}: ${given}, not ${due}`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });

  it('tells the log what is missing in every 403, and the client only where denials are explained', () => {
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

  it('is pure: what it is given is left as it was, and gives the same again', () => {
    const route = ROUTES.find(({ name }) => name === 'permission; a predicate not asked')!;
    const policy = Object.freeze(policyOf(route, 'strict', 'any'));
    Object.freeze(policy.requirements);
    const { identity } = CALLERS['session with permission']!;
    const first = decide(policy, identity);
    expect(first).toMatchObject({ allowed: false, unanswered: [{ predicate: agrees }] });
    expect(decide(policy, identity, new Map([[agrees, true]]))).toEqual({ allowed: true });
    expect(decide(policy, identity)).toEqual(first);
  });

  it('takes the answer to one predicate for no answer to another', () => {
    const route = ROUTES.find(({ name }) => name === 'a predicate not asked')!;
    const { identity } = CALLERS['session with nothing']!;
    const answers: PredicateAnswers = new Map([[objects, true]]);
    expect(decide(policyOf(route, 'strict', 'any'), identity, answers)).toMatchObject({
      allowed: false,
      unanswered: [{ predicate: agrees }],
    });
  });

  it.each(['yes', 1, {}, undefined, Promise.resolve(true)])(
    'takes %p for no yes, of has() and of predicates',
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

  it.each([null, 'satellite_token'])('holds a caller of the type %p, which nobody knows, to no requirement', (type) => {
    const { identity } = CALLERS['session with permission']!;
    const strange: Identity = { ...identity, toAuth: () => ({ ...identity.toAuth(), tokenType: type }) as never };
    for (const route of ROUTES.filter(({ asked, predicates }) => asked.length + predicates.length > 0)) {
      expect(decide(policyOf(route, 'strict', 'any'), strange, answersOf(route)).allowed).toBe(false);
    }
    for (const accepted of ['session_token', ['session_token'], 'any'] as AcceptsToken[]) {
      expect(decide(policyOf(ROUTES[0]!, 'strict', accepted), strange).allowed).toBe(false);
    }
  });

  it.each(PROTECTIONS)('refuses everybody on a %s route with problems, and does not tell them', (protection) => {
    const policy = policyOf(ROUTES[0]!, protection, 'any', { problems: ['something is wrong with secrets in it'] });
    for (const { identity } of Object.values(CALLERS)) {
      const decision = decide(policy, identity);
      expect(decision).toMatchObject({ allowed: false, denial: { status: 500, code: 'invalid-policy' } });
      expect(JSON.stringify(decision)).not.toContain('secrets');
    }
  });

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
  ])('tells %s before %s what to do, and no more', (caller, route, accepted, message) => {
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

  describe('asks for the reverification', () => {
    const strictly = (level: string) => ({ has: { reverification: level } as never });
    const asked = (...conditions: Condition[]) => {
      const route = { name: '', asked: conditions.map((one) => asking(SESSIONS)(one, [])), predicates: [] };
      const { identity } = CALLERS['session with permission']!;
      return spoken(decide(policyOf(route, 'strict', 'session_token'), identity));
    };

    it('that the first requirement lacks', () => {
      expect(asked(RIGHTS.permission, strictly('strict'), strictly('moderate'))).toMatch(/ of strict$/);
    });

    it('of the way that the caller can go, not of one that is closed to him', () => {
      const ways = { anyOf: [{ allOf: [RIGHTS.role, strictly('strict_mfa')] }, strictly('strict')] };
      expect(asked(ways)).toBe('403 reverification-required of strict');
    });

    it('that the caller lacks, not one that he has, lest he be asked for ever', () => {
      const both = { allOf: [strictly('lax'), strictly('strict')] };
      expect(asked(both)).toBe('403 reverification-required of strict');
    });
  });
});

function subsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);
}
