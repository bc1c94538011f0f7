/**
 * Types `request.auth` on Fastify. Add one line to any file of the application:
 *
 * @example
 * ```ts
 * /// <reference types="nest-clerk/fastify" />
 * ```
 */
import type {} from 'fastify';

import type { RequestAuth } from '../transports/http/request-auth.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller's auth, set by ClerkGuard. Absent on handlers with `@SkipAuth()`. */
    auth: RequestAuth;
  }
}
