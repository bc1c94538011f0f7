import type { EventEmitter } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { LoggerService } from '@nestjs/common';

/** How an application is, seen from inside. */
export interface Vitals {
  /** In bytes, after what can be collected was collected. */
  readonly heap: number;
  /** In bytes. */
  readonly rss: number;
  /** What keeps the process alive: sockets, servers, timers; by kind. */
  readonly resources: readonly string[];
  /** Of the process and of the HTTP server. */
  readonly listeners: number;
  /** Names of warnings of Node, such as MaxListenersExceededWarning. */
  readonly warnings: readonly string[];
  /** Names of errors that nobody caught. */
  readonly uncaught: readonly string[];
  /** Lines that the application logged as errors. */
  readonly errors: readonly string[];
  /** Lines of the log that hold what looks like a token or a key. */
  readonly leaks: number;
  /** How late the event loop was, in milliseconds. */
  readonly lag: { readonly p99: number; readonly max: number };
}

declare const gc: () => void;

/** As much of each list as anybody will read. */
const KEPT = 20;

/** The process's own input and output. */
const STREAMS: readonly string[] = ['PipeWrap', 'TTYWrap'];

/** JWTs by how their header begins, and Clerk's prefixes. */
const CREDENTIAL = /\beyJ[\w-]{8}|\b(?:ak|mt|oat|ask|sk_test|sk_live)_\w{12}/;

/** Watches the process that it is in, from before the application is made. */
export class Watch {
  private readonly warnings: string[] = [];
  private readonly uncaught: string[] = [];
  private readonly errors: string[] = [];
  private leaks = 0;
  private readonly delay = monitorEventLoopDelay({ resolution: 10 });

  /** Reads all that the application logs, and prints none of it. */
  readonly logger: LoggerService = {
    log: (...line: unknown[]) => this.read(line),
    warn: (...line: unknown[]) => this.read(line),
    debug: (...line: unknown[]) => this.read(line),
    verbose: (...line: unknown[]) => this.read(line),
    fatal: (...line: unknown[]) => this.read(line, this.errors),
    error: (...line: unknown[]) => this.read(line, this.errors),
  };

  constructor() {
    process.on('warning', ({ name }) => note(this.warnings, name));
    process.on('unhandledRejection', (reason) => note(this.uncaught, nameOf(reason)));
    process.on('uncaughtException', (error) => note(this.uncaught, nameOf(error)));
    this.delay.enable();
  }

  vitals(server: EventEmitter): Vitals {
    const lag = { p99: this.delay.percentile(99) / 1e6, max: this.delay.max / 1e6 };
    gc();
    const { heapUsed: heap, rss } = process.memoryUsage();
    const listeners = listenersOf(process) + listenersOf(server);
    const resources = process.getActiveResourcesInfo().filter((kind) => !STREAMS.includes(kind));
    // Being asked stopped the world; that is not the application's doing.
    this.delay.reset();
    const { warnings, uncaught, errors, leaks } = this;
    return { heap, rss, resources, listeners, warnings, uncaught, errors, leaks, lag };
  }

  private read(line: readonly unknown[], list?: string[]): void {
    const text = line.map(String).join(' ');
    if (CREDENTIAL.test(text)) this.leaks += 1;
    if (list) note(list, text);
  }
}

function note(list: string[], text: string): void {
  if (list.length < KEPT) list.push(text);
}

const nameOf = (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown);

const listenersOf = (emitter: EventEmitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
