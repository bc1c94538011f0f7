import type { EventEmitter } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { LoggerService } from '@nestjs/common';

/** Measurements of an application from inside its process. */
export interface ProcessHealth {
  /** In bytes, after a garbage collection. */
  readonly heap: number;
  /** In bytes. */
  readonly rss: number;
  /** The types of the resources that keep the process alive: sockets, servers, timers. */
  readonly resources: readonly string[];
  /** Of the process and of the HTTP server. */
  readonly listeners: number;
  /** Names of Node's warnings, such as MaxListenersExceededWarning. */
  readonly warnings: readonly string[];
  /** Uncaught errors and unhandled rejections. */
  readonly uncaught: readonly string[];
  /** Lines that the application logged as errors. */
  readonly errors: readonly string[];
  /** The number of log lines that seem to contain a token or a key. */
  readonly leaks: number;
  /** The delay of the event loop, in milliseconds. */
  readonly lag: { readonly p99: number; readonly max: number };
}

declare const gc: () => void;

/** The maximum length of each list. */
const MAX_LINES = 20;

/** The standard streams of the process. */
const STREAMS: readonly string[] = ['PipeWrap', 'TTYWrap'];

/** JWTs, by the start of their header, and Clerk's prefixes. */
const CREDENTIAL = /\beyJ[\w-]{8}|\b(?:ak|mt|oat|ask|sk_test|sk_live)_\w{12}/;

/** Observes its own process. Create it before the application. */
export class HealthMonitor {
  private readonly warnings: string[] = [];
  private readonly uncaught: string[] = [];
  private readonly errors: string[] = [];
  private leaks = 0;
  private readonly delay = monitorEventLoopDelay({ resolution: 10 });

  /** Inspects the application's log and prints nothing. */
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

  health(server: EventEmitter): ProcessHealth {
    const lag = { p99: this.delay.percentile(99) / 1e6, max: this.delay.max / 1e6 };
    gc();
    const { heapUsed: heap, rss } = process.memoryUsage();
    const listeners = listenersOf(process) + listenersOf(server);
    const resources = process.getActiveResourcesInfo().filter((kind) => !STREAMS.includes(kind));
    // The garbage collection above blocked the event loop, which must not count.
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
  if (list.length < MAX_LINES) list.push(text);
}

const nameOf = (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown);

const listenersOf = (emitter: EventEmitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
