/** Clerk's reason codes for callers who are not signed in, limited to those that change how a request is handled. */
export const Reason = {
  UnknownKey: 'jwk-kid-mismatch',
  WrongKey: 'token-invalid-signature',
  /**
   * Clerk reports this if a claim of a session token is wrong, and also if the key it verifies with cannot be imported.
   */
  NotVerified: 'token-verification-failed',
  InvalidToken: 'token-invalid',
  /** The token's `azp` is missing or not among `authorizedParties`. */
  InvalidAuthorizedParty: 'token-invalid-authorized-parties',
  InvalidAlgorithm: 'token-invalid-algorithm',
  KeysUnavailable: 'jwk-remote-failed-to-load',
  KeyRejected: 'secret-key-invalid',
  Unexpected: 'unexpected-error',
  Expired: 'token-expired',
  NotActiveYet: 'token-not-active-yet',
  IssuedInFuture: 'token-iat-in-the-future',
  /**
   * The token type is not accepted. Clerk also reports this if several types are accepted and the request carries no
   * token.
   */
  TypeMismatch: 'token-type-mismatch',
} as const;

/** Prefix of Clerk's reasons for an expired session token; the rest says why the session could not be refreshed. */
const SESSION_TOKEN_EXPIRED = 'session-token-expired';

/**
 * Clerk's reason for rejecting a session token in the Authorization header of a request that carries no refresh token
 * and cannot be redirected to a handshake.
 *
 * @param reason The reason for rejecting the token itself.
 */
export function sessionReasonFor(reason: string, method: string): string {
  if (reason === Reason.NotActiveYet) return 'session-token-nbf';
  if (reason === Reason.IssuedInFuture) return 'session-token-iat-in-the-future';
  if (reason !== Reason.Expired) return reason;
  return `${SESSION_TOKEN_EXPIRED}-refresh-non-eligible-${method.toUpperCase() === 'GET' ? 'no-refresh-cookie' : 'non-get'}`;
}

/** Whether a token is rejected only because of the time, so that Clerk may get a valid one from the browser. */
export function isRejectedForTime(reason: string): boolean {
  return reason === Reason.Expired || reason === Reason.NotActiveYet || reason === Reason.IssuedInFuture;
}

/** Whether authentication failed because the token has expired. A fresh token helps in this case only. */
export function hasExpired({ reason }: { readonly reason: string | null }): boolean {
  return reason === Reason.Expired || (reason?.startsWith(SESSION_TOKEN_EXPIRED) ?? false);
}

/**
 * Whether a token was rejected for its claims (`azp`, `aud`). A fresh token of the same session has the same claims, so
 * a retry does not help.
 */
export function isRejectedForClaims(reason: string | null): boolean {
  return reason === Reason.InvalidAuthorizedParty || reason === Reason.NotVerified;
}
