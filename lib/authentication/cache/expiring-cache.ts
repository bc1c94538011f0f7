import { LRUCache } from 'lru-cache';

/** From when to when something is valid, in milliseconds since 1970. A clock that is set back makes it void. */
export interface ValidityWindow {
  readonly since: number;
  readonly until: number;
}

export function isValidAt({ since, until }: ValidityWindow, now: number): boolean {
  return since <= now && now < until;
}

/** How much a cache holds at most; what was used longest ago makes room. */
export interface CacheLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** How often expired entries are removed while nothing is added, in milliseconds. */
const CLEANUP_INTERVAL_MS = 30_000;
/** How many expired entries are removed at most when one is added, so that no request pays for thousands. */
const REMOVED_PER_ENTRY = 100;
/** How many at most in one turn of the event loop: about a millisecond's work. */
const REMOVED_PER_CLEANUP = 10_000;

/**
 * A cache whose entries leave once they have expired, also where nobody asks for them again: whenever an entry is added,
 * and by one timer for the whole cache, which runs only while there are entries and keeps no process alive.
 *
 * Expired entries are looked for where those are that were used longest ago, up to the first that is still valid. One
 * that is valid for longer may hold up others, for no longer than it is valid itself.
 */
export class ExpiringCache<Key extends string | number, Entry extends ValidityWindow> {
  private readonly entries: LRUCache<Key, Entry>;
  private cleanup: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    { maxEntries, maxBytes }: CacheLimits,
    private readonly now: () => number,
  ) {
    this.entries = new LRUCache({ max: maxEntries, maxSize: maxBytes });
  }

  /** How many entries there are, expired ones that have not left yet included. */
  get size(): number {
    return this.entries.size;
  }

  /** How many bytes they take, by what `set` was told. */
  get bytes(): number {
    return this.entries.calculatedSize;
  }

  get(key: Key): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || isValidAt(entry, this.now())) return entry;
    this.entries.delete(key);
    return undefined;
  }

  /** @param bytes How much memory the entry takes. One that takes more than the whole cache may is not kept. */
  set(key: Key, entry: Entry, bytes: number): void {
    if (this.isClosed) return;
    this.removeExpired(REMOVED_PER_ENTRY);
    this.entries.set(key, entry, { size: bytes });
    this.scheduleCleanup(CLEANUP_INTERVAL_MS);
  }

  /** Forgets everything, and keeps nothing from now on. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.cleanup);
    this.entries.clear();
  }

  private scheduleCleanup(delay: number): void {
    this.cleanup ??= setTimeout(() => {
      this.cleanup = undefined;
      const hasMore = this.removeExpired(REMOVED_PER_CLEANUP);
      if (this.size > 0) this.scheduleCleanup(hasMore ? 0 : CLEANUP_INTERVAL_MS);
    }, delay).unref();
  }

  /** @returns whether it stopped at the limit. */
  private removeExpired(limit: number): boolean {
    const now = this.now();
    for (let removed = 0; removed < limit; removed++) {
      const { value: oldest } = this.entries.rvalues().next() as IteratorResult<Entry, undefined>;
      if (oldest === undefined || isValidAt(oldest, now)) return false;
      this.entries.pop();
    }
    return true;
  }
}
