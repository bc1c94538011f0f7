import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

import { fapiUrlFromPublishableKey } from '@clerk/backend/proxy';

import { toLocation } from '../authentication/lanes/relative-location.js';
import { ClerkUnavailableError } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/**
 * Hop-by-hop headers, which are never forwarded.
 * @see RFC 9110, section 7.6.1
 */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** Headers that this proxy sets itself, or must not forward: the host, forwarding and client address headers. */
const SET_BY_PROXY =
  /^(host|expect|accept-encoding|forwarded|x-forwarded-.*|x-real-ip|x-client-ip|(cf-connecting|true-client)-ip)$/;

/** Headers that are invalid once fetch has decoded the response body. */
const INVALID_ONCE_DECODED = ['content-encoding', 'content-length'];

/** One request to Clerk's Frontend API. */
export interface FrontendApiCall {
  readonly options: Pick<ResolvedClerkOptions, 'publishableKey' | 'secretKey' | 'timeoutInMs'>;
  /** The path that the Frontend API is served under, without a trailing slash. */
  readonly path: string;
  /** The URL of the request, as the browser sees it. */
  readonly url: URL;
  readonly incoming: IncomingMessage & { readonly ip?: string };
  readonly response: ServerResponse;
}

/** Whether a request announces a body to forward. Bodies of GET and HEAD requests have no meaning and are dropped. */
export function carriesBody({ method, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Forwards a request to Clerk's Frontend API, with the protocol of Clerk's own proxy. Aborts when the client
 * disconnects. The response must begin within `timeoutInMs` after the request body has been read.
 *
 * @throws ClerkUnavailableError if there is no response
 */
export async function askFrontendApi(call: FrontendApiCall): Promise<Response> {
  const { incoming, response, options } = call;
  const hasBody = carriesBody(incoming);
  const aborted = new AbortController();
  response.once('close', () => aborted.abort());
  let timer: NodeJS.Timeout | undefined;
  const startTimeout = () => {
    const timeoutError = new ClerkUnavailableError(`The Frontend API gave no answer within ${options.timeoutInMs} ms`);
    timer = setTimeout(() => aborted.abort(timeoutError), options.timeoutInMs);
  };
  if (hasBody) incoming.once('end', startTimeout);
  else startTimeout();
  try {
    return await fetch(targetOf(call), {
      method: incoming.method,
      headers: headersTo(call, hasBody),
      redirect: 'manual',
      signal: aborted.signal,
      // Keep the connection open if fetch stops reading the body, because the client still needs a response.
      ...(hasBody ? { body: incoming.iterator({ destroyOnReturn: false }) as never, duplex: 'half' } : {}),
    });
  } catch (cause) {
    throw cause instanceof ClerkUnavailableError
      ? cause
      : new ClerkUnavailableError('The Frontend API gave no answer', { cause });
  } finally {
    incoming.off('end', startTimeout);
    clearTimeout(timer);
  }
}

/** The headers of Clerk's response to forward to the client. */
export function headersFrom(answer: Response, call: FrontendApiCall): Headers {
  const headers = new Headers(answer.headers);
  for (const name of [...hopByHopHeaders(headers.get('connection')), ...INVALID_ONCE_DECODED]) headers.delete(name);
  const location = headers.get('location');
  const target = targetOf(call).href;
  if (location && URL.canParse(location, target))
    headers.set('location', redirectFrom(new URL(location, target), call));
  return headers;
}

/** Adds the proxy path to redirects within the Frontend API. Clerk does not know that path. */
function redirectFrom(location: URL, call: FrontendApiCall): string {
  const { pathname, search, hash } = location;
  const isClerk = location.origin === targetOf(call).origin;
  return toLocation(call.url, isClerk ? new URL(call.path + pathname + search + hash, call.url) : location);
}

function targetOf({ options, path, url }: FrontendApiCall): URL {
  const frontendApi = process.env.CLERK_FAPI_URL || fapiUrlFromPublishableKey(options.publishableKey);
  return new URL(frontendApi.replace(/\/$/, '') + (url.pathname.slice(path.length) || '/') + url.search);
}

function headersTo({ incoming, options, path, url }: FrontendApiCall, hasBody: boolean): Headers {
  const headers = new Headers();
  const dropped = [...hopByHopHeaders(incoming.headers.connection), ...(hasBody ? [] : ['content-length'])];
  for (const [name, value] of headerEntries(incoming.headers)) {
    if (!dropped.includes(name) && !SET_BY_PROXY.test(name)) headers.append(name, value);
  }
  headers.set('Clerk-Secret-Key', options.secretKey);
  headers.set('Clerk-Proxy-Url', url.origin + path);
  headers.set('X-Forwarded-Host', url.host);
  headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  // Express and Fastify derive `ip` from the proxies that the application trusts.
  const address = incoming.ip ?? incoming.socket.remoteAddress;
  if (address) headers.set('X-Forwarded-For', address);
  // fetch would decode an encoded response.
  headers.set('Accept-Encoding', 'identity');
  return headers;
}

/** The HTTP/1 headers as name and value pairs, without the pseudo headers of HTTP/2. */
function headerEntries(headers: IncomingHttpHeaders): (readonly [string, string])[] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? []].flat().map((item) => [name, item] as const));
}

/** The hop-by-hop headers: the standard ones and those that the Connection header names. */
function hopByHopHeaders(connection: string | null | undefined): string[] {
  const named = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...HOP_BY_HOP, ...named.filter((name) => name !== '')];
}
