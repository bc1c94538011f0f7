import type { IncomingHttpHeaders } from 'node:http';

import { flatCopy } from '../../authentication/cache/flat-copy.js';
import type { WebSocketOptions } from '../../options/transport-types.js';
import type { HttpRequestLike } from '../http/http-request.js';

/** Stores the state of a socket. A symbol, so no message can overwrite it; the state is freed with the socket. */
const SOCKET_STATE = Symbol.for('nest-clerk:socket');

/** The state of an open socket. It never contains an identity: each message is authenticated again. */
interface SocketState {
  /** The upgrade request of a `ws` socket, which does not hold it itself. */
  request?: HttpRequestLike;
  /** The refreshed token, which replaces the credentials of the handshake. */
  token?: string;
  /** The user that the credentials of this socket signed in. It never changes to another user. */
  subject?: string;
  /**
   * The token in the subprotocols or query of the request, if the options allow it. Cached, because each message needs
   * it.
   */
  inRequest?: { readonly token: string | undefined };
}

/** The properties read from a socket of socket.io. */
interface SocketIoLike {
  readonly handshake?: {
    readonly auth?: { readonly token?: unknown } | null;
    readonly headers?: IncomingHttpHeaders;
    readonly query?: Readonly<Record<string, unknown>>;
  };
  readonly request?: HttpRequestLike;
}

/** The mutable state of this socket. */
export function socketState(client: object): SocketState {
  // An object in the prototype chain may have the state of another socket.
  if (Object.hasOwn(client, SOCKET_STATE)) return (client as { readonly [SOCKET_STATE]: SocketState })[SOCKET_STATE];
  const state: SocketState = {};
  // A frozen socket stores nothing, so its handshake credentials are used.
  Reflect.defineProperty(client, SOCKET_STATE, { value: state, enumerable: false });
  return state;
}

/** The upgrade request of the socket; an empty request if it is unknown. */
export function requestOf(client: object): HttpRequestLike {
  const { request, handshake } = client as SocketIoLike;
  return socketState(client).request ?? (handshake ? request : undefined) ?? { headers: {} };
}

/**
 * The credentials of a socket as HTTP headers. In order of precedence: the refreshed token, `auth.token`, the
 * Authorization header, the subprotocol or query parameter that the options name.
 *
 * Cookies count only if the page that opened the socket is an allowed origin, because browsers send them for any page.
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

/** Clients may send a token with or without its scheme. */
export function withScheme(token: string): string {
  return token.startsWith('Bearer ') ? token : `Bearer ${token}`;
}

function asToken(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function tokenInRequest(client: object, { tokenSubprotocol, tokenParameter }: WebSocketOptions): string | undefined {
  const { handshake } = client as SocketIoLike;
  if (handshake) return tokenParameter ? asToken(handshake.query?.[tokenParameter]) : undefined;
  const state = socketState(client);
  if (state.inRequest || !state.request || (!tokenSubprotocol && !tokenParameter)) return state.inRequest?.token;
  const token =
    (tokenSubprotocol && tokenAmongProtocols(client, state.request, tokenSubprotocol)) ||
    (tokenParameter && tokenInQuery(state.request, tokenParameter));
  // Copy the token, because a substring keeps the whole header in memory.
  state.inRequest = { token: asToken(flatCopy(token ?? '')) };
  return state.inRequest.token;
}

function tokenInQuery(request: HttpRequestLike, parameter: string): string | undefined {
  const url: unknown = request.url;
  return typeof url === 'string' ? new URLSearchParams(url.split('?')[1]).getAll(parameter).at(-1) : undefined;
}

/**
 * The subprotocol that follows the named one. It is ignored if the server selected it: the response then contains it,
 * which proxies and developer tools show.
 */
function tokenAmongProtocols(client: object, request: HttpRequestLike, name: string): string | undefined {
  const header: unknown = request.headers['sec-websocket-protocol'];
  if (typeof header !== 'string') return undefined;
  const offered = header.split(',').map((protocol) => protocol.trim());
  const token = offered.includes(name) ? offered[offered.indexOf(name) + 1] : undefined;
  return token === (client as { readonly protocol?: unknown }).protocol ? undefined : token;
}

/** Emits `exception` on a socket.io socket before it closes. For `ws`, the close frame has the reason. */
export function emitException(client: object, body: object): void {
  const { handshake, emit } = client as SocketIoLike & { emit?: (event: string, body: object) => unknown };
  if (handshake) emit?.call(client, 'exception', body);
}

/**
 * Closes a socket of either library.
 * @param code The close code, for `ws` only.
 * @see RFC 6455, section 7.4
 */
export function disconnect(client: object, code: number, reason: string): void {
  const { disconnect, close } = client as {
    disconnect?: (close: boolean) => unknown;
    close?: (code: number, reason: string) => unknown;
  };
  if (typeof disconnect === 'function') disconnect.call(client, true);
  else close?.call(client, code, reason);
}
