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
import { NEST_VERSION } from './nest-version.js';

/** Nest 11 tells socket.io's clients of an exception, but not those of `ws`. */
@Catch(WsException)
class SendExceptions extends BaseWsExceptionFilter {
  override catch(exception: WsException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<WebSocket | Socket>();
    if (!('readyState' in client)) return super.catch(exception, host);
    client.send(JSON.stringify({ event: 'exception', data: exception.getError() }));
  }
}

/** A gateway with the guard before it; on Nest 11, where no global guard is, by a decorator. */
export const GuardedGateway = () =>
  applyDecorators(
    WebSocketGateway(),
    ...(NEST_VERSION > 11 ? [] : [UseGuards(ClerkGuard), UseFilters(new SendExceptions())]),
  );

/** What a client opens a socket with. */
export interface Opening {
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  /** The payload of socket.io's own handshake. */
  readonly auth?: Record<string, unknown>;
}

/** What a message was answered with: what its handler returned, or the `exception`. */
export type Reply = { readonly event: string; readonly data: any };

/** A client of either library. Replies are taken in the order in which they come. */
export interface TestSocket {
  /** Sends a message and waits for the reply to it. */
  ask(event: string, data?: unknown): Promise<Reply>;
  /** Settled with the close code, or with socket.io's reason. */
  readonly closed: Promise<string | number>;
  readonly isOpen: boolean;
  close(): void;
}

export interface SocketPlatform {
  adapter(app: INestApplication): WebSocketAdapter;
  open(port: number, opening?: Opening): Promise<TestSocket>;
}

/** Who waits for a reply. */
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
  constructor(private readonly socket: WebSocket) {
    super();
    socket.on('message', (text: Buffer) => this.take(JSON.parse(text.toString()) as Reply));
    this.closed = new Promise((resolve) => socket.on('close', (code) => (this.abandon(code), resolve(code))));
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

/** Clients live in this process, and tests move its clock: no ping may seem overdue. */
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
      open: (port, { headers = {}, query = {} } = {}) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/?${new URLSearchParams(query)}`, { headers });
        const opened = new BareSocket(socket);
        return new Promise((resolve, reject) => {
          socket.on('open', () => resolve(opened));
          socket.on('error', reject);
        });
      },
    },
  ],
];
