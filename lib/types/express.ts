/**
 * Types `request.auth` of Express. One line in any file of an application:
 *
 * @example
 * /// <reference types="nest-clerk/express" />
 */
import type { RequestAuth } from '../transports/http/request-auth.js';

declare global {
  // The namespace that @types/express leaves open for this.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      /** Who is calling, as ClerkGuard found out. Absent on handlers with `@SkipAuth()`. */
      auth: RequestAuth;
    }
  }
}
