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
  /**
   * The token type is not accepted. Clerk also reports this if several types are accepted and the request carries no
   * token.
   */
  TypeMismatch: 'token-type-mismatch',
} as const;

/** Prefix of Clerk's reasons for an expired session token; the rest says why the session could not be refreshed. */
const SESSION_TOKEN_EXPIRED = 'session-token-expired';

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
