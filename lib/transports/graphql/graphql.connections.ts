import { Injectable } from '@nestjs/common';

import { ClerkErrorCode } from '../../errors/error-codes.js';
import { isObject } from '../calls.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { disconnect } from '../websocket/sockets.js';
import { rawOf } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

/**
 * The close code for an expired token. On 4403 ("Forbidden" of graphql-ws) its clients reconnect; on 4401
 * ("Unauthorized") they give up.
 */
const RECONNECT = 4403;

type Properties = Readonly<Record<string, unknown>>;

/** Finds the WebSockets of GraphQL operations, and schedules when they close. */
@Injectable()
export class GraphqlConnections {
  /** The sockets by their upgrade request. */
  private readonly sockets = new WeakMap<object, object>();
  private readonly closings = new WeakMap<object, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  /** Closes the connection of a denied operation, after the client has received the error. */
  closeOnceAnswered(operation: GraphqlOperation): void {
    const socket = this.socketOf(operation);
    if (socket) setImmediate(disconnect, socket, RECONNECT, ClerkErrorCode.TokenExpired);
  }

  /**
   * Closes the connection of an operation after this many milliseconds. If called several times, the earliest time
   * wins.
   * @returns whether the connection was found
   */
  closeAfter(milliseconds: number, operation: GraphqlOperation): boolean {
    const socket = this.socketOf(operation);
    if (!socket) return false;
    const [planned, at] = [this.closings.get(socket), Date.now() + milliseconds];
    if (planned && planned.at <= at) return true;
    clearTimeout(planned?.timer);
    const timer = setTimeout(disconnect, milliseconds, socket, RECONNECT, ClerkErrorCode.TokenExpired);
    // unref: the timer must not keep the process alive.
    this.closings.set(socket, { at, timer: timer.unref() });
    const { once } = socket as { readonly once?: (event: string, listener: () => void) => unknown };
    once?.call(socket, 'close', () => clearTimeout(timer));
    return true;
  }

  /** The WebSocket of an operation; `undefined` for an HTTP request, or if the context does not lead to the socket. */
  private socketOf({ request, context, source }: GraphqlOperation): object | undefined {
    if (request) return undefined;
    const { extra, req, app } = context as Properties;
    const [fromContext] = [extra, propertyOf(req, 'extra')].map((one) => propertyOf(one, 'socket')).filter(isObject);
    if (fromContext) return fromContext;
    const cached = this.sockets.get(source);
    if (cached) return cached;
    const found = clientOf(propertyOf(app, 'websocketServer'), source);
    if (found) this.sockets.set(source, found);
    return found;
  }
}

/**
 * Mercurius does not expose the WebSocket, only its server. Finds the client that uses the network connection of the
 * request.
 */
function clientOf(server: unknown, request: object): object | undefined {
  const [clients, connection] = [
    propertyOf(server, 'clients'),
    propertyOf(rawOf(request as HttpRequestLike), 'socket'),
  ];
  if (!(clients instanceof Set) || !connection) return undefined;
  return [...(clients as Set<object>)].find((client) => propertyOf(client, '_socket') === connection);
}

function propertyOf(of: unknown, name: string): unknown {
  return isObject(of) ? (of as Properties)[name] : undefined;
}
