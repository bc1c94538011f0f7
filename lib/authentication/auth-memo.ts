import type { AuthObject } from '@clerk/backend';

import type { AuthObjectOptions } from './identity.js';

/** Builds Clerk's auth object. */
export type ToAuth = (options?: AuthObjectOptions) => AuthObject;

/**
 * Builds each auth object when it is first asked for, and once: building it costs more than all else about a known
 * caller. It is shared by everything that a token is used for, so it is frozen throughout: no request sees another's
 * changes.
 */
export function memoizedAuth(build: ToAuth): ToAuth {
  let strict: AuthObject | undefined;
  let pendingAllowed: AuthObject | undefined;
  return (options) =>
    options?.treatPendingAsSignedOut === false
      ? (pendingAllowed ??= deepFreeze(build(options)))
      : (strict ??= deepFreeze(build(options)));
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
  return value;
}
