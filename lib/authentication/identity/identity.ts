import type { AuthObject } from '@clerk/backend';
import {
  invalidTokenAuthObject,
  signedOutAuthObject,
  unauthenticatedMachineObject,
  type RequestState,
} from '@clerk/backend/internal';

import type {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../errors/clerk.errors.js';
import { memoizeAuth, type AuthObjectOptions } from './auth-memo.js';
import { safeAuthObject } from './safe-auth-object.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from './token-types.js';

/**
 * Why authentication could not be completed: Clerk is unavailable, rejects the key, or the options for this request are
 * invalid.
 */
export type AuthenticationFailure = ClerkUnavailableError | ClerkKeyRejectedError | ClerkRequestOptionsError;

/** Who is calling, as verified. */
export interface Identity {
  readonly status: 'signed-in' | 'signed-out' | 'handshake';
  /** The type of the verified token; `null` unless signed in. */
  readonly tokenType: TokenType | null;
  /** Clerk's reason code for a caller who is not signed in. It is logged and sent as `x-clerk-auth-reason`. */
  readonly reason: string | null;
  /** Whether the request carries a credential that Clerk reads for the accepted token types. */
  readonly hasCredentials: boolean;
  /** Whether the request carries a session cookie that is ignored because the handler accepts no session tokens. */
  readonly hasIgnoredSession?: boolean;
  /** The headers that Clerk adds to the response. */
  readonly headers: Headers;
  /** Set if the caller counts as signed out only because authentication could not be completed. */
  readonly failure?: AuthenticationFailure;
  /** Additional detail for the log. It is never sent to the client and contains no credentials. */
  readonly detail?: string;
  /** Builds Clerk's own auth object. */
  toAuth(options?: AuthObjectOptions): AuthObject;
}

/** The subject (`sub`) of the verified token; `undefined` if the caller is not signed in. */
export function subjectOf(identity: Identity): string | undefined {
  const auth = identity.toAuth({ treatPendingAsSignedOut: false });
  if (!auth.isAuthenticated) return undefined;
  return ('subject' in auth ? auth.subject : 'userId' in auth ? auth.userId : null) ?? undefined;
}

/**
 * Headers of Clerk's response that are not forwarded to the client: a message that discloses configuration, and CORS
 * headers that would open the response to any sandboxed page (`Access-Control-Allow-Origin: null`, with credentials)
 * and overwrite the application's own CORS headers.
 */
const WITHHELD_HEADERS = ['x-clerk-auth-message', 'access-control-allow-origin', 'access-control-allow-credentials'];

/** Converts Clerk's request state to an identity. */
export function identityFromState(state: RequestState<TokenType | null>, hasCredentials: boolean): Identity {
  const headers = new Headers(state.headers);
  for (const name of WITHHELD_HEADERS) headers.delete(name);
  const { reason } = state;
  // A handshake that is being resolved has a signed-in or signed-out state and also a `Location`. The redirect comes
  // first, as in Clerk's own SDKs.
  const status = headers.has('location') ? 'handshake' : state.status;
  const tokenType = status === 'signed-in' ? state.tokenType : null;
  // A handshake state has no auth object.
  const toAuth = memoizeAuth((options) => state.toAuth(options) ?? signedOutAuthObject());
  return { status, tokenType, reason, hasCredentials, headers, toAuth };
}

/** Whether the response needs any headers from Clerk. */
export function hasHeaders({ headers }: Identity): boolean {
  return headers.keys().next().done === false;
}

/** Clerk's auth object of no token type. */
const UNTYPED = safeAuthObject(invalidTokenAuthObject());

/**
 * Adapts the identity to a handler. If the handler accepts several token types and the request carries no credentials,
 * the auth object is of no particular type (Clerk would report a signed-out session). `allowsPendingSession` decides
 * whether a session with an open task counts as signed in.
 */
export function identityForRoute(
  { acceptsToken, allowsPendingSession }: { acceptsToken: AcceptsToken; allowsPendingSession: boolean },
  identity: Identity,
): Identity {
  const isUntyped =
    identity.status !== 'signed-in' && !identity.hasCredentials && tokenTypesOf(acceptsToken).length > 1;
  if (isUntyped) return { ...identity, toAuth: () => UNTYPED };
  return allowsPendingSession ? allowingPending(identity) : identity;
}

/** Returns the identity with pending sessions counted as signed in, unless a call to `toAuth()` overrides it. */
export function allowingPending(identity: Identity): Identity {
  return { ...identity, toAuth: (options) => identity.toAuth({ treatPendingAsSignedOut: false, ...options }) };
}

/** Headers that requests share, so that no code may change them. */
function fixedHeaders(headers: Record<string, string>): Headers {
  const reject = () => {
    throw new TypeError('The headers of an identity cannot be changed');
  };
  return Object.assign(new Headers(headers), { append: reject, set: reject, delete: reject });
}

/**
 * Creates a signed-out identity without a response from Clerk: the token is known to be invalid, or Clerk could not be
 * called.
 */
export function signedOutIdentity(
  reason: string,
  acceptsToken: AcceptsToken,
  hasCredentials: boolean,
  failureOrDetail: Pick<Identity, 'failure' | 'detail'> = {},
): Identity {
  return {
    status: 'signed-out',
    tokenType: null,
    reason,
    hasCredentials,
    headers: fixedHeaders({ 'x-clerk-auth-status': 'signed-out', 'x-clerk-auth-reason': reason }),
    ...failureOrDetail,
    toAuth: memoizeAuth(() => signedOutObject(acceptsToken, { status: 'signed-out', reason })),
  };
}

/**
 * Clerk's signed-out object: of a session if sessions are accepted, of the machine token type if it is the only one,
 * and untyped otherwise.
 *
 * @param debugData What `debug()` returns.
 */
function signedOutObject(
  acceptsToken: AcceptsToken,
  debugData: { readonly status: string; readonly reason: string },
): AuthObject {
  if (tokenTypesOf(acceptsToken).includes('session_token')) return signedOutAuthObject({ ...debugData });
  return typeof acceptsToken === 'string'
    ? unauthenticatedMachineObject(acceptsToken as Exclude<TokenType, 'session_token'>, { ...debugData })
    : invalidTokenAuthObject();
}
