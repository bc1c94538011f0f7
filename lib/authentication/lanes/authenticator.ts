import type { Credentials } from '../identity/credentials.js';
import type { Identity } from '../identity/identity.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** Injection token of the {@link Authenticator} of a Clerk instance. */
export const AUTHENTICATOR = Symbol.for('nest-clerk:authenticator');

/** Tells who is calling. It never throws: what cannot be told is a signed-out identity that says why. */
export interface Authenticator {
  /** Answers at once where the answer is known. */
  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity>;

  /** Forgets what it remembers, and remembers nothing from now on; answers as before. */
  close?(): void;
}
