import { Logger, type ArgumentsHost, type ExecutionContext } from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { hasHeaders, type Identity } from '../../authentication/identity/identity.js';
import { Denied, type Denial, type Outcome } from '../../errors/denial.js';
import { MALFORMED_REQUEST } from '../../errors/denials.js';
import { ClerkTransportError } from '../../errors/clerk.errors.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import { attachedIdentity, attachIdentity, type UserLoader } from '../attachment.js';
import { HttpCredentials } from './http.credentials.js';
import { defineRequestAuth, isAuthTakenFor, separateRequests } from './request-auth.js';
import { isNodeResponse, mergeHeader } from './response-headers.js';
import type { Transport } from '../transport.js';
import type { HttpRequestLike } from './http-request.js';
import { requestCarrierOf } from './web-request.js';

const AUTH_IS_TAKEN =
  'Another library or plugin defines request.auth as well, so that it may not be the one of nest-clerk. @Auth() and ' +
  'getAuth(request) work all the same: use them, or give the other property another name (requestProperty of express-jwt, ' +
  'decoratorName of @fastify/jwt, the name given to decorateRequest() of Fastify).';

/** HTTP, on any platform adapter. */
export class HttpTransport implements Transport {
  readonly isForeign = false;
  private hasWarned = false;

  /** @param origins The application's own origins, to validate forwarded headers. */
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly origins?: readonly string[],
  ) {}

  carrier(context: ExecutionContext): object {
    return requestCarrierOf(httpRequestOf(context));
  }

  credentials(context: ExecutionContext): Outcome<Credentials> {
    const source = httpRequestOf(context);
    const credentials = new HttpCredentials(source, requestCarrierOf(source), this.origins);
    return credentials.isReadable ? credentials : new Denied(MALFORMED_REQUEST);
  }

  attach(
    context: ExecutionContext,
    identity: Identity,
    userLoader: UserLoader | undefined,
    { source, carrier }: Credentials,
  ): void {
    // Send headers only once if the guard runs twice. Cookies would be set twice.
    const alreadySent = attachedIdentity(carrier)?.headers === identity.headers;
    if (!attachIdentity(carrier, identity, userLoader)) {
      throw new ClerkTransportError('http', 'its request is frozen, so that nothing can be kept on it');
    }
    if (defineRequestAuth(source)) this.warnOfTakenAuth();
    if (alreadySent || !hasHeaders(identity)) return;
    identity.headers.forEach((value, name) => this.setHeader(context, name, value));
  }

  deny(context: ArgumentsHost, denial: Denial): Error {
    if (denial.location) {
      this.setHeader(context, 'location', denial.location);
      this.setHeader(context, 'cache-control', 'no-store');
    }
    const { retryAfterInSeconds } = denial;
    if (retryAfterInSeconds !== undefined) this.setHeader(context, 'retry-after', String(retryAfterInSeconds));
    if (denial.challenge) this.setHeader(context, 'www-authenticate', denial.challenge);
    return toHttpException(denial);
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    const exception = asHttpException(error, denial);
    // RFC 9110 requires a challenge on every 401. A 503 has Retry-After.
    if (exception.getStatus() === denial.status) this.deny(context, denial);
    return exception;
  }

  answer(host: ArgumentsHost, denial: Denial): void {
    const { httpAdapter } = this.adapterHost;
    const headersSent = httpAdapter.isHeadersSent(host.switchToHttp().getResponse());
    const error = headersSent ? toHttpException(denial) : this.deny(host, denial);
    new BaseExceptionFilter(httpAdapter).catch(error, host);
  }

  /** Prepares `request.auth`. What overwrites the property of single requests is only detected at their first. */
  onApplicationBootstrap(): void {
    const server: unknown = this.adapterHost.httpAdapter?.getInstance?.();
    if (isAuthTakenFor(server)) this.warnOfTakenAuth();
    separateRequests(server);
  }

  /** Warns once per application. */
  private warnOfTakenAuth(): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    new Logger('ClerkGuard').warn(AUTH_IS_TAKEN);
  }

  private setHeader(context: ArgumentsHost, name: string, value: string): void {
    const adapter = this.adapterHost.httpAdapter;
    const response = context.switchToHttp().getResponse<unknown>();
    // Fastify middleware receives Node's response, which not every version of its adapter supports.
    if (isNodeResponse(response)) return mergeHeader(response, name, value);
    // Append cookies to those of the application; set all other headers.
    if (name === 'set-cookie') adapter.appendHeader(response, name, value);
    else adapter.setHeader(response, name, value);
  }
}

/** The request of the platform. */
export function httpRequestOf(context: ArgumentsHost): HttpRequestLike {
  return context.switchToHttp().getRequest<HttpRequestLike>();
}
