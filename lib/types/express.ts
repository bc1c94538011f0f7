/**
 * Types `request.auth` on Express. Add one line to any file of the application:
 *
 * @example
 * ```ts
 * /// <reference types="nest-clerk/express" />
 * ```
 */
import type { RequestAuth } from '../transports/http/request-auth.js';

declare global {
  // @types/express provides this namespace for augmentation.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      /** The caller's auth, set by ClerkGuard. Absent on handlers with `@SkipAuth()`. */
      auth: RequestAuth;
    }
  }
}
