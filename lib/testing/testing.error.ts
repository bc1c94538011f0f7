/**
 * Why a test's caller could not be made.
 *
 * - `production`: a TestCaller signs in anybody, so there is none where NODE_ENV says so
 * - `invalid-subject`: Clerk knows by its beginning whom an API key belongs to, `user_…` or `org_…`
 */
export type ClerkTestingErrorCode = 'production' | 'invalid-subject';

/** A test asked for a caller that there must not or cannot be. */
export class ClerkTestingError extends Error {
  override readonly name = 'ClerkTestingError';
  constructor(
    /** Stable: match on it, not on the message. */
    readonly code: ClerkTestingErrorCode,
    message: string,
  ) {
    super(message);
  }
}
