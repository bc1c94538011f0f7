import type { AuthObject } from '@clerk/backend';

import { safeDebug } from './auth-debug.js';

/**
 * Makes Clerk's auth object safe to log, serialize, clone and compare. Such code calls or copies every enumerable
 * function: `getToken()` would leak the raw token, and Clerk's `has()` throws without an argument. Therefore functions
 * are not enumerable, `debug()` shows no secrets, and `has()` returns false without an argument.
 *
 * The object is deeply frozen, because requests with the same token share it and must not see each other's changes.
 */
export function safeAuthObject<Auth extends AuthObject>(auth: Auth): Auth {
  // Keep the identity of an object that is already safe: its methods are not enumerable. Clerk's objects all have `has`.
  if (Object.isFrozen(auth) && !Object.prototype.propertyIsEnumerable.call(auth, 'has')) return auth;
  const methods = Object.entries(auth).filter(([, value]) => typeof value === 'function');
  return withSafeMethods({ ...auth }, Object.fromEntries(methods) as Methods);
}

type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Adds methods to the properties of an auth object, and freezes it. */
export function withSafeMethods<Properties extends object, Added extends Methods>(
  properties: Properties,
  methods: Added,
): Properties & Added {
  for (const name of Object.keys(methods)) {
    Object.defineProperty(properties, name, {
      value: safeMethod(name, methods[name] as Method),
      enumerable: false,
    });
  }
  return deepFreeze(properties) as Properties & Added;
}

type Method = (...args: unknown[]) => unknown;

function safeMethod(name: PropertyKey, method: Method): Method {
  if (name === 'has') return (params) => Object(params) === params && method(params);
  return name === 'debug' ? safeDebug(method) : method;
}

/** Iterative, because claims may be nested deep enough to overflow the stack. */
function deepFreeze<T>(value: T): T {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    // `Object.isFrozen` is true for primitives. Functions are left as they are.
    if (typeof next === 'function' || Object.isFrozen(next)) continue;
    for (const child of Object.values(Object.freeze(next as object))) pending.push(child);
  }
  return value;
}
