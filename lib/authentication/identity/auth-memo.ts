import type { AuthObject } from '@clerk/backend';

import { safeAuthObject } from './safe-auth-object.js';

/** Clerk's option for reading an auth object. @see https://clerk.com/docs/reference/backend/types/auth-object */
export interface AuthObjectOptions {
  /**
   * Whether a session with an open task counts as signed out.
   * @default true
   */
  treatPendingAsSignedOut?: boolean | undefined;
}

/** Builds Clerk's auth object. */
export type ToAuth = (options?: AuthObjectOptions) => AuthObject;

/**
 * Builds each auth object when it is first asked for, and once: building it costs more than all else about a known
 * caller. It is shared by everything that a token is used for, and safe to be.
 */
export function memoizedAuth(build: ToAuth): ToAuth {
  let strict: AuthObject | undefined;
  let pendingAllowed: AuthObject | undefined;
  const make = (options: AuthObjectOptions | undefined) => safeAuthObject(build(options));
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
