import { EventEmitter, once } from 'node:events';

import {
  applyDecorators,
  Catch,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type INestApplication,
  type WebSocketAdapter,
} from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { BaseWsExceptionFilter, WebSocketGateway, WsException } from '@nestjs/websockets';
import { io, type Socket } from 'socket.io-client';
import WebSocket from 'ws';

import { ClerkGuard } from '../../lib/index.js';
import { runSnippet, snippet } from './docs.js';
import { NEST_VERSION } from './nest-version.js';

/** Sends exceptions to clients of `ws`, which Nest 11 does for socket.io only. */
@Catch(WsException)
class SendExceptions extends BaseWsExceptionFilter {
  override catch(exception: WsException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<WebSocket | Socket>();
    if (!('readyState' in client)) return super.catch(exception, host);
    client.send(JSON.stringify({ event: 'exception', data: exception.getError() }));
  }
}

/** A gateway with the guard; on Nest 11, which runs no global guards for gateways, by a decorator. */
export const GuardedGateway = (options: object = {}) =>
  applyDecorators(
    WebSocketGateway(options),
    ...(NEST_VERSION > 11 ? [] : [UseGuards(ClerkGuard), UseFilters(new SendExceptions())]),
  );

/** What a client sends when it opens a socket. */
export interface Opening {
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  /** The payload of socket.io's own handshake. */
  readonly auth?: Record<string, unknown>;
  /** Subprotocols, which a client of `ws` may offer. */
  readonly protocols?: string[];
}

/** The reply to a message: the result of its handler, or an `exception`. */
export type Reply = { readonly event: string; readonly data: any };

/** A client of either library. Replies are assigned to messages in order. */
export interface TestSocket {
  /** Sends a message and waits for the reply to it. */
  ask(event: string, data?: unknown): Promise<Reply>;
  /** The subprotocol that the server chose. */
  readonly protocol?: string;
  /** The reason with which `ws` was closed, in addition to the code. */
  readonly reason?: string;
  /** Resolves with the close code, or with socket.io's reason. */
  readonly closed: Promise<string | number>;
  readonly isOpen: boolean;
  close(): void;
}

export interface SocketPlatform {
  adapter(app: INestApplication): WebSocketAdapter;
  open(port: number, opening?: Opening): Promise<TestSocket>;
}

/** Passes replies to those who wait for them. */
abstract class Replies {
  private readonly waiting: ((reply: Reply) => void)[] = [];
  isOpen = true;
  protected take(reply: Reply): void {
    this.waiting.shift()?.(reply);
  }
  protected wait(): Promise<Reply> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  protected abandon(why: string | number): void {
    this.isOpen = false;
    for (const resolve of this.waiting.splice(0)) resolve({ event: 'closed', data: why });
  }
}

class IoSocket extends Replies implements TestSocket {
  readonly closed: Promise<string>;
  constructor(private readonly socket: Socket) {
    super();
    socket.onAny((event: string, data: unknown) => this.take({ event, data }));
    this.closed = new Promise((resolve) =>
      socket.on('disconnect', (reason) => (this.abandon(reason), resolve(reason))),
    );
  }
  ask(event: string, data?: unknown): Promise<Reply> {
    const reply = this.wait();
    this.socket.emit(event, data);
    return reply;
  }
  close(): void {
    this.socket.disconnect();
  }
}

class BareSocket extends Replies implements TestSocket {
  readonly closed: Promise<number>;
  reason = '';
  get protocol(): string {
    return this.socket.protocol;
  }
  constructor(private readonly socket: WebSocket) {
    super();
    socket.on('message', (text: Buffer) => this.take(JSON.parse(text.toString()) as Reply));
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => {
        this.reason = reason.toString();
        this.abandon(code);
        resolve(code);
      }),
    );
  }
  ask(event: string, data?: unknown): Promise<Reply> {
    const reply = this.wait();
    this.socket.send(JSON.stringify({ event, data }));
    return reply;
  }
  close(): void {
    this.socket.close();
  }
}

/** Tests change the clock of this process, where the clients run too: no ping may seem overdue. */
class PatientIoAdapter extends IoAdapter {
  override createIOServer(port: number, options?: any): ReturnType<IoAdapter['createIOServer']> {
    return super.createIOServer(port, { ...options, pingInterval: 100_000_000 });
  }
}

/** Every WebSocket library that Nest has an adapter for. */
export const SOCKET_PLATFORMS: readonly (readonly ['socket.io' | 'ws', SocketPlatform])[] = [
  [
    'socket.io',
    {
      adapter: (app) => new PatientIoAdapter(app),
      open: (port, { headers = {}, query = {}, auth = {} } = {}) => {
        const socket = io(`http://127.0.0.1:${port}`, {
          ...{ auth, query, extraHeaders: headers, transports: ['websocket'], forceNew: true, reconnection: false },
        });
        const opened = new IoSocket(socket);
        return new Promise((resolve, reject) => {
          socket.on('connect', () => resolve(opened));
          socket.on('connect_error', reject);
        });
      },
    },
  ],
  [
    'ws',
    {
      adapter: (app) => new WsAdapter(app),
      open: (port, { headers = {}, query = {}, protocols = [] } = {}) => {
        const url = `ws://127.0.0.1:${port}/?${new URLSearchParams(query)}`;
        const socket = new WebSocket(url, protocols, { headers });
        const opened = new BareSocket(socket);
        return new Promise((resolve, reject) => {
          socket.on('open', () => resolve(opened));
          socket.on('error', reject);
        });
      },
    },
  ],
];

/** A client that runs the code of docs/websockets.md, over all connections that it opens. */
export interface DocumentedClient extends TestSocket {
  /** Resolves once another connection is open. */
  reconnected(): Promise<void>;
  /** Resolves once the server has closed two more connections. */
  closedAgain(): Promise<void>;
}

/** Emits the events of all its connections. */
class DocumentedSocket extends Replies implements DocumentedClient {
  readonly closed = new Promise<never>(() => undefined);
  private readonly events = new EventEmitter();
  send: (event: string, data: unknown) => void = () => undefined;
  close: () => void = () => undefined;

  ask(event: string, data?: unknown): Promise<Reply> {
    const reply = this.wait();
    this.send(event, data);
    return reply;
  }
  receive(reply: Reply): void {
    this.take(reply);
  }
  note(what: 'open' | 'closed'): void {
    this.events.emit(what);
  }
  async reconnected(): Promise<void> {
    await once(this.events, 'open');
  }
  async closedAgain(): Promise<void> {
    for (let times = 0; times < 2; times++) await once(this.events, 'closed');
  }
}

type ClerkOfBrowsers = { readonly session: { getToken(): Promise<string> } };

/** Opens a connection with the code of docs/websockets.md, for each library. */
export const openAsDocumented: Readonly<
  Record<'socket.io' | 'ws', (port: number, clerk: ClerkOfBrowsers) => Promise<DocumentedClient>>
> = {
  'socket.io': async (port, clerk) => {
    const client = new DocumentedSocket();
    const connect = (url: string, options: object) =>
      io(url, { ...options, transports: ['websocket'], forceNew: true });
    const code = snippet('websockets.md', 'js', "reason === 'io server disconnect'");
    const socket = runSnippet<Socket>(code, { io: connect, url: `http://127.0.0.1:${port}`, clerk }, 'socket');
    client.send = (event, data) => socket.emit(event, data);
    client.close = () => socket.disconnect();
    socket.onAny((event: string, data: unknown) => client.receive({ event, data }));
    socket.on('disconnect', () => client.note('closed'));
    const opened = client.reconnected();
    socket.on('connect', () => client.note('open'));
    await opened;
    return client;
  },
  ws: async (port, clerk) => {
    const client = new DocumentedSocket();
    /** Like a WebSocket of a browser, with its events recorded. */
    class NotedWebSocket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        client.send = (event, data) => this.send(JSON.stringify({ event, data }));
        client.close = () => this.close();
        this.on('open', () => client.note('open'));
        this.on('close', () => client.note('closed'));
      }
    }
    const receive = (_: unknown, reply: Reply) => client.receive(reply);
    const code = snippet('websockets.md', 'js', "reason === 'token-expired'");
    const opened = client.reconnected();
    runSnippet(code, { WebSocket: NotedWebSocket, url: `ws://127.0.0.1:${port}`, clerk, receive });
    await opened;
    return client;
  },
};
