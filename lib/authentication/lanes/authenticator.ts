import type { Credentials } from '../identity/credentials.js';
import type { Identity } from '../identity/identity.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** Injection token of the {@link Authenticator} of a Clerk instance. */
export const AUTHENTICATOR = Symbol.for('nest-clerk:authenticator');

/** Identifies the caller. It never throws: if verification fails, the result is a signed-out identity with a reason. */
export interface Authenticator {
  /** Returns synchronously if the identity is available without I/O. */
  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity>;

  /** Clears its caches and stops caching. It still authenticates. */
  close?(): void;
}
