import type { AuthObject } from '@clerk/backend';

import { safeAuthObject } from './safe-auth-object.js';

/**
 * Clerk's option for reading an auth object.
 * @see https://clerk.com/docs/reference/backend/types/auth-object
 */
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
 * Builds each auth object lazily and only once, because building it is the most expensive step for a cached identity.
 * Requests with the same token share the object; this is safe because {@link safeAuthObject} freezes it.
 */
export function memoizeAuth(build: ToAuth): ToAuth {
  let pendingSignedOut: AuthObject | undefined;
  let pendingAllowed: AuthObject | undefined;
  const buildSafe = (options: AuthObjectOptions | undefined) => safeAuthObject(build(options));
  return (options) => {
    const allowsPending = options?.treatPendingAsSignedOut === false;
    const other = allowsPending ? pendingSignedOut : pendingAllowed;
    // The option only affects pending sessions.
    if (other && !isPending(other)) return other;
    if (allowsPending) return (pendingAllowed ??= buildSafe(options));
    return (pendingSignedOut ??= buildSafe(options));
  };
}

function isPending(auth: AuthObject): boolean {
  return 'sessionStatus' in auth && auth.sessionStatus === 'pending';
}
