import type { IncomingMessage, ServerResponse } from 'node:http';

import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/authenticator.js';
import { allowingPending } from '../authentication/identity.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { attachIdentity, identifyOnce } from '../transports/attachment.js';
import { carrierOf } from '../transports/carrier.js';
import { HttpCredentials } from '../transports/http.credentials.js';
import { defineRequestAuth } from '../transports/request-auth.js';
import { putHeaders } from './put-headers.js';

/**
 * Says who is calling where no guard looks: to other middleware, static files, mounted routers, unknown paths. Lax, for
 * tokens of any type: it refuses nobody but what is no request to this server (400), and completes handshakes (307).
 * The guard takes its answer over where it covers what the handler accepts, and decides all the same.
 *
 * @example
 * export class AppModule implements NestModule {
 *   configure(consumer: MiddlewareConsumer) {
 *     consumer.apply(ClerkMiddleware).forRoutes('*path');
 *   }
 * }
 */
@Injectable()
export class ClerkMiddleware implements NestMiddleware {
  constructor(
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    @Inject(CLERK_OPTIONS)
    private readonly options: Pick<ResolvedClerkOptions, 'treatPendingAsSignedOut' | 'authorizedParties'>,
  ) {}

  async use(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): Promise<void> {
    const carrier = carrierOf(request);
    const credentials = new HttpCredentials(request, carrier, this.options.authorizedParties);
    if (!credentials.isReadable) {
      response.writeHead(400).end();
      return;
    }
    const ask = () => this.authenticator.authenticate(credentials, 'any');
    const identified = await identifyOnce(carrier, this.authenticator, 'any', ask);
    const identity = this.options.treatPendingAsSignedOut ? identified : allowingPending(identified);
    attachIdentity(carrier, identity);
    defineRequestAuth(request, identity);
    putHeaders(identity.headers, response);
    if (identity.status === 'handshake') response.writeHead(307).end();
    else next();
  }
}
