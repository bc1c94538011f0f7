import { Injectable } from '@nestjs/common';

import { ClerkErrorCode } from '../../errors/error-codes.js';
import { isObject } from '../calls.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { disconnect } from '../websocket/sockets.js';
import { rawOf } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

/**
 * The code that a connection with an expired token is closed with: "Forbidden" of graphql-ws, on which its clients
 * reconnect. After 4401 ("Unauthorized") they give up.
 */
const RECONNECT = 4403;

type Properties = Readonly<Record<string, unknown>>;

/** The WebSockets that operations come over, and when they are closed. */
@Injectable()
export class GraphqlConnections {
  /** By the request that opened them. */
  private readonly sockets = new WeakMap<object, object>();
  private readonly closings = new WeakMap<object, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  /** Closes the connection of an operation that is being refused, once the client has been told why. */
  closeOnceAnswered(operation: GraphqlOperation): void {
    const socket = this.socketOf(operation);
    if (socket) setImmediate(disconnect, socket, RECONNECT, ClerkErrorCode.TokenExpired);
  }

  /**
   * Closes the connection of an operation after this many milliseconds; of several times the earliest counts.
   * @returns whether the connection was found.
   */
  closeAfter(milliseconds: number, operation: GraphqlOperation): boolean {
    const socket = this.socketOf(operation);
    if (!socket) return false;
    const [planned, at] = [this.closings.get(socket), Date.now() + milliseconds];
    if (planned && planned.at <= at) return true;
    clearTimeout(planned?.timer);
    const timer = setTimeout(disconnect, milliseconds, socket, RECONNECT, ClerkErrorCode.TokenExpired);
    // It is no reason for the process to stay.
    this.closings.set(socket, { at, timer: timer.unref() });
    const { once } = socket as { readonly once?: (event: string, listener: () => void) => unknown };
    once?.call(socket, 'close', () => clearTimeout(timer));
    return true;
  }

  /** The WebSocket of an operation; none where it came with an HTTP request, or its context does not lead there. */
  private socketOf({ request, context, source }: GraphqlOperation): object | undefined {
    if (request) return undefined;
    const { extra, req, app } = context as Properties;
    const [handed] = [extra, propertyOf(req, 'extra')].map((one) => propertyOf(one, 'socket')).filter(isObject);
    if (handed) return handed;
    const known = this.sockets.get(source);
    if (known) return known;
    const found = clientOf(propertyOf(app, 'websocketServer'), source);
    if (found) this.sockets.set(source, found);
    return found;
  }
}

/**
 * Mercurius keeps the WebSocket to itself, but for the server that it belongs to: the one over the network connection of
 * the request is looked for.
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
