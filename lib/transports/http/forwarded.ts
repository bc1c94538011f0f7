import type { IncomingHttpHeaders } from 'node:http';

import type { HttpRequestLike } from './http-request.js';

const HOST = 'x-forwarded-host';
const PROTOCOL = 'x-forwarded-proto';
const CLOUDFRONT_PROTOCOL = 'cloudfront-forwarded-proto';

/** A host with an optional port. Excludes user info, paths and blanks, which would change the meaning of a URL. */
const HOST_AND_PORT = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i;

/** The properties by which Express and Fastify expose proxy information. */
interface ProxiedRequest extends HttpRequestLike {
  /** Express. */
  readonly app?: { readonly get?: unknown };
  /** Fastify. The Node request that its middleware receives has `hostname` only. */
  readonly host?: unknown;
  readonly hostname?: unknown;
  /** Fastify: set if the application trusts a proxy. */
  readonly ips?: unknown;
}

/**
 * The headers of a request as Clerk sees them. Anyone can send forwarded headers, so they are validated:
 *
 * - `X-Forwarded-Host` is kept if the application trusts the proxy that sent it (`trust proxy` of Express, `trustProxy`
 *   of Fastify), or if it results in one of the application's own origins.
 * - `X-Forwarded-Proto` is kept if it is http or https, because it does not change the host.
 *
 * Of a list, the first value is used, as Clerk does.
 *
 * @param origins The application's own origins (`authorizedParties`).
 * @param headers Those of the request, if they were read already.
 */
export function verifiedHeaders(
  source: HttpRequestLike,
  origins: readonly string[] = [],
  headers: Readonly<IncomingHttpHeaders> = source.headers,
): Readonly<IncomingHttpHeaders> {
  if (headers[HOST] === undefined && headers[PROTOCOL] === undefined && headers[CLOUDFRONT_PROTOCOL] === undefined) {
    return headers;
  }
  const { [HOST]: _host, [PROTOCOL]: _protocol, [CLOUDFRONT_PROTOCOL]: _cloudfront, ...others } = headers;
  const protocol = protocolIn(headers[PROTOCOL]);
  const cloudfrontProtocol = protocolIn(headers[CLOUDFRONT_PROTOCOL]);
  const host = forwardedHost(source, protocol ?? (isEncrypted(source) ? 'https' : 'http'), origins);
  return {
    ...others,
    ...(host === undefined ? {} : { [HOST]: host }),
    ...(protocol === undefined ? {} : { [PROTOCOL]: protocol }),
    ...(cloudfrontProtocol === undefined ? {} : { [CLOUDFRONT_PROTOCOL]: cloudfrontProtocol }),
  };
}

/** Whether the connection itself is encrypted. */
export function isEncrypted(source: HttpRequestLike): boolean {
  const socket = (source.raw ?? source).socket as { encrypted?: boolean } | null | undefined;
  return socket?.encrypted === true;
}

function forwardedHost(source: HttpRequestLike, protocol: string, origins: readonly string[]): string | undefined {
  const host = valuesIn(source.headers[HOST])[0] as string;
  const url = `${protocol}://${host}`;
  if (!HOST_AND_PORT.test(host) || !URL.canParse(url)) return undefined;
  return origins.includes(new URL(url).origin) || trustsProxy(source) ? host : undefined;
}

function protocolIn(header: string | string[] | undefined): 'http' | 'https' | undefined {
  const protocol = valuesIn(header)[0]?.toLowerCase();
  return protocol === 'http' || protocol === 'https' ? protocol : undefined;
}

function valuesIn(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((value) => value.trim());
}

/** Whether the application's settings trust the forwarded headers of this connection's peer. */
function trustsProxy(source: ProxiedRequest): boolean {
  const { app, headers, host, hostname } = source;
  if (typeof app?.get === 'function') {
    const trust: unknown = app.get('trust proxy fn');
    const { remoteAddress } = (source.socket ?? {}) as { remoteAddress?: string };
    if (typeof trust === 'function') return Boolean(trust(remoteAddress, 0));
  }
  // Fastify does not expose which proxies it trusts, but `host` is the last forwarded host if it does, else the
  // request's own.
  if (!Array.isArray(source.ips)) return false;
  const isTrusted = (name: string | undefined) =>
    name !== undefined && (host === undefined ? nameOf(name) === hostname : name === host);
  return isTrusted(valuesIn(headers[HOST]).at(-1)) && !isTrusted(headers.host ?? authorityIn(headers));
}

/** The host of an HTTP/2 request. */
function authorityIn(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** A host without its port, in the same way as Fastify. */
function nameOf(host: string): string {
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] as string);
}
