import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

import { fapiUrlFromPublishableKey } from '@clerk/backend/proxy';

import { locationFrom } from '../authentication/lanes/own-location.js';
import { ClerkUnavailableError } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/** What belongs to one connection and is never handed on. @see RFC 9110, section 7.6.1 */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** What this server says to Clerk by itself: which instance it speaks for, and where the client is. */
const OURS =
  /^(host|expect|accept-encoding|forwarded|x-forwarded-.*|x-real-ip|x-client-ip|(cf-connecting|true-client)-ip)$/;

/** Of an answer that fetch has decoded, these no longer hold. */
const DECODED = ['content-encoding', 'content-length'];

/** One request to Clerk's Frontend API. */
export interface FrontendApiCall {
  readonly options: Pick<ResolvedClerkOptions, 'publishableKey' | 'secretKey' | 'timeoutInMs'>;
  /** The path that the Frontend API is under on this server, without a slash at its end. */
  readonly path: string;
  /** The URL of the request, as the browser sees it. */
  readonly url: URL;
  readonly incoming: IncomingMessage & { readonly ip?: string };
  readonly response: ServerResponse;
}

/** Whether a request announces a body that can be handed on; with GET and HEAD, none has a meaning. */
export function carriesBody({ method, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Asks Clerk's Frontend API what a client asked this server, under the protocol of Clerk's own proxy. The call ends with
 * its client; until the answer begins, it may take `timeoutInMs` from when all of the request has been read.
 *
 * @throws ClerkUnavailableError where there is no answer.
 */
export async function askFrontendApi(call: FrontendApiCall): Promise<Response> {
  const { incoming, response, options } = call;
  const hasBody = carriesBody(incoming);
  const ended = new AbortController();
  response.once('close', () => ended.abort());
  let deadline: NodeJS.Timeout | undefined;
  const expectAnswer = () => {
    const late = new ClerkUnavailableError(`The Frontend API gave no answer within ${options.timeoutInMs} ms`);
    deadline = setTimeout(() => ended.abort(late), options.timeoutInMs);
  };
  if (hasBody) incoming.once('end', expectAnswer);
  else expectAnswer();
  try {
    return await fetch(targetOf(call), {
      method: incoming.method,
      headers: headersTo(call, hasBody),
      redirect: 'manual',
      signal: ended.signal,
      // The connection has to outlive a body that nobody wants to read on: the client is still to be answered.
      ...(hasBody ? { body: incoming.iterator({ destroyOnReturn: false }) as never, duplex: 'half' } : {}),
    });
  } catch (cause) {
    throw cause instanceof ClerkUnavailableError
      ? cause
      : new ClerkUnavailableError('The Frontend API gave no answer', { cause });
  } finally {
    incoming.off('end', expectAnswer);
    clearTimeout(deadline);
  }
}

/** The headers of Clerk's answer that are for the client. */
export function headersFrom(answer: Response, call: FrontendApiCall): Headers {
  const headers = new Headers(answer.headers);
  for (const name of [...namesOfConnection(headers.get('connection')), ...DECODED]) headers.delete(name);
  const location = headers.get('location');
  const target = targetOf(call).href;
  if (location && URL.canParse(location, target))
    headers.set('location', redirectFrom(new URL(location, target), call));
  return headers;
}

/** Clerk knows nothing of the path that it is under on this server. */
function redirectFrom(location: URL, call: FrontendApiCall): string {
  const { pathname, search, hash } = location;
  const isClerk = location.origin === targetOf(call).origin;
  return locationFrom(call.url, isClerk ? new URL(call.path + pathname + search + hash, call.url) : location);
}

function targetOf({ options, path, url }: FrontendApiCall): URL {
  const frontendApi = process.env.CLERK_FAPI_URL || fapiUrlFromPublishableKey(options.publishableKey);
  return new URL(frontendApi.replace(/\/$/, '') + (url.pathname.slice(path.length) || '/') + url.search);
}

function headersTo({ incoming, options, path, url }: FrontendApiCall, hasBody: boolean): Headers {
  const headers = new Headers();
  const dropped = [...namesOfConnection(incoming.headers.connection), ...(hasBody ? [] : ['content-length'])];
  for (const [name, value] of sent(incoming.headers)) {
    if (!dropped.includes(name) && !OURS.test(name)) headers.append(name, value);
  }
  headers.set('Clerk-Secret-Key', options.secretKey);
  headers.set('Clerk-Proxy-Url', url.origin + path);
  headers.set('X-Forwarded-Host', url.host);
  headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  // Express and Fastify tell whose address it is, by the proxies that the application trusts.
  const address = incoming.ip ?? incoming.socket.remoteAddress;
  if (address) headers.set('X-Forwarded-For', address);
  // Whatever is encoded, fetch would decode.
  headers.set('Accept-Encoding', 'identity');
  return headers;
}

/** Every header that is one of HTTP/1, and no pseudo header of HTTP/2. */
function sent(headers: IncomingHttpHeaders): (readonly [string, string])[] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? []].flat().map((item) => [name, item] as const));
}

/** The headers that are about the connection: those that always are, and those that it names. */
function namesOfConnection(connection: string | null | undefined): string[] {
  const named = (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...HOP_BY_HOP, ...named.filter((name) => name !== '')];
}
