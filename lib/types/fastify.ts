/**
 * Types `request.auth` of Fastify. One line in any file of an application:
 *
 * @example
 * /// <reference types="nest-clerk/fastify" />
 */
import type {} from 'fastify';

import type { RequestAuth } from '../transports/http/request-auth.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling, as ClerkGuard found out. Absent on handlers with `@SkipAuth()`. */
    auth: RequestAuth;
  }
}
