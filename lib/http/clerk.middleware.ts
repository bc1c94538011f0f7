import type { IncomingMessage, ServerResponse } from 'node:http';

import { Injectable, type INestApplicationContext, type NestMiddleware } from '@nestjs/common';

import { allowingPending } from '../authentication/identity/identity.js';
import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { MALFORMED_REQUEST } from '../errors/denials.js';
import { toHttpException } from '../errors/exceptions.js';
import { ClerkCore } from '../guard/clerk-core.js';
import { CLIENT_ONLY, isClientOnly } from '../options/client-only.js';
import { attachIdentity, authenticateOnce } from '../transports/attachment.js';
import { carrierOf } from '../transports/carrier.js';
import { HttpCredentials } from '../transports/http/http.credentials.js';
import { defineRequestAuth } from '../transports/http/request-auth.js';
import { mergeHeaders } from '../transports/http/response-headers.js';
import type { Next } from './mounted-call.js';

/**
 * Nest middleware that authenticates requests for the middleware applied after it, and for paths without a route.
 *
 * It is lax and accepts tokens of any type: it denies only malformed requests (400) and completes handshakes (307). The
 * guard reuses its result if the handler accepts that token type, and still makes its own decision.
 *
 * Nest runs it after everything that `main.ts` mounts with `app.use()` or `SwaggerModule.setup()`, and only below a
 * global prefix. For those mounts, use `clerkMiddleware(app)`, or `requireClerk(app)` to require sign-in.
 *
 * @example
 * ```ts
 * export class AppModule implements NestModule {
 *   configure(consumer: MiddlewareConsumer) {
 *     consumer.apply(ClerkMiddleware, RequestLogger).forRoutes('{*path}');
 *   }
 * }
 * ```
 */
@Injectable()
export class ClerkMiddleware implements NestMiddleware {
  /** @throws ClerkConfigurationError if there is no publishable key */
  constructor(private readonly core: ClerkCore) {
    if (isClientOnly(core.options)) throw new ClerkConfigurationError([CLIENT_ONLY]);
  }

  async use(request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> {
    const { authenticator, options } = this.core;
    const carrier = carrierOf(request);
    const credentials = new HttpCredentials(request, carrier, options.authorizedParties);
    if (!credentials.isReadable) return next(toHttpException(MALFORMED_REQUEST));
    const authenticate = () => authenticator.authenticate(credentials, 'any');
    const authenticated = await authenticateOnce(carrier, authenticator, 'any', authenticate);
    const identity = options.treatPendingAsSignedOut ? authenticated : allowingPending(authenticated);
    attachIdentity(carrier, identity);
    defineRequestAuth(request);
    mergeHeaders(identity.headers, response);
    if (identity.status === 'handshake') response.writeHead(307).end();
    else next();
  }
}

/**
 * ClerkMiddleware for `main.ts`: `getAuth(request)` works in the routers, static files and other middleware mounted
 * after it. It is lax and does not require sign-in; for that, use `requireClerk(app)`.
 *
 * @param app The application, which imports `ClerkModule`.
 * @throws ClerkConfigurationError if there is no publishable key
 * @example
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * app.use(clerkMiddleware(app));
 * app.use('/reports', reportsRouter); // getAuth(request) returns the caller
 * await app.listen(3000);
 * ```
 */
export function clerkMiddleware(app: INestApplicationContext) {
  const middleware = new ClerkMiddleware(app.get(ClerkCore));
  return (request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> =>
    middleware.use(request, response, next);
}
