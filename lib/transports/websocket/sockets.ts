import type { IncomingHttpHeaders } from 'node:http';

import { flatCopy } from '../../authentication/cache/flat-copy.js';
import type { WebSocketOptions } from '../../options/option-types.js';
import type { HttpRequestLike } from '../http/http-request.js';

/** Where this library keeps what it knows of a socket: no message can write there, and it goes when the socket goes. */
const SOCKET_STATE = Symbol.for('nest-clerk:socket');

/** What is kept on an open socket. Never who is signed in: every message is judged anew. */
interface SocketState {
  /** The upgrade request of a `ws` socket, which does not know it by itself. */
  request?: HttpRequestLike;
  /** Handed in on the open socket, in place of what the handshake brought. */
  token?: string;
  /** Whom the credentials of this socket signed in: it never becomes anybody else's. */
  subject?: string;
  /** The token that the options let that request's subprotocols or query hold; read once, since each message asks. */
  inRequest?: { readonly token: string | undefined };
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
export function socketState(client: object): SocketState {
  // What a socket derives from keeps another one's.
  if (Object.hasOwn(client, SOCKET_STATE)) return (client as { readonly [SOCKET_STATE]: SocketState })[SOCKET_STATE];
  const kept: SocketState = {};
  // A frozen socket keeps nothing, and presents what its handshake brought.
  Reflect.defineProperty(client, SOCKET_STATE, { value: kept, enumerable: false });
  return kept;
}

/** The request that opened the socket; an empty one where nobody told. */
export function requestOf(client: object): HttpRequestLike {
  const { request, handshake } = client as SocketIoLike;
  return socketState(client).request ?? (handshake ? request : undefined) ?? { headers: {} };
}

/**
 * What a socket presents, in the words of HTTP: the token that was handed in last, else `auth.token`, else the
 * Authorization header, else the subprotocol or the query parameter that the options name. Cookies count only where the page that opened
 * the socket is one of the application's: browsers send them for any page.
 */
export function credentialHeaders(client: object, options: WebSocketOptions): IncomingHttpHeaders {
  const { handshake } = client as SocketIoLike;
  const headers = (handshake ?? requestOf(client)).headers ?? {};
  const token = socketState(client).token ?? asToken(handshake?.auth?.token);
  if (token !== undefined) return { authorization: withScheme(token) };
  const { authorization, cookie, origin, host } = headers;
  if (authorization) return { authorization };
  const inRequest = tokenInRequest(client, options);
  if (inRequest) return { authorization: `Bearer ${inRequest}` };
  return cookie && origin && options.allowedOrigins?.includes(origin) ? { cookie, origin, host } : {};
}

/** A client may send a token as it is, or as in the header. */
export function withScheme(token: string): string {
  return token.startsWith('Bearer ') ? token : `Bearer ${token}`;
}

function asToken(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function tokenInRequest(client: object, { tokenSubprotocol, tokenParameter }: WebSocketOptions): string | undefined {
  const { handshake } = client as SocketIoLike;
  if (handshake) return tokenParameter ? asToken(handshake.query?.[tokenParameter]) : undefined;
  const kept = socketState(client);
  if (kept.inRequest || !kept.request || (!tokenSubprotocol && !tokenParameter)) return kept.inRequest?.token;
  const token =
    (tokenSubprotocol && tokenAmongProtocols(client, kept.request, tokenSubprotocol)) ||
    (tokenParameter && tokenInQuery(kept.request, tokenParameter));
  // A copy: it is a part of something longer.
  kept.inRequest = { token: asToken(flatCopy(token ?? '')) };
  return kept.inRequest.token;
}

function tokenInQuery(request: HttpRequestLike, parameter: string): string | undefined {
  const url: unknown = request.url;
  return typeof url === 'string' ? new URLSearchParams(url.split('?')[1]).getAll(parameter).at(-1) : undefined;
}

/**
 * The subprotocol that was offered right after the named one. One that the server has chosen is none: it was sent back in
 * the answer, where proxies and developer tools show it.
 */
function tokenAmongProtocols(client: object, request: HttpRequestLike, name: string): string | undefined {
  const header: unknown = request.headers['sec-websocket-protocol'];
  if (typeof header !== 'string') return undefined;
  const offered = header.split(',').map((protocol) => protocol.trim());
  const token = offered.includes(name) ? offered[offered.indexOf(name) + 1] : undefined;
  return token === (client as { readonly protocol?: unknown }).protocol ? undefined : token;
}

/** Tells a socket of socket.io something before it is closed; `ws` says why with the close itself. */
export function emitException(client: object, body: object): void {
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
