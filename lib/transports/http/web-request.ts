import type { IncomingHttpHeaders } from 'node:http';

import type { HttpRequestLike } from './http-request.js';
import { isEncrypted, verifiedHeaders } from './forwarded.js';

/**
 * A request of Express, Fastify or Node as the fetch `Request` that `clerk.authenticateRequest()` takes. The body is
 * left alone. `X-Forwarded-Host` is dropped unless the application trusts its proxy: `app.set('trust proxy', …)` of
 * Express, `trustProxy` of Fastify.
 *
 * @throws TypeError for what no `Request` can stand for, or stands for another host: the methods TRACE and CONNECT,
 * targets that are no path of this server (`//host/…`, `http://host/…`), header values outside of HTTP.
 * @example
 * const state = await clerk.authenticateRequest(toWebRequest(request), { acceptsToken: 'any' });
 */
export function toWebRequest(request: HttpRequestLike): Request {
  return webRequestWith(verifiedHeaders(request), request);
}

/**
 * The same with headers that were looked through already.
 * @throws TypeError see {@link toWebRequest}.
 */
export function webRequestWith(verified: Readonly<IncomingHttpHeaders>, request: HttpRequestLike): Request {
  const origin = `${isEncrypted(request) ? 'https' : 'http'}://localhost`;
  const target = targetOf(request);
  const url = target?.startsWith('/') ? new URL(origin + target) : undefined;
  // Clerk resolves the path against the host once more, and takes what follows "//" for the host. The parsed path
  // tells: "/\host" and "/.//host" only become "//host" by parsing.
  if (!url || url.pathname.startsWith('//')) throw new TypeError('the request target is no path of this server');

  const headers = new Headers();
  for (const [name, value] of Object.entries(verified)) {
    // HTTP/2 has pseudo headers such as ":path"; its ":authority" is what HTTP/1 calls "host".
    if (name === ':authority' && typeof value === 'string' && verified.host === undefined) {
      headers.set('host', value);
    }
    if (name.startsWith(':')) continue;
    // Node gives text, and lists of it; whatever else a middleware has put there is none.
    for (const item of [value].flat()) if (typeof item === 'string') headers.append(name, item);
  }
  return new Request(url, { method: request.method, headers });
}

/** The target as the client sent it. */
export function targetOf(request: HttpRequestLike): string | undefined {
  try {
    return request.originalUrl ?? request.url;
  } catch (error) {
    // Fastify notes it on its request, which throws where that is frozen. Node's has the same.
    const raw = rawOf(request) as HttpRequestLike;
    if (raw === request) throw error;
    return raw.originalUrl ?? raw.url;
  }
}

/**
 * The object that stands for an HTTP request. Fastify's stands for Node's as long as it presents the same; a copy of it
 * with headers of its own is a request of its own.
 */
export function requestCarrierOf(request: HttpRequestLike): object {
  const raw = rawOf(request) as Partial<HttpRequestLike>;
  return request.headers === undefined || request.headers === raw.headers ? raw : request;
}

/** Fastify's request wraps Node's; what others keep under that name is something else. */
export function rawOf(request: HttpRequestLike): object {
  const raw = request.raw as { headers?: unknown; url?: unknown } | null | undefined;
  return typeof raw?.headers === 'object' && typeof raw.url === 'string' ? raw : request;
}
