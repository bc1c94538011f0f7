/** Clerk's own words for why nobody is signed in, as far as we act on them. */
export const Reason = {
  UnknownKey: 'jwk-kid-mismatch',
  WrongKey: 'token-invalid-signature',
  /** With a key that cannot be imported, this is how the check of a signature ends; of a session, one of its claims is wrong. */
  NotVerified: 'token-verification-failed',
  InvalidToken: 'token-invalid',
  /** That the token's `azp` is missing or not among `authorizedParties`. */
  InvalidAuthorizedParty: 'token-invalid-authorized-parties',
  InvalidAlgorithm: 'token-invalid-algorithm',
  KeysUnavailable: 'jwk-remote-failed-to-load',
  KeyRefused: 'secret-key-invalid',
  Unexpected: 'unexpected-error',
  Expired: 'token-expired',
  /** That the token is of a type that is not accepted; also where several are and none was sent. */
  TypeMismatch: 'token-type-mismatch',
} as const;

/** How Clerk's word for an expired session token begins; why it could not be refreshed follows. */
const SESSION_TOKEN_EXPIRED = 'session-token-expired';

/** Whether the token that counted has expired: the one thing that a fresh token helps against. */
export function hasExpired({ reason }: { readonly reason: string | null }): boolean {
  return reason === Reason.Expired || (reason?.startsWith(SESSION_TOKEN_EXPIRED) ?? false);
}

/** Whether a genuine token was refused for its claims (`azp`, `aud`): the next token of the same session has the same. */
export function isRejectedForClaims(reason: string | null): boolean {
  return reason === Reason.InvalidAuthorizedParty || reason === Reason.NotVerified;
}
