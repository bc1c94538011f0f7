/**
 * A second, independent implementation of authorization: every kind of caller, and an oracle that knows only which
 * lists of rights fulfil a requirement, and which rights a caller has.
 */
import { authenticatedMachineObject, getAuthObjectFromJwt } from '@clerk/backend/internal';

import { memoizeAuth } from '../../lib/authentication/identity/auth-memo.js';
import { allowingPending, signedOutIdentity, type Identity } from '../../lib/authentication/identity/identity.js';
import type { AcceptsToken, TokenType } from '../../lib/authentication/identity/token-types.js';
import {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../lib/errors/clerk.errors.js';
import type { Condition, PredicateRef, Requirement } from '../../lib/policy/requirement.js';
import type { Protection } from '../../lib/policy/route-policy.js';
import { sessionClaims } from '../../lib/testing/local-clerk/session-claims.js';

// ---- Rights: what routes require, as the library's conditions. No caller has the last two.

export const RIGHTS = {
  permission: { has: { permission: 'org:invoices:read' } },
  role: { has: { role: 'org:admin' } },
  feature: { has: { feature: 'org:reports' } },
  plan: { has: { plan: 'org:pro' } },
  reverification: { has: { reverification: 'strict' } },
  scope: { scope: 'invoices:read' },
  'another permission': { has: { permission: 'org:invoices:delete' } },
  'another scope': { scope: 'invoices:delete' },
} as const satisfies Record<string, Condition>;
export type Right = keyof typeof RIGHTS;

export const OF_SESSIONS = ['permission', 'role', 'feature', 'plan', 'reverification'] as const satisfies Right[];

// ---- Callers: identities with Clerk's own auth objects, and what the oracle knows of them.

export interface Caller {
  readonly identity: Identity;
  /** Set if the caller is signed in. */
  readonly type?: TokenType;
  readonly rights: readonly Right[];
  /** The result on every strict route, whatever it accepts and requires. */
  readonly always?: string;
}

const signedIn = (auth: Pick<Identity, 'toAuth' | 'tokenType'>): Identity => ({
  status: 'signed-in',
  reason: null,
  hasCredentials: true,
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
  const toAuth = memoizeAuth((options) => getAuthObjectFromJwt(jwt, { secretKey: 'sk_test_x', ...options }));
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

export const CALLERS: Record<string, Caller> = {
  // All 32 combinations of rights of a session: none, all, all except a recent factor, and so on.
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
  'pending session where pending sessions are allowed': {
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
    identity: failing(new ClerkKeyRejectedError('wrong')),
    rights: [],
    always: '500 clerk-key-rejected',
  },
  'options failed': {
    identity: failing(new ClerkRequestOptionsError('threw')),
    rights: [],
    always: '500 invalid-configuration',
  },
  // None of these should occur, and each must be denied if it does.
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

// ---- Routes: requirements as trees for the library, and as ways to fulfil them for the oracle.

/** Alternatives, each a list of rights that are all needed. */
export type Ways = readonly (readonly Right[])[];
export interface Asked {
  readonly requirement: Requirement;
  readonly appliesTo: readonly TokenType[];
  readonly ways: Ways;
}
export interface Answered {
  readonly predicate: PredicateRef;
  readonly answer: boolean | undefined;
  /** The token types that it names; a predicate that names none applies to all. */
  readonly appliesTo?: readonly TokenType[];
}
export interface Route {
  readonly name: string;
  readonly asked: readonly Asked[];
  readonly predicates: readonly Answered[];
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

export function expected(
  { type, rights, always }: Caller,
  protection: Protection,
  accepted: AcceptsToken,
  route: Route,
) {
  if (always === '307 handshake') return always;
  if (protection !== 'strict') return 'allowed';
  if (always) return always;
  if (accepted !== 'any' && ![accepted].flat().includes(type!)) return INVALID;
  if (route.asked.length + route.predicates.length === 0) return 'allowed';

  const held = route.asked.filter(({ appliesTo }) => appliesTo.includes(type!));
  const predicates = route.predicates.filter(({ appliesTo }) => appliesTo?.includes(type!) ?? true);
  // If any requirement names token types, one of them must name the caller's.
  const naming = [...route.asked, ...route.predicates].filter(({ appliesTo }) => appliesTo !== undefined);
  if (naming.length > 0 && !naming.some(({ appliesTo }) => appliesTo!.includes(type!))) return lacking(route.asked);
  const unmet = held.filter(({ ways }) => !fulfilled(ways, rights));
  const beyond = unmet.filter(({ ways }) => !fulfilled(ways, [...rights, 'reverification']));
  if (beyond.length > 0) return lacking(beyond);
  if (predicates.some(({ answer }) => answer === false)) return '403 insufficient-permissions';
  const open = predicates.filter(({ answer }) => answer === undefined).length;
  if (open > 0) return `403 insufficient-permissions until ${open} answered`;
  return unmet.length > 0 ? '403 reverification-required of strict' : 'allowed';
}

function subsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);
}
