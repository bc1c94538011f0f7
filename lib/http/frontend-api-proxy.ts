import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

import { createClerkRequest } from '@clerk/backend/internal';
import type { INestApplicationContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { resolveProxyPath } from '../authentication/lanes/clerk-request-options.js';
import { ClerkConfigurationError, ClerkRequestOptionsError } from '../errors/clerk.errors.js';
import { authenticationUnavailable, INVALID_CONFIGURATION, MALFORMED_REQUEST } from '../errors/denials.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { causeOf } from '../guard/access-log.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { carrierOf } from '../transports/carrier.js';
import { HttpCredentials } from '../transports/http/http.credentials.js';
import { mergeHeaders } from '../transports/http/response-headers.js';
import { askFrontendApi, carriesBody, headersFrom, type FrontendApiCall } from './frontend-api-call.js';
import type { Next } from './mounted-call.js';

/**
 * Proxies Clerk's Frontend API under the path of the option `frontendApiProxy`.
 *
 * Call it in main.ts, before any body parser. Bodies must reach Clerk byte for byte, and middleware of a module runs
 * after the body parsers.
 *
 * Returns 503 if Clerk is unreachable or its response does not begin within `timeoutInMs`, and 500 for a tenant without
 * a `publishableKey` and `secretKey`.
 *
 * @param app The application, which imports `ClerkModule`.
 * @throws ClerkConfigurationError if the option is not set, or a key is missing
 * @example
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * app.use(frontendApiProxy(app));
 * await app.listen(3000);
 * ```
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
    if (!url || !isBodyReadable(incoming)) return next(toHttpException(MALFORMED_REQUEST));
    // Parsing can change the path: "/__clerk/../x" becomes "/x".
    if (!this.isBelow(url.pathname)) return next();
    try {
      const path = resolveProxyPath(this.options, url);
      if (path !== undefined) {
        const { options } = await this.instances.for(incoming, credentials.carrier);
        return await serve({ options, path, url, incoming, response });
      }
    } catch (error) {
      return this.deny(error as Error, incoming, response, next);
    }
    next();
  }

  private isBelow(pathname: string): boolean {
    return pathname === this.path || pathname.startsWith(`${this.path}/`);
  }

  private deny(error: Error, request: IncomingMessage, response: ServerResponse, next: Next): void {
    // The client has disconnected: there is nothing to send, and nothing to log.
    if (response.destroyed || request.errored || request.socket.destroyed) return;
    // Drain the body. Unread data would block the next request on this connection.
    request.resume();
    const isOutage = !(error instanceof ClerkRequestOptionsError);
    const kind = `frontendApiProxy: ${isOutage ? ClerkErrorCode.ClerkUnavailable : ClerkErrorCode.InvalidConfiguration}`;
    this.throttle.write(isOutage ? 'warn' : 'error', kind, `frontendApiProxy: ${error.message}${causeOf(error)}`);
    // Destroy the response, so that the client does not take a truncated body for a complete one.
    if (response.headersSent) response.destroy();
    else next(toHttpException(isOutage ? authenticationUnavailable() : INVALID_CONFIGURATION));
  }
}

/** The URL of a request as the browser sees it; `undefined` if the target is not a path of this server. */
function urlOf(credentials: HttpCredentials): URL | undefined {
  try {
    return createClerkRequest(credentials.request).clerkUrl;
  } catch {
    return undefined;
  }
}

/** Whether the body is readable. Node decodes no transfer encoding other than `chunked`. */
function isBodyReadable({ headers }: IncomingMessage): boolean {
  const encoding = headers['transfer-encoding'];
  return encoding === undefined || encoding.trim().toLowerCase() === 'chunked';
}

/**
 * @throws ClerkRequestOptionsError if the application prevents it: a key is missing, or the body was already read
 * @throws ClerkUnavailableError if Clerk does not respond
 */
async function serve(call: FrontendApiCall): Promise<void> {
  const { incoming, response } = call;
  if (!hasKeys(call.options)) {
    // Clerk's own proxy would fall back to the keys in the environment, which belong to another instance.
    throw new ClerkRequestOptionsError(
      'resolveOptions must return a publishableKey and a secretKey for frontendApiProxy',
    );
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
