import { types } from 'node:util';

import type { AuthObject } from '@clerk/backend';
import type { SignedInAuthObject, SignedOutAuthObject } from '@clerk/backend/internal';

import type { AuthObjectOptions } from '../../authentication/identity/auth-memo.js';
import type { Identity } from '../../authentication/identity/identity.js';
import { attachedIdentity } from '../attachment.js';
import { carrierOf } from '../carrier.js';

type SessionAuthObject = SignedInAuthObject | SignedOutAuthObject;

/**
 * `request.auth`: called, it gives Clerk's auth object; it also carries that object's properties and can be sent as
 * JSON. Typed as a session's; for routes that accept other tokens use `@Auth()` or `getAuth()`.
 *
 * Awaited, or returned from a handler or any async function, it gives the auth object, since a function is no answer:
 * Nest would send its source text on Express. To clone it, call it: `structuredClone(request.auth())`.
 *
 * @example
 * request.auth().userId; request.auth.userId; response.json(request.auth);
 */
export type RequestAuth = ((options?: AuthObjectOptions) => SessionAuthObject) &
  SessionAuthObject &
  PromiseLike<SessionAuthObject> & { toJSON(): Record<string, unknown> };

/** The brand by which `getAuth()` of Clerk's Express SDK knows a `request.auth` as Clerk's. */
const CLERK_EXPRESS_BRAND = Symbol.for('@clerk/express.auth');

/** Marks what is ours: `request.auth`, its getters, and the prototypes that have it. */
const DEFINED = Symbol.for('nest-clerk:request-auth');

/** Builds `request.auth` for an identity. */
export function createRequestAuth(identity: Identity): RequestAuth {
  const auth = (options?: AuthObjectOptions): AuthObject => identity.toAuth(options);
  const object = auth();
  const properties = Object.entries(Object.getOwnPropertyDescriptors(object)).map(([name, { value, enumerable }]) => {
    return [name, { value: value as unknown, enumerable, configurable: true, writable: true }] as const;
  });
  Object.defineProperties(auth, Object.fromEntries(properties));
  const then: PromiseLike<AuthObject>['then'] = (...handlers) => Promise.resolve(object).then(...handlers);
  Object.defineProperties(auth, {
    // JSON leaves out functions, and would leave out this one with all it carries.
    toJSON: { value: () => ({ ...object }) },
    then: { value: then },
    // A function's is its source text.
    toString: { value: () => '[request.auth]' },
    [CLERK_EXPRESS_BRAND]: { value: true },
    [DEFINED]: { value: true },
  });
  return auth as unknown as RequestAuth;
}

/**
 * Defines `request.auth`, built on first use. Whatever another library put there is replaced; what one puts there
 * later stays its own, since ours is never read back from it. A request that takes no property has none. Nothing is
 * written through a Proxy, since it would become that of the request behind it.
 *
 * @returns whether another library defines `auth` on this request, its prototype or what that inherits from.
 */
export function defineRequestAuth(request: object, identity: Identity): boolean {
  try {
    if (isInherited(request)) return false;
    const isTaken = isTakenByAnother(request);
    if (!isDefinedForAll(request) && !types.isProxy(request)) define(request, identity);
    return isTaken;
  } catch {
    // A Proxy may throw whatever is asked of it.
    return false;
  }
}

/**
 * Whether another library has defined `auth` for all requests of an application.
 *
 * @param server The instance of Express or Fastify.
 */
export function isAuthTakenFor(server: unknown): boolean {
  const { hasRequestDecorator, request } = Object(server) as {
    hasRequestDecorator?: (name: string) => boolean;
    request?: unknown;
  };
  if (typeof hasRequestDecorator === 'function') return hasRequestDecorator.call(server, 'auth');
  return typeof request === 'object' && request !== null && isTakenByAnother(request);
}

/** One definition for all requests of an application costs each of them nothing. */
function isInherited(request: object): boolean {
  const prototype = Object.getPrototypeOf(request) as object | null;
  return prototype !== null && Object.hasOwn(prototype, DEFINED) && !Object.hasOwn(request, 'auth');
}

function isDefinedForAll(request: object): boolean {
  const prototype = Object.getPrototypeOf(request) as object | null;
  if (prototype === null || Object.hasOwn(request, 'auth') || Object.hasOwn(prototype, DEFINED)) return false;
  return isOfOneApplication(request, prototype) && defineForAll(prototype);
}

/** Where the property is defined that is read as `request.auth`, and whether it is one of ours. */
function isTakenByAnother(request: object): boolean {
  for (let owner: object | null = request; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const { get, value } = Object.getOwnPropertyDescriptor(owner, 'auth') ?? {};
    if (get ?? value) return !isOurs(get ?? value);
    if (Object.hasOwn(owner, 'auth')) return true;
  }
  return false;
}

/** Our getters, and what they give, carry the mark of prototypes as well. */
function isOurs(getterOrValue: unknown): boolean {
  return typeof getterOrValue === 'function' && Object.hasOwn(getterOrValue, DEFINED);
}

/**
 * Whether a prototype was made by Express or Fastify for the requests of one application. It has to lead back to what
 * made it: any object may have an `app` or a `server`, and what it inherits from may be everybody's.
 */
function isOfOneApplication(request: object, prototype: object): boolean {
  const app: unknown = Object.getOwnPropertyDescriptor(prototype, 'app')?.value;
  if (typeof app === 'function') return (app as { request?: unknown }).request === prototype;
  // Fastify keeps the class of its requests with the server, or with the context of a plugin.
  const { server } = request as { server?: unknown };
  if (typeof server !== 'object' || server === null || Object.getPrototypeOf(prototype) === null) return false;
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'fastify.Request');
  const type: unknown = key && Reflect.get(server, key);
  return typeof type === 'function' && type.prototype === prototype;
}

function defineForAll(prototype: object): boolean {
  function auth(this: object): unknown {
    const identity = attachedIdentity(carrierOf(this));
    if (!identity) return undefined;
    if (types.isProxy(this) || !define(this, identity)) return createRequestAuth(identity);
    return (this as { auth?: unknown }).auth;
  }
  const isDefined = Reflect.defineProperty(prototype, 'auth', {
    configurable: true,
    enumerable: false,
    get: marked(auth),
    set(this: object, value: unknown) {
      Reflect.defineProperty(this, 'auth', { value, configurable: true, writable: true, enumerable: true });
    },
  });
  return isDefined && Reflect.defineProperty(prototype, DEFINED, { value: true });
}

/** @returns whether it could be defined: not where another library has locked the property, nor on a frozen request. */
function define(request: object, identity: Identity): boolean {
  // Reflect's version answers false instead of throwing.
  const settle = (value: unknown) =>
    Reflect.defineProperty(request, 'auth', { value, configurable: true, writable: true, enumerable: false });
  return Reflect.defineProperty(request, 'auth', {
    configurable: true,
    enumerable: false,
    get: marked(() => {
      const auth = createRequestAuth(identity);
      settle(auth);
      return auth;
    }),
    set: settle,
  });
}

function marked<T extends () => unknown>(getter: T): T {
  return Object.defineProperty(getter, DEFINED, { value: true });
}
