import type { Identity } from '../authentication/identity/identity.js';
import { hasExpired, Reason } from '../authentication/identity/reasons.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/identity/token-types.js';
import type { Denial } from '../errors/denial.js';
import {
  AUTHENTICATION_REQUIRED,
  denialForFailure,
  HANDSHAKE,
  ORIGIN_NOT_ALLOWED,
  SESSION_NOT_ACCEPTED,
  SESSION_PENDING,
  TOKEN_EXPIRED,
  TOKEN_INVALID,
  TOKEN_TYPE_NOT_ACCEPTED,
} from '../errors/denials.js';

/**
 * The denial of a caller who is not signed in with an accepted token; `undefined` if the caller is. Rights are not
 * checked.
 */
export function authenticationDenial(identity: Identity, acceptsToken: AcceptsToken): Denial | undefined {
  if (identity.status === 'handshake') return HANDSHAKE;
  if (identity.failure) return denialForFailure(identity.failure);

  const { isAuthenticated, tokenType } = identity.toAuth();
  const isSignedIn = identity.status === 'signed-in';
  // Signed in, but treated as signed out: the session has an open task.
  if (isSignedIn && !isAuthenticated) return SESSION_PENDING;
  // An unknown token type is not accepted, even with @AcceptsToken('any').
  const isAccepted = (tokenTypesOf(acceptsToken) as readonly unknown[]).includes(tokenType);
  return isSignedIn && isAccepted ? undefined : signedOutDenial(identity);
}

/** Tells the client whether to sign in, to get a fresh token, or why neither helps. */
function signedOutDenial(identity: Identity): Denial {
  const { hasCredentials, hasIgnoredSession, reason } = identity;
  // Signing in would not help a caller who already has a session.
  if (!hasCredentials) return hasIgnoredSession ? SESSION_NOT_ACCEPTED : AUTHENTICATION_REQUIRED;
  if (hasExpired(identity)) return TOKEN_EXPIRED;
  if (reason === Reason.InvalidAuthorizedParty) return ORIGIN_NOT_ALLOWED;
  return hasIgnoredSession || reason === Reason.TypeMismatch ? TOKEN_TYPE_NOT_ACCEPTED : TOKEN_INVALID;
}
