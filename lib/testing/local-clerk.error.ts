/** The local Clerk was asked for something it must not or cannot do. */
export class LocalClerkError extends Error {
  override readonly name = 'LocalClerkError';
  constructor(
    /** Stable: match on it, not on the message. */
    readonly code: 'production' | 'unknown-resource' | 'not-started',
    message: string,
  ) {
    super(message);
  }
}
