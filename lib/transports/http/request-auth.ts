import { types } from 'node:util';

import type { AuthObject } from '@clerk/backend';
import type { SignedInAuthObject, SignedOutAuthObject } from '@clerk/backend/internal';

import type { AuthObjectOptions } from '../../authentication/identity/auth-memo.js';
import type { Identity } from '../../authentication/identity/identity.js';
import { attachedIdentity } from '../attachment.js';
import type { HttpRequestLike } from './http-request.js';
import { requestCarrierOf } from './web-request.js';

type SessionAuthObject = SignedInAuthObject | SignedOutAuthObject;

/**
 * The type of `request.auth`. Call it to get Clerk's auth object. It also has that object's properties, and serializes
 * to JSON. It is typed as a session's; on routes that accept other tokens, use `@Auth()` or `getAuth()`.
 *
 * If you await it, or return it from a handler or an async function, it resolves to the auth object. Otherwise Nest
 * would send the function's source text on Express. To clone it, call it first: `structuredClone(request.auth())`.
 *
 * @example
 * ```ts
 * request.auth().userId;
 * request.auth.userId;
 * response.json(request.auth);
 * ```
 * @see https://clerk.com/docs/reference/backend/types/auth-object
 */
export type RequestAuth = ((options?: AuthObjectOptions) => SessionAuthObject) &
  SessionAuthObject &
  PromiseLike<SessionAuthObject> & { toJSON(): Record<string, unknown> };

/** The brand by which `getAuth()` of Clerk's Express SDK recognizes `request.auth`. */
const CLERK_EXPRESS_BRAND = Symbol.for('@clerk/express.auth');

/** Marks what this library defines: `request.auth`, its getter, and the prototypes that have it. */
const DEFINED = Symbol.for('nest-clerk:request-auth');

/** Creates `request.auth` for an identity. */
function createRequestAuth(identity: Identity): RequestAuth {
  const auth = (options?: AuthObjectOptions): AuthObject => identity.toAuth(options);
  const object = auth();
  const properties = Object.entries(Object.getOwnPropertyDescriptors(object)).map(([name, { value, enumerable }]) => {
    return [name, { value: value as unknown, enumerable, configurable: true, writable: true }] as const;
  });
  Object.defineProperties(auth, Object.fromEntries(properties));
  const then: PromiseLike<AuthObject>['then'] = (...handlers) => Promise.resolve(object).then(...handlers);
  Object.defineProperties(auth, {
    // JSON.stringify() omits functions unless they have toJSON().
    toJSON: { value: () => ({ ...object }) },
    then: { value: then },
    // The default is the source text of the function.
    toString: { value: () => '[request.auth]' },
    [CLERK_EXPRESS_BRAND]: { value: true },
    [DEFINED]: { value: true },
  });
  return auth as unknown as RequestAuth;
}

/**
 * `request.auth` of every request. It is one definition for all of them, because V8 creates a new hidden class for each
 * new getter, which costs more CPU than the rest of the guard.
 */
const REQUEST_AUTH: PropertyDescriptor = Object.freeze({
  configurable: true,
  enumerable: false,
  get: Object.defineProperty(readRequestAuth, DEFINED, { value: true }),
  set(this: object, value: unknown) {
    Reflect.defineProperty(this, 'auth', { value, configurable: true, writable: true, enumerable: true });
  },
});

/** Creates `request.auth` on first use. A frozen request cannot keep it, and a Proxy would change the request behind it. */
function readRequestAuth(this: object): RequestAuth | undefined {
  const identity = attachedIdentity(requestCarrierOf(this as HttpRequestLike));
  if (!identity) return undefined;
  const value = createRequestAuth(identity);
  if (!types.isProxy(this)) {
    // Unlike Object.defineProperty(), this returns false instead of throwing.
    Reflect.defineProperty(this, 'auth', { value, configurable: true, writable: true, enumerable: false });
  }
  return value;
}

/**
 * Defines `request.auth`, which returns the attached identity. Replaces a property that another library has set; a later
 * assignment wins, because this library never reads the property. A request that is not extensible gets none. Proxies
 * are skipped, because writing would change the request behind them.
 *
 * @returns whether another library defines `auth` on this request or its prototype chain
 */
export function defineRequestAuth(request: object): boolean {
  try {
    if (isInherited(request)) return false;
    const isTaken = 'auth' in request && isTakenByAnother(request);
    if (!isDefinedForAll(request) && !types.isProxy(request)) Reflect.defineProperty(request, 'auth', REQUEST_AUTH);
    return isTaken;
  } catch {
    // A Proxy may throw on any access.
    return false;
  }
}

/**
 * Makes Fastify create this application's requests from a class of its own, so that `request.auth` can be defined for
 * all of them. Fastify uses one class for the requests of all applications that decorate none.
 *
 * @param server The instance of Express or Fastify.
 */
export function separateRequests(server: unknown): void {
  const { decorateRequest } = Object(server) as { decorateRequest?: (name: symbol, value: object) => unknown };
  try {
    // A new symbol, because Fastify rejects a name that it knows.
    decorateRequest?.call(server, Symbol('nest-clerk'), { getter: () => undefined });
  } catch {
    // The server has started already. Each request gets its own property.
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

/** A definition on the prototype of all requests of an application costs nothing per request. */
function isInherited(request: object): boolean {
  const prototype = Object.getPrototypeOf(request) as object | null;
  return prototype !== null && Object.hasOwn(prototype, DEFINED) && !Object.hasOwn(request, 'auth');
}

function isDefinedForAll(request: object): boolean {
  const prototype = Object.getPrototypeOf(request) as object | null;
  if (prototype === null || Object.hasOwn(request, 'auth') || Object.hasOwn(prototype, DEFINED)) return false;
  return isOfOneApplication(request, prototype) && defineForAll(prototype);
}

/** Whether another library defines the property that is read as `request.auth`. */
function isTakenByAnother(request: object): boolean {
  for (let owner: object | null = request; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const { get, value } = Object.getOwnPropertyDescriptor(owner, 'auth') ?? {};
    if (get ?? value) return !isOurs(get ?? value);
    if (Object.hasOwn(owner, 'auth')) return true;
  }
  return false;
}

/** Our getter and its values have the mark as well. */
function isOurs(getterOrValue: unknown): boolean {
  return typeof getterOrValue === 'function' && Object.hasOwn(getterOrValue, DEFINED);
}

/**
 * Whether Express or Fastify created a prototype for the requests of one application. The application must refer back
 * to it: any object may have an `app` or a `server`, and its prototype may be shared by all objects.
 */
function isOfOneApplication(request: object, prototype: object): boolean {
  const app: unknown = Object.getOwnPropertyDescriptor(prototype, 'app')?.value;
  if (typeof app === 'function') return (app as { request?: unknown }).request === prototype;
  // Fastify stores its request class on the server, or on the context of a plugin.
  const { server } = request as { server?: unknown };
  if (typeof server !== 'object' || server === null || Object.getPrototypeOf(prototype) === null) return false;
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'fastify.Request');
  const type: unknown = key && Reflect.get(server, key);
  return typeof type === 'function' && type.prototype === prototype;
}

function defineForAll(prototype: object): boolean {
  const isDefined = Reflect.defineProperty(prototype, 'auth', REQUEST_AUTH);
  return isDefined && Reflect.defineProperty(prototype, DEFINED, { value: true });
}
