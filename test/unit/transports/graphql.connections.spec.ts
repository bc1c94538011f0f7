import { EventEmitter } from 'node:events';

import { GraphqlConnections } from '../../../lib/transports/graphql/graphql.connections.js';
import type { GraphqlOperation } from '../../../lib/transports/graphql/graphql.operation.js';

/** A WebSocket that notes how it is closed. */
class Socket extends EventEmitter {
  readonly closed: unknown[] = [];
  close(...how: unknown[]) {
    this.closed.push(how);
  }
}

const CLOSED = [[4403, 'token-expired']];
const operationOf = (context: object, more: object = {}) =>
  ({ context, source: context, request: undefined, ...more }) as unknown as GraphqlOperation;

describe('GraphqlConnections', () => {
  let connections: GraphqlConnections;
  beforeEach(() => {
    jest.useFakeTimers();
    connections = new GraphqlConnections();
  });
  afterEach(() => jest.useRealTimers());

  it.each<[string, (socket: object) => GraphqlOperation]>([
    ['extra of the context', (socket) => operationOf({ extra: { socket } })],
    ['the context of graphql-ws as req', (socket) => operationOf({ req: { extra: { socket } } })],
    [
      'the server that Mercurius uses',
      (socket) => {
        const connection = {};
        const clients = new Set([{ _socket: {} }, Object.assign(socket, { _socket: connection })]);
        const request = { raw: { url: '/', headers: {}, socket: connection } };
        return operationOf({ app: { websocketServer: { clients } } }, { source: request });
      },
    ],
  ])('finds the connection by %s, and closes it after the given time', (_, operationBy) => {
    const socket = new Socket();
    expect(connections.closeAfter(1_000, operationBy(socket))).toBe(true);
    jest.advanceTimersByTime(999);
    expect(socket.closed).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(socket.closed).toEqual(CLOSED);
  });

  it.each<[string, GraphqlOperation]>([
    ['the context is empty', operationOf({})],
    ['there is no such socket', operationOf({ extra: { socket: 'none' }, req: { extra: null } })],
    ['no client of the server is it', operationOf({ app: { websocketServer: { clients: new Set([{}]) } } })],
    ['the server is none', operationOf({ app: { websocketServer: { clients: [] } } }, { source: { socket: {} } })],
    ['the operation came by HTTP', operationOf({ extra: { socket: new Socket() } }, { request: {} })],
  ])('finds no connection if %s', (_, operation) => {
    expect(connections.closeAfter(0, operation)).toBe(false);
    connections.closeOnceAnswered(operation);
    jest.runAllTimers();
    expect((operation.context as { extra?: { socket?: Socket } }).extra?.socket?.closed ?? []).toEqual([]);
  });

  it.each([
    [1_000, 2_000],
    [2_000, 1_000],
  ])('closes a connection once, at the earlier of two times (%i and %i ms)', (first, second) => {
    const socket = new Socket();
    const operation = operationOf({ extra: { socket } });
    connections.closeAfter(first, operation);
    connections.closeAfter(second, operation);
    jest.advanceTimersByTime(1_000);
    expect(socket.closed).toEqual(CLOSED);
    jest.advanceTimersByTime(5_000);
    expect(socket.closed).toEqual(CLOSED);
  });

  it('leaves no timer behind if the client disconnects first', () => {
    const socket = new Socket();
    connections.closeAfter(1_000, operationOf({ extra: { socket } }));
    expect(jest.getTimerCount()).toBe(1);
    socket.emit('close');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('closes the connection of a denied operation only after the error was sent', () => {
    const socket = new Socket();
    connections.closeOnceAnswered(operationOf({ extra: { socket } }));
    expect(socket.closed).toEqual([]);
    jest.runAllTimers();
    expect(socket.closed).toEqual(CLOSED);
  });
});
