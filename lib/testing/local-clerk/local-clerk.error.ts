/**
 * Why the local Clerk refused.
 *
 * - `production`: it does not start where NODE_ENV says so
 * - `port-unavailable`: it cannot listen on the port it was given
 * - `unknown-resource`: an id that it does not know
 * - `not-rotated`: a former key is asked for, and there is none
 * - `not-revocable`: a JWT, which stays good until it expires
 */
export type LocalClerkErrorCode =
  'production' | 'port-unavailable' | 'unknown-resource' | 'not-rotated' | 'not-revocable';

/** The local Clerk was asked for something it must not or cannot do. */
export class LocalClerkError extends Error {
  override readonly name = 'LocalClerkError';
  constructor(
    /** Stable: match on it, not on the message. */
    readonly code: LocalClerkErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
