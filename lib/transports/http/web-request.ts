import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';

import { CLERK_HEADERS } from '../../authentication/cache/request-digest.js';
import type { HttpRequestLike } from './http-request.js';
import { isEncrypted, verifiedHeaders } from './forwarded.js';

/**
 * Converts a request of Express, Fastify or Node to the fetch `Request` that `clerk.authenticateRequest()` takes. The
 * body is not read. `X-Forwarded-Host` is dropped unless the application trusts its proxy: `app.set('trust proxy', …)`
 * of Express, `trustProxy` of Fastify.
 *
 * @throws TypeError if no `Request` can represent the request, or it would be for another host: the methods TRACE and
 * CONNECT, targets that are not a path of this server (`//host/…`, `http://host/…`), invalid header values
 * @example
 * ```ts
 * const state = await clerk.authenticateRequest(toWebRequest(request), { acceptsToken: 'any' });
 * ```
 * @see https://clerk.com/docs/reference/backend/authenticate-request
 */
export function toWebRequest(request: HttpRequestLike): Request {
  return webRequestWith(verifiedHeaders(request), request);
}

/**
 * Like {@link toWebRequest}, with headers that are already validated.
 * @throws TypeError see {@link toWebRequest}
 */
export function webRequestWith(verified: Readonly<IncomingHttpHeaders>, request: HttpRequestLike): Request {
  const origin = `${isEncrypted(request) ? 'https' : 'http'}://localhost`;
  const target = targetOf(request);
  const url = target?.startsWith('/') ? new URL(origin + target) : undefined;
  // Clerk resolves the path against the host again, and reads what follows "//" as the host. Check the parsed path,
  // because "/\host" and "/.//host" only become "//host" by parsing.
  if (!url || url.pathname.startsWith('//')) throw new TypeError('the request target is no path of this server');

  const headers = new Headers();
  for (const [name, value] of Object.entries(verified)) {
    // HTTP/2 has pseudo headers such as ":path". Its ":authority" is the "host" of HTTP/1.
    if (name === ':authority' && typeof value === 'string' && verified.host === undefined) {
      headers.set('host', value);
    }
    if (name.startsWith(':')) continue;
    // Node sets strings and lists of strings. Skip other values that middleware has set.
    for (const item of [value].flat()) if (typeof item === 'string') headers.append(name, item);
  }
  return new Request(url, { method: request.method, headers });
}

/** The target as the client sent it. */
export function targetOf(request: HttpRequestLike): string | undefined {
  try {
    return request.originalUrl ?? request.url;
  } catch (error) {
    // Fastify caches the target on its request, which throws if that is frozen. Node's request has the same target.
    const raw = rawOf(request) as HttpRequestLike;
    if (raw === request) throw error;
    return raw.originalUrl ?? raw.url;
  }
}

/**
 * The object that represents an HTTP request. For Fastify it is the raw Node request, unless the two have different
 * headers: a copy with its own headers counts as a request of its own.
 */
export function requestCarrierOf(request: HttpRequestLike): object {
  const raw = rawOf(request) as Partial<HttpRequestLike>;
  if (raw === request) return request;
  return request.headers === undefined || request.headers === raw.headers ? raw : request;
}

/** The Node request that Fastify's wraps. Other libraries may use `raw` for something else. */
export function rawOf(request: HttpRequestLike): object {
  // On Express, this costs less than to look up a property that does not exist.
  if (request instanceof IncomingMessage) return request;
  const raw = request.raw as { headers?: unknown; url?: unknown } | null | undefined;
  return typeof raw?.headers === 'object' && typeof raw.url === 'string' ? raw : request;
}

/**
 * Whether every header that Clerk reads is a string or absent, as Node guarantees. Middleware and serverless adapters
 * may set other values (a list, a number, an object with `toString()`), whose meaning is ambiguous, so such a request
 * is malformed. A list with one item is no exception.
 *
 * @throws the error of a getter among the headers
 */
export function areHeadersText(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  for (const name of CLERK_HEADERS) {
    const value = (headers as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'string' && value !== undefined && value !== null) return false;
  }
  return true;
}
