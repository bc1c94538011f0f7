import type { AuthObject } from '@clerk/backend';
import type { SignedInAuthObject, SignedOutAuthObject } from '@clerk/backend/internal';

import type { AuthObjectOptions, Identity } from '../authentication/identity.js';

type SessionAuthObject = SignedInAuthObject | SignedOutAuthObject;

/**
 * `request.auth`: called, it gives Clerk's auth object; it also carries that object's properties and can be sent as
 * JSON. Typed as a session's; for routes that accept other tokens use `@Auth()` or `getAuth()`.
 *
 * @example
 * request.auth().userId; request.auth.userId; response.json(request.auth);
 */
export type RequestAuth = ((options?: AuthObjectOptions) => SessionAuthObject) &
  SessionAuthObject & { toJSON(): Record<string, unknown> };

/** The brand by which `getAuth()` of Clerk's Express SDK knows a `request.auth` as Clerk's. */
const CLERK_EXPRESS_BRAND = Symbol.for('@clerk/express.auth');

/** Builds `request.auth` for an identity. */
export function createRequestAuth(identity: Identity): RequestAuth {
  const auth = (options?: AuthObjectOptions): AuthObject => identity.toAuth(options);
  const object = auth();
  const describe = (value: unknown) => ({
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  const properties = Object.entries(object).map(([name, value]) => [name, describe(value)] as const);
  Object.defineProperties(auth, Object.fromEntries(properties));
  Object.defineProperties(auth, {
    // JSON leaves out functions, and would leave out this one with all it carries.
    toJSON: { value: () => ({ ...object }) },
    [CLERK_EXPRESS_BRAND]: { value: true },
  });
  return auth as unknown as RequestAuth;
}

/**
 * Defines `request.auth`, built on first use. Whatever another library put there is replaced; what one puts there
 * later stays its own, since ours is never read back from it.
 */
export function defineRequestAuth(request: object, identity: Identity): void {
  // Reflect's version answers false instead of throwing, where another library has locked the property.
  const settle = (value: unknown) =>
    Reflect.defineProperty(request, 'auth', { value, configurable: true, writable: true, enumerable: false });
  Reflect.defineProperty(request, 'auth', {
    configurable: true,
    enumerable: false,
    get: () => {
      const auth = createRequestAuth(identity);
      settle(auth);
      return auth;
    },
    set: settle,
  });
}
