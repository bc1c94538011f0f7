import type { AuthObject } from '@clerk/backend';
import {
  invalidTokenAuthObject,
  signedOutAuthObject,
  unauthenticatedMachineObject,
  type RequestState,
} from '@clerk/backend/internal';

import type {
  ClerkKeyRefusedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../errors/clerk.errors.js';
import { memoizedAuth, type AuthObjectOptions } from './auth-memo.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from './token-types.js';

/** Why Clerk could not be asked, or not rightly. */
export type AuthenticationFailure = ClerkUnavailableError | ClerkKeyRefusedError | ClerkRequestOptionsError;

/** Who is calling, as far as could be told. */
export interface Identity {
  readonly status: 'signed-in' | 'signed-out' | 'handshake';
  /** Of the token that signed somebody in. */
  readonly tokenType: TokenType | null;
  /** Clerk's word for why nobody is signed in; goes to the log and to `x-clerk-auth-reason`. */
  readonly reason: string | null;
  /** Whether the request carried something that Clerk looks at. */
  readonly credentialSent: boolean;
  /** Whether the request, which carries nothing that Clerk looks at here, carries a session cookie. */
  readonly hasIgnoredSession?: boolean;
  /** What Clerk wants on the response. */
  readonly headers: Headers;
  /** Set where nobody is signed in because Clerk could not be asked. */
  readonly failure?: AuthenticationFailure;
  /** More for the log, never for the client; holds no credential. */
  readonly detail?: string;
  /** Clerk's own auth object. */
  toAuth(options?: AuthObjectOptions): AuthObject;
}

/** Whom the token that signed somebody in belongs to: its `sub`. */
export function subjectOf(identity: Identity): string | undefined {
  const auth = identity.toAuth({ treatPendingAsSignedOut: false });
  if (!auth.isAuthenticated) return undefined;
  return ('subject' in auth ? auth.subject : 'userId' in auth ? auth.userId : null) ?? undefined;
}

/**
 * What Clerk puts into its answer and the client must not get: a message that discloses configuration, and CORS
 * headers that would open the response to any sandboxed page (`Access-Control-Allow-Origin: null`, with credentials)
 * and overwrite what the application allows.
 */
const WITHHELD_HEADERS = ['x-clerk-auth-message', 'access-control-allow-origin', 'access-control-allow-credentials'];

/** Clerk's answer as an identity. */
export function identityFromState(state: RequestState<TokenType | null>, credentialSent: boolean): Identity {
  const headers = new Headers(state.headers);
  for (const name of WITHHELD_HEADERS) headers.delete(name);
  const { reason } = state;
  // A handshake that is being resolved has somebody signed in or out already, and a way back: the browser goes there
  // first, as with Clerk's own SDKs.
  const status = headers.has('location') ? 'handshake' : state.status;
  const tokenType = status === 'signed-in' ? state.tokenType : null;
  // A handshake has no auth object of its own.
  const toAuth = memoizedAuth((options) => state.toAuth(options) ?? signedOutAuthObject());
  return { status, tokenType, reason, credentialSent, headers, toAuth };
}

/** Whether the client has to be told something. */
export function hasHeaders({ headers }: Identity): boolean {
  return headers.keys().next().done === false;
}

/**
 * The identity as a handler sees it. Where it accepts several types and nothing was sent, the caller is signed out of no
 * type in particular, though Clerk would call that a session; sessions with an open task count as the handler says.
 */
export function identityForRoute(
  { acceptsToken, allowsPendingSession }: { acceptsToken: AcceptsToken; allowsPendingSession: boolean },
  identity: Identity,
): Identity {
  const undecided =
    identity.status !== 'signed-in' && !identity.credentialSent && tokenTypesOf(acceptsToken).length > 1;
  if (undecided) return { ...identity, toAuth: memoizedAuth(() => invalidTokenAuthObject()) };
  return allowsPendingSession ? allowingPending(identity) : identity;
}

/** The identity where a session with an open task counts as signed in, unless asked otherwise. */
export function allowingPending(identity: Identity): Identity {
  return { ...identity, toAuth: (options) => identity.toAuth({ treatPendingAsSignedOut: false, ...options }) };
}

/** Nobody is signed in, by our own finding: the token cannot be good, or Clerk could not be asked. */
export function signedOutIdentity(
  reason: string,
  acceptsToken: AcceptsToken,
  credentialSent: boolean,
  why: Pick<Identity, 'failure' | 'detail'> = {},
): Identity {
  return {
    status: 'signed-out',
    tokenType: null,
    reason,
    credentialSent,
    headers: new Headers({ 'x-clerk-auth-status': 'signed-out', 'x-clerk-auth-reason': reason }),
    ...why,
    toAuth: memoizedAuth(() => signedOutObject(acceptsToken)),
  };
}

/** Clerk's signed-out object: of a session where one is accepted, else of the only accepted type. */
function signedOutObject(acceptsToken: AcceptsToken): AuthObject {
  if (tokenTypesOf(acceptsToken).includes('session_token')) return signedOutAuthObject();
  return typeof acceptsToken === 'string'
    ? unauthenticatedMachineObject(acceptsToken as Exclude<TokenType, 'session_token'>)
    : invalidTokenAuthObject();
}
