import { Logger, type ArgumentsHost, type ExecutionContext } from '@nestjs/common';
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { Denied, type Denial, type Outcome } from '../../errors/denial.js';
import { MALFORMED_REQUEST } from '../../errors/denials.js';
import { ClerkTransportError } from '../../errors/clerk.errors.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import { HttpCredentials } from './http.credentials.js';
import { defineRequestAuth, isAuthTakenFor, separateRequests } from './request-auth.js';
import { isNodeResponse, mergeHeader } from './response-headers.js';
import type { Attachment, Transport } from '../transport.js';
import type { HttpRequestLike } from './http-request.js';
import { requestCarrierOf } from './web-request.js';

const AUTH_IS_TAKEN =
  'Another library or plugin defines request.auth as well, so that it may not be the one of nest-clerk. @Auth() and ' +
  'getAuth(request) work all the same: use them, or give the other property another name (requestProperty of express-jwt, ' +
  'decoratorName of @fastify/jwt, the name given to decorateRequest() of Fastify).';

type HeaderEntries = readonly (readonly [name: string, value: string])[];

/** HTTP, on any platform adapter. */
export class HttpTransport implements Transport {
  readonly isForeign = false;
  private readonly entries = new WeakMap<Headers, HeaderEntries>();
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

  attach(context: ExecutionContext, { identity, credentials, previous, isStored }: Attachment): void {
    if (!isStored) {
      throw new ClerkTransportError('http', 'its request is frozen, so that nothing can be kept on it');
    }
    if (defineRequestAuth(credentials.source)) this.warnOfTakenAuth();
    // Send headers only once if the guard runs twice. Cookies would be set twice.
    if (previous?.headers === identity.headers) return;
    this.setHeaders(context, this.entriesOf(identity.headers));
  }

  deny(context: ArgumentsHost, denial: Denial): Error {
    const { location, retryAfterInSeconds, challenge } = denial;
    const headers: [name: string, value: string][] = [];
    if (location) headers.push(['location', location], ['cache-control', 'no-store']);
    if (retryAfterInSeconds !== undefined) headers.push(['retry-after', String(retryAfterInSeconds)]);
    if (challenge) headers.push(['www-authenticate', challenge]);
    this.setHeaders(context, headers);
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

  /** Requests of callers with the same credentials, or with none, share their headers, which iterate slowly. */
  private entriesOf(headers: Headers): HeaderEntries {
    let entries = this.entries.get(headers);
    if (!entries) this.entries.set(headers, (entries = [...headers]));
    return entries;
  }

  private setHeaders(context: ArgumentsHost, headers: HeaderEntries): void {
    if (headers.length === 0) return;
    const adapter = this.adapterHost.httpAdapter;
    const response = context.switchToHttp().getResponse<unknown>();
    // Fastify middleware receives Node's response, which not every version of its adapter supports.
    const ofNode = isNodeResponse(response) ? response : undefined;
    for (const [name, value] of headers) {
      if (ofNode) mergeHeader(ofNode, name, value);
      // Append cookies to those of the application; set all other headers.
      else if (name === 'set-cookie') adapter.appendHeader(response, name, value);
      else adapter.setHeader(response, name, value);
    }
  }
}

/** The request of the platform. */
export function httpRequestOf(context: ArgumentsHost): HttpRequestLike {
  return context.switchToHttp().getRequest<HttpRequestLike>();
}
