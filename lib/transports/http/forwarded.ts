import type { IncomingHttpHeaders } from 'node:http';

import type { HttpRequestLike } from './http-request.js';

const HOST = 'x-forwarded-host';
const PROTOCOL = 'x-forwarded-proto';
const CLOUDFRONT_PROTOCOL = 'cloudfront-forwarded-proto';

/** A host and maybe a port; no user, path or blank, of which a URL would make something else. */
const HOST_AND_PORT = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i;

/** What Express and Fastify know about the proxies in front of the application. */
interface ProxiedRequest extends HttpRequestLike {
  /** Express. */
  readonly app?: { readonly get?: unknown };
  /** Fastify; Node's request that it hands to middlewares has the name of the host alone. */
  readonly host?: unknown;
  readonly hostname?: unknown;
  /** Fastify: set where the application trusts some proxy. */
  readonly ips?: unknown;
}

/**
 * The headers of a request as Clerk sees them. Anyone can write forwarded headers, so what they say is checked:
 *
 * - `X-Forwarded-Host` counts where the application trusts the proxy that sent it (`trust proxy` of Express, `trustProxy`
 *   of Fastify), or where it makes one of the application's own origins.
 * - `X-Forwarded-Proto` counts where it says http or https: it changes no host.
 *
 * Of a list, the first value counts, as Clerk reads it.
 *
 * @param origins The origins that the application names (`authorizedParties`).
 */
export function verifiedHeaders(
  source: HttpRequestLike,
  origins: readonly string[] = [],
): Readonly<IncomingHttpHeaders> {
  const { headers } = source;
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

/** Whether the platform takes what the peer of this connection forwards for the truth, by the application's setting. */
function trustsProxy(source: ProxiedRequest): boolean {
  const { app, headers, host, hostname } = source;
  if (typeof app?.get === 'function') {
    const trust: unknown = app.get('trust proxy fn');
    const { remoteAddress } = (source.socket ?? {}) as { remoteAddress?: string };
    if (typeof trust === 'function') return Boolean(trust(remoteAddress, 0));
  }
  // Fastify does not tell whom it trusts, but which host it believes in: the last that was forwarded, or the request's own.
  if (!Array.isArray(source.ips)) return false;
  const isBelieved = (name: string | undefined) =>
    name !== undefined && (host === undefined ? nameOf(name) === hostname : name === host);
  return isBelieved(valuesIn(headers[HOST]).at(-1)) && !isBelieved(headers.host ?? authorityIn(headers));
}

/** HTTP/2's word for the host. */
function authorityIn(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** A host without its port, as Fastify cuts it off. */
function nameOf(host: string): string {
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] as string);
}
