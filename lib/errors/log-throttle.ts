import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';

/** How long further lines of a kind are suppressed, in milliseconds. */
const QUIET_MS = 5_000;

/** Kinds are built from handlers and codes of the application. Beyond this number, all further kinds share one. */
const MAX_KINDS = 1_000;
const ANY_OTHER = 'any other';

type Level = 'debug' | 'warn' | 'error';

/** The lines of a kind that were suppressed since its last line. */
interface Suppressed {
  readonly timer: NodeJS.Timeout;
  count: number;
  latest?: { readonly level: Level; readonly line: string };
}

/**
 * Logs lines that calls cause, without letting callers flood the log. The first line of a kind is written immediately,
 * and then at most one per five seconds with the number of suppressed lines. No line goes uncounted: trailing ones are
 * reported when the five seconds are over or the application closes.
 */
@Injectable()
export class LogThrottle implements OnModuleDestroy {
  private readonly logger = new Logger('ClerkGuard');
  private readonly kinds = new Map<string, Suppressed>();

  /**
   * @param kind Groups equal lines. It must not contain anything that a caller sent.
   * @param line The line to write.
   */
  write(level: Level, kind: string, line: string = kind): void {
    const name = this.kinds.has(kind) || this.kinds.size < MAX_KINDS ? kind : ANY_OTHER;
    const suppressed = this.kinds.get(name);
    if (suppressed) {
      suppressed.count++;
      suppressed.latest = { level, line };
    } else {
      this.logger[level](line);
      this.keepQuiet(name);
    }
  }

  /**
   * Writes that a function of the application threw, and what follows from it. The value is not logged unless it is an
   * Error.
   * @param what The function, such as `onError`.
   * @param outcome Such as `the call is denied`.
   */
  writeThrown(what: string, outcome: string, thrown: unknown): void {
    const kind = `${what} threw, so ${outcome}`;
    const line = thrown instanceof Error ? `${kind}: ${thrown.message}` : `${what} threw a non-Error value; ${outcome}`;
    this.write('error', kind, line);
  }

  onModuleDestroy(): void {
    for (const kind of [...this.kinds.keys()]) this.endQuiet(kind);
  }

  private keepQuiet(kind: string): void {
    const timer = setTimeout(() => {
      // The summary line starts a new quiet period.
      if (this.endQuiet(kind)) this.keepQuiet(kind);
    }, QUIET_MS);
    // Do not keep the process alive for this timer.
    this.kinds.set(kind, { timer: timer.unref(), count: 0 });
  }

  /** @returns Whether anything was suppressed. */
  private endQuiet(kind: string): boolean {
    const { timer, count, latest } = this.kinds.get(kind) as Suppressed;
    clearTimeout(timer);
    this.kinds.delete(kind);
    if (!latest) return false;
    this.logger[latest.level](count > 1 ? `${latest.line} (and ${count - 1} more like it)` : latest.line);
    return true;
  }
}
