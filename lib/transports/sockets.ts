import type { IncomingHttpHeaders } from 'node:http';

import { flatCopy } from '../authentication/flat-copy.js';
import type { WebSocketOptions } from '../options/option-types.js';
import type { HttpRequestLike } from './web-request.js';

/** Where this library keeps what it knows of a socket: no message can write there, and it goes when the socket goes. */
const KEPT = Symbol.for('nest-clerk:socket');

/** What is kept on an open socket. Never who is signed in: every message is judged anew. */
interface Kept {
  /** The upgrade request of a `ws` socket, which does not know it by itself. */
  request?: HttpRequestLike;
  /** Handed in on the open socket, in place of what the handshake brought. */
  token?: string;
  /** Whom the credentials of this socket signed in: it never becomes anybody else's. */
  subject?: string;
  /** What the query of that request held under the name that the options give; read once, since each message asks. */
  inQuery?: { readonly token: string | undefined };
}

/** What is read of a socket of socket.io. */
interface SocketIoLike {
  readonly handshake?: {
    readonly auth?: { readonly token?: unknown } | null;
    readonly headers?: IncomingHttpHeaders;
    readonly query?: Readonly<Record<string, unknown>>;
  };
  readonly request?: HttpRequestLike;
}

/** What is kept on this socket; to be written to. */
export function keptOn(client: object): Kept {
  // What a socket derives from keeps another one's.
  if (Object.hasOwn(client, KEPT)) return (client as { readonly [KEPT]: Kept })[KEPT];
  const kept: Kept = {};
  // A frozen socket keeps nothing, and presents what its handshake brought.
  Reflect.defineProperty(client, KEPT, { value: kept, enumerable: false });
  return kept;
}

/** The request that opened the socket; an empty one where nobody told. */
export function requestOf(client: object): HttpRequestLike {
  const { request, handshake } = client as SocketIoLike;
  return keptOn(client).request ?? (handshake ? request : undefined) ?? { headers: {} };
}

/**
 * What a socket presents, in the words of HTTP: the token that was handed in last, else `auth.token`, else the
 * Authorization header, else the query parameter that the options name. Cookies count only where the page that opened
 * the socket is one of the application's: browsers send them for any page.
 */
export function presentedBy(client: object, options: WebSocketOptions): IncomingHttpHeaders {
  const { handshake } = client as SocketIoLike;
  const headers = (handshake ?? requestOf(client)).headers ?? {};
  const token = keptOn(client).token ?? asToken(handshake?.auth?.token);
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const { authorization, cookie, origin, host } = headers;
  if (authorization) return { authorization };
  const inQuery = options.tokenParameter && tokenInQuery(client, options.tokenParameter);
  if (inQuery) return { authorization: `Bearer ${inQuery}` };
  return cookie && origin && options.allowedOrigins?.includes(origin) ? { cookie, origin, host } : {};
}

function asToken(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function tokenInQuery(client: object, parameter: string): string | undefined {
  const { handshake } = client as SocketIoLike;
  if (handshake) return asToken(handshake.query?.[parameter]);
  const url: unknown = requestOf(client).url;
  if (typeof url !== 'string') return undefined;
  const kept = keptOn(client);
  kept.inQuery ??= { token: asToken(flatCopy(new URLSearchParams(url.split('?')[1]).getAll(parameter).at(-1) ?? '')) };
  return kept.inQuery.token;
}

/** Tells a socket of socket.io something before it is closed; `ws` says why with the close itself. */
export function tell(client: object, body: object): void {
  const { handshake, emit } = client as SocketIoLike & { emit?: (event: string, body: object) => unknown };
  if (handshake) emit?.call(client, 'exception', body);
}

/** Closes a socket of either library. @param code For `ws`; see RFC 6455, section 7.4. */
export function disconnect(client: object, code: number, reason: string): void {
  const { disconnect, close } = client as {
    disconnect?: (close: boolean) => unknown;
    close?: (code: number, reason: string) => unknown;
  };
  if (typeof disconnect === 'function') disconnect.call(client, true);
  else close?.call(client, code, reason);
}
