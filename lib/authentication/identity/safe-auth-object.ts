import type { AuthObject } from '@clerk/backend';

import { safeDebug } from './auth-debug.js';

/**
 * Clerk's auth object as applications get it, safe in the hands of whatever walks it. Serializers, loggers and
 * functions that clone or compare call or copy every enumerable function they find: `getToken()` gives the raw token,
 * and Clerk's `has()` throws without an argument. So functions are not enumerable, as methods are not; `debug()` shows
 * no secret; `has()` answers false where nothing is asked. It is shared by all that uses a token, so it is frozen
 * throughout: no request sees another's changes.
 */
export function safeAuthObject<Auth extends AuthObject>(auth: Auth): Auth {
  const methods = (Object.getOwnPropertyNames(auth) as (keyof Auth)[]).filter(
    (name) => typeof auth[name] === 'function',
  );
  // What is safe already stays the very object it is.
  if (Object.isFrozen(auth) && !methods.some((name) => Object.prototype.propertyIsEnumerable.call(auth, name)))
    return auth;
  const safe = { ...auth };
  for (const name of methods) {
    Object.defineProperty(safe, name, { value: safeMethod(name, auth[name] as Method), enumerable: false });
  }
  return deepFreeze(safe);
}

type Method = (...args: unknown[]) => unknown;

function safeMethod(name: PropertyKey, method: Method): Method {
  if (name === 'has') return (params) => Object(params) === params && method(params);
  return name === 'debug' ? safeDebug(method) : method;
}

/** Without recursion: claims may be nested as deeply as a token can hold. */
function deepFreeze<T>(value: T): T {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    // Whatever is no object counts as frozen; functions are left as they are.
    if (typeof next === 'function' || Object.isFrozen(next)) continue;
    for (const inner of Object.values(Object.freeze(next as object))) pending.push(inner);
  }
  return value;
}
