import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';

/** How long a line of one kind is not written again. */
const QUIET_MS = 5_000;

/** Kinds come from handlers and codes of the application. Should there be more of them at a time, the rest is one kind. */
const MAX_KINDS = 1_000;
const ANY_OTHER = 'any other';

type Level = 'debug' | 'warn' | 'error';

/** What has not been written of a kind since its last line. */
interface HeldBack {
  readonly timer: NodeJS.Timeout;
  count: number;
  latest?: { readonly level: Level; readonly line: string };
}

/**
 * Writes what is logged because of a call. Whoever makes calls could flood the log with it, so the first line of a kind is
 * written at once, and then one in five seconds that says how many there were. None is lost: those that no other follows
 * are told when the five seconds are over, or when the application closes.
 */
@Injectable()
export class LogThrottle implements OnModuleDestroy {
  private readonly logger = new Logger('ClerkGuard');
  private readonly kinds = new Map<string, HeldBack>();

  /**
   * @param kind Which lines are alike. Nothing that a caller sent may be part of it.
   * @param line What to write.
   */
  write(level: Level, kind: string, line: string = kind): void {
    const name = this.kinds.has(kind) || this.kinds.size < MAX_KINDS ? kind : ANY_OTHER;
    const heldBack = this.kinds.get(name);
    if (heldBack) {
      heldBack.count++;
      heldBack.latest = { level, line };
    } else {
      this.logger[level](line);
      this.keepQuiet(name);
    }
  }

  onModuleDestroy(): void {
    for (const kind of [...this.kinds.keys()]) this.endQuiet(kind);
  }

  private keepQuiet(kind: string): void {
    const timer = setTimeout(() => {
      // The line that tells of them is followed by silence as well.
      if (this.endQuiet(kind)) this.keepQuiet(kind);
    }, QUIET_MS);
    // A process that has nothing else to do may end.
    this.kinds.set(kind, { timer: timer.unref(), count: 0 });
  }

  /** @returns whether there was anything to tell. */
  private endQuiet(kind: string): boolean {
    const { timer, count, latest } = this.kinds.get(kind) as HeldBack;
    clearTimeout(timer);
    this.kinds.delete(kind);
    if (!latest) return false;
    this.logger[latest.level](count > 1 ? `${latest.line} (and ${count - 1} more like it)` : latest.line);
    return true;
  }
}
