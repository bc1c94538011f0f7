import type { AuthObject } from '@clerk/backend';
import type { SignedInAuthObject, SignedOutAuthObject } from '@clerk/backend/internal';

import type { AuthObjectOptions, Identity } from '../authentication/identity.js';
import { attachedIdentity } from './attachment.js';
import { carrierOf } from './carrier.js';

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

/** Marks the prototypes that have `auth`. */
const DEFINED = Symbol.for('nest-clerk:request-auth');

/**
 * Defines `request.auth`, built on first use. Whatever another library put there is replaced; what one puts there
 * later stays its own, since ours is never read back from it.
 */
export function defineRequestAuth(request: object, identity: Identity): void {
  const prototype = Object.getPrototypeOf(request) as object;
  if (Object.hasOwn(request, 'auth') || !isOfOneApplication(request, prototype)) define(request, identity);
  else if (!Object.hasOwn(prototype, DEFINED)) defineForAll(prototype);
}

/** Express and Fastify give the requests of each application a prototype of their own. */
function isOfOneApplication(request: object, prototype: object): boolean {
  return Object.hasOwn(prototype, 'app') || Object.hasOwn(request, 'raw');
}

/** One definition for all requests of an application costs each of them nothing. */
function defineForAll(prototype: object): void {
  Object.defineProperty(prototype, DEFINED, { value: true });
  Object.defineProperty(prototype, 'auth', {
    configurable: true,
    enumerable: false,
    get(this: object) {
      const identity = attachedIdentity(carrierOf(this));
      if (!identity) return undefined;
      define(this, identity);
      return (this as { auth?: unknown }).auth;
    },
    set(this: object, value: unknown) {
      Reflect.defineProperty(this, 'auth', { value, configurable: true, writable: true, enumerable: true });
    },
  });
}

function define(request: object, identity: Identity): void {
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
