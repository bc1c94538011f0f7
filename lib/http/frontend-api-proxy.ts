import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

import { createClerkRequest } from '@clerk/backend/internal';
import type { INestApplicationContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { proxyPathFor } from '../authentication/lanes/clerk-request-options.js';
import { ClerkConfigurationError, ClerkRequestOptionsError } from '../errors/clerk.errors.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { causeOf } from '../guard/access-log.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { carrierOf } from '../transports/carrier.js';
import { HttpCredentials, MALFORMED } from '../transports/http/http.credentials.js';
import { mergeHeaders } from '../transports/http/response-headers.js';
import { askFrontendApi, carriesBody, headersFrom, type FrontendApiCall } from './frontend-api-call.js';
import type { Next } from './mounted-call.js';

const UNAVAILABLE: Denial = {
  status: 503,
  code: ClerkErrorCode.ClerkUnavailable,
  message: 'Authentication is unavailable at the moment. Try again.',
};
const MISCONFIGURED: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidConfiguration,
  message: 'Authentication is misconfigured on this server.',
};

/**
 * Serves Clerk's Frontend API under the path of the option `frontendApiProxy`. A line of main.ts, since a module's own
 * middleware runs after the body parsers, and bodies have to reach Clerk byte for byte.
 *
 * Answers 503 where Clerk is unreachable, or begins no answer within `timeoutInMs`, and 500 for a tenant that has no
 * `publishableKey` and `secretKey`.
 *
 * @throws ClerkConfigurationError where the option is not set, or there are no keys to serve it with.
 * @example
 * const app = await NestFactory.create(AppModule);
 * app.use(frontendApiProxy(app));
 * await app.listen(3000);
 * @see https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
 */
export function frontendApiProxy(app: INestApplicationContext) {
  const options = app.get<ResolvedClerkOptions>(CLERK_OPTIONS);
  if (!options.frontendApiProxy) {
    throw new ClerkConfigurationError([
      'frontendApiProxy() is used in main.ts: set the option frontendApiProxy as well.',
    ]);
  }
  if (!options.resolveOptions && !hasKeys(options)) {
    throw new ClerkConfigurationError([
      'frontendApiProxy() is used in main.ts: set publishableKey and secretKey, since one key alone has no Frontend API.',
    ]);
  }
  const proxy = new FrontendApiProxy(
    options,
    options.frontendApiProxy.path,
    app.get(ClerkInstances),
    app.get(LogThrottle),
  );
  return (request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> =>
    proxy.handle(request, response, next);
}

class FrontendApiProxy {
  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly path: string,
    private readonly instances: ClerkInstances,
    private readonly throttle: LogThrottle,
  ) {}

  async handle(incoming: IncomingMessage, response: ServerResponse, next: Next): Promise<void> {
    const credentials = new HttpCredentials(incoming, carrierOf(incoming), this.options.authorizedParties);
    if (!this.isBelow(credentials.target.split('?', 1)[0] as string)) return next();
    const url = urlOf(credentials);
    if (!url || !isBodyReadable(incoming)) return next(toHttpException(MALFORMED));
    // "/__clerk/../x" is another path once it is parsed.
    if (!this.isBelow(url.pathname)) return next();
    try {
      const path = proxyPathFor(this.options, url);
      if (path !== undefined) {
        const { options } = await this.instances.for(incoming, credentials.carrier);
        return await serve({ options, path, url, incoming, response });
      }
    } catch (error) {
      return this.refuse(error as Error, incoming, response, next);
    }
    next();
  }

  private isBelow(pathname: string): boolean {
    return pathname === this.path || pathname.startsWith(`${this.path}/`);
  }

  private refuse(error: Error, request: IncomingMessage, response: ServerResponse, next: Next): void {
    // A client that has left is told nothing, and is no news.
    if (response.destroyed || request.errored || request.socket.destroyed) return;
    // What nobody reads of a body would stand in the way of the next request on this connection.
    request.resume();
    const isOutage = !(error instanceof ClerkRequestOptionsError);
    const kind = `frontendApiProxy: ${isOutage ? ClerkErrorCode.ClerkUnavailable : ClerkErrorCode.InvalidConfiguration}`;
    this.throttle.write(isOutage ? 'warn' : 'error', kind, `frontendApiProxy: ${error.message}${causeOf(error)}`);
    // Half an answer must not pass for a whole one.
    if (response.headersSent) response.destroy();
    else next(toHttpException(isOutage ? UNAVAILABLE : MISCONFIGURED));
  }
}

/** The URL of a request as the browser sees it; none where it is no request to this server. */
function urlOf(credentials: HttpCredentials): URL | undefined {
  try {
    return createClerkRequest(credentials.request).clerkUrl;
  } catch {
    return undefined;
  }
}

/** Whether it can be told what the body is: Node undoes no encoding but that into chunks. */
function isBodyReadable({ headers }: IncomingMessage): boolean {
  const encoding = headers['transfer-encoding'];
  return encoding === undefined || encoding.trim().toLowerCase() === 'chunked';
}

/** @throws ClerkRequestOptionsError where the application does not allow for it; ClerkUnavailableError where Clerk does not. */
async function serve(call: FrontendApiCall): Promise<void> {
  const { incoming, response } = call;
  if (!hasKeys(call.options)) {
    // Clerk's own proxy would take the keys of the environment, which are another instance's.
    throw new ClerkRequestOptionsError('resolveOptions answered no publishableKey and secretKey to proxy with');
  }
  if (carriesBody(incoming) && incoming.readableDidRead && !incoming.errored) {
    throw new ClerkRequestOptionsError('A body was read before frontendApiProxy(): use it before any body parser');
  }
  const answer = await askFrontendApi(call);
  response.statusCode = answer.status;
  mergeHeaders(headersFrom(answer, call), response);
  if (answer.body) await pipeline(Readable.fromWeb(answer.body as ReadableStream), response);
  else response.end();
  incoming.resume();
}

function hasKeys({ publishableKey, secretKey }: Pick<ResolvedClerkOptions, 'publishableKey' | 'secretKey'>): boolean {
  return publishableKey !== '' && secretKey !== '';
}
