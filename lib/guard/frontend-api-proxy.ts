import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

import { createClerkRequest } from '@clerk/backend/internal';
import { clerkFrontendApiProxy } from '@clerk/backend/proxy';
import type { INestApplicationContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/clerk-instances.js';
import { proxyPathFor } from '../authentication/request-options.js';
import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { toWebRequest } from '../transports/web-request.js';
import { putHeaders } from './put-headers.js';

/**
 * Serves Clerk's Frontend API under the path of the option `frontendApiProxy`. A line of main.ts, since a module's own
 * middleware runs after the body parsers, and bodies have to reach Clerk byte for byte.
 *
 * @throws ClerkConfigurationError where the option is not set.
 * @example
 * const app = await NestFactory.create(AppModule);
 * app.use(frontendApiProxy(app));
 * await app.listen(3000);
 * @see https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
 */
export function frontendApiProxy(app: INestApplicationContext) {
  const options = app.get<ResolvedClerkOptions>(CLERK_OPTIONS);
  const instances = app.get(ClerkInstances);
  if (!options.frontendApiProxy) {
    throw new ClerkConfigurationError([
      'frontendApiProxy() is used in main.ts: set the option frontendApiProxy as well.',
    ]);
  }

  return async (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): Promise<void> => {
    const { path } = options.frontendApiProxy as { path: string };
    // What a server receives has a URL.
    const url = request.url as string;
    // `[/?]` or the end: "/__clerks" is another path.
    if (!url.startsWith(path) || !/^([/?]|$)/.test(url.slice(path.length))) return next();
    try {
      const webRequest = toWebRequest(request);
      const proxyPath = proxyPathFor(options, createClerkRequest(webRequest).clerkUrl);
      if (proxyPath === undefined) return next();

      const { options: own } = await instances.for(request);
      const { publishableKey, secretKey } = own;
      await send(
        await clerkFrontendApiProxy(withBody(webRequest, request), { proxyPath, publishableKey, secretKey }),
        response,
      );
    } catch (error) {
      next(error);
    }
  };
}

/** The request with the body that is still to be read from the socket. */
function withBody(request: Request, incoming: IncomingMessage): Request {
  const { host = 'localhost' } = incoming.headers;
  const { protocol, pathname, search } = new URL(request.url);
  const hasBody =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  return new Request(`${protocol}//${host}${pathname}${search}`, {
    method: request.method,
    headers: request.headers,
    ...(hasBody ? { body: Readable.toWeb(incoming) as RequestInit['body'], duplex: 'half' } : {}),
  });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status;
  putHeaders(answer.headers, response);
  if (answer.body) await pipeline(Readable.fromWeb(answer.body as ReadableStream), response);
  else response.end();
}
