/**
 * Why a caller of a test could not be created.
 *
 * - `production`: a TestCaller signs in any caller, so it cannot be created if NODE_ENV is "production"
 * - `invalid-subject`: the subject of an API key must start with `user_` or `org_`
 */
export type ClerkTestingErrorCode = 'production' | 'invalid-subject';

/** Thrown when a caller of a test must not or cannot be created. */
export class ClerkTestingError extends Error {
  override readonly name = 'ClerkTestingError';
  constructor(
    /** Stable; match on it rather than on the message. */
    readonly code: ClerkTestingErrorCode,
    message: string,
  ) {
    super(message);
  }
}
