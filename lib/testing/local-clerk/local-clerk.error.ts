/**
 * Why the local Clerk threw an error.
 *
 * - `production`: it does not start if NODE_ENV is "production"
 * - `port-unavailable`: it cannot listen on the given port
 * - `unknown-resource`: there is no resource with the given id
 * - `not-rotated`: a former key is requested, but there is none
 * - `not-revocable`: a JWT, which stays valid until it expires
 */
export type LocalClerkErrorCode =
  'production' | 'port-unavailable' | 'unknown-resource' | 'not-rotated' | 'not-revocable';

/** Thrown by the local Clerk when it must not or cannot do what the test requests. */
export class LocalClerkError extends Error {
  override readonly name = 'LocalClerkError';
  constructor(
    /** Stable; match on it rather than on the message. */
    readonly code: LocalClerkErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
