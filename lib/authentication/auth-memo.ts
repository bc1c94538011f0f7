import type { AuthObject } from '@clerk/backend';

import { withSafeDebug } from './auth-debug.js';
import type { AuthObjectOptions } from './identity.js';

/** Builds Clerk's auth object. */
export type ToAuth = (options?: AuthObjectOptions) => AuthObject;

/**
 * Builds each auth object when it is first asked for, and once: building it costs more than all else about a known
 * caller. It is shared by everything that a token is used for, so it is frozen throughout: no request sees another's
 * changes. Every auth object that an application gets comes from here, so this is where what it shows is limited.
 */
export function memoizedAuth(build: ToAuth): ToAuth {
  let strict: AuthObject | undefined;
  let pendingAllowed: AuthObject | undefined;
  const make = (options: AuthObjectOptions | undefined) => deepFreeze(withSafeDebug(build(options)));
  return (options) => {
    // Stryker disable next-line EqualityOperator: the two are treated alike, whichever is called which.
    const allowed = options?.treatPendingAsSignedOut === false;
    const other = allowed ? strict : pendingAllowed;
    // Only pending sessions are one thing or another.
    if (other && !isPending(other)) return other;
    if (allowed) return (pendingAllowed ??= make(options));
    return (strict ??= make(options));
  };
}

function isPending(auth: AuthObject): boolean {
  return 'sessionStatus' in auth && auth.sessionStatus === 'pending';
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
