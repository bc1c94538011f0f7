import { LRUCache } from 'lru-cache';

/**
 * The time in which an entry is valid, in milliseconds since 1970. If the clock is set back before `since`, the entry
 * is invalid.
 */
export interface ValidityWindow {
  readonly since: number;
  readonly until: number;
}

/** Whether a time is within the window. */
export function isValidAt({ since, until }: ValidityWindow, now: number): boolean {
  return since <= now && now < until;
}

/** The capacity of a cache. Beyond it, the least recently used entries are evicted. */
export interface CacheCapacity {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** How often expired entries are removed while no entries are added, in milliseconds. */
const CLEANUP_INTERVAL_MS = 30_000;
/**
 * The maximum number of expired entries that one insertion removes, so that a single request does not pay for
 * thousands.
 */
const MAX_REMOVED_PER_SET = 100;
/** The maximum number of entries that one cleanup removes per turn of the event loop: about a millisecond of work. */
const MAX_REMOVED_PER_CLEANUP = 10_000;

/**
 * A cache that removes expired entries even if they are never looked up again: on every insertion, and with a single
 * timer that runs only while there are entries and does not keep the process alive.
 *
 * Expired entries are removed starting with the least recently used one, up to the first entry that is still valid. An
 * entry with a longer validity can delay the removal of others, at most until it expires itself.
 */
export class ExpiringCache<Key extends string | number, Entry extends ValidityWindow> {
  /** Created with the first entry: an application with many tenants has many caches that stay empty. */
  private entries: LRUCache<Key, Entry> | undefined;
  /** The least recently used entry at the last removal. While it is valid, insertions look for no expired ones. */
  private oldest: ValidityWindow | undefined;
  private cleanup: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly capacity: CacheCapacity,
    private readonly now: () => number,
  ) {}

  /** The number of entries, including expired ones that have not been removed yet. */
  get size(): number {
    return this.entries?.size ?? 0;
  }

  /** The total size of the entries in bytes, as passed to `set`. */
  get bytes(): number {
    return this.entries?.calculatedSize ?? 0;
  }

  get(key: Key): Entry | undefined {
    const entry = this.entries?.get(key);
    if (entry === undefined || isValidAt(entry, this.now())) return entry;
    this.entries?.delete(key);
    return undefined;
  }

  /** @param bytes The memory that the entry takes. An entry larger than the whole cache is not stored. */
  set(key: Key, entry: Entry, bytes: number): void {
    if (this.isClosed) return;
    const { maxEntries, maxBytes } = this.capacity;
    // With `max`, LRUCache would allocate memory for that many entries at once.
    const entries = (this.entries ??= new LRUCache<Key, Entry>({ maxSize: maxBytes }));
    if (!this.oldest || !isValidAt(this.oldest, this.now())) this.removeExpired(entries, MAX_REMOVED_PER_SET);
    entries.set(key, entry, { size: bytes });
    if (entries.size > maxEntries) entries.pop();
    this.scheduleCleanup(entries, CLEANUP_INTERVAL_MS);
  }

  /** Removes all entries and ignores later calls of `set`. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.cleanup);
    this.entries?.clear();
    this.oldest = undefined;
  }

  private scheduleCleanup(entries: LRUCache<Key, Entry>, delay: number): void {
    this.cleanup ??= setTimeout(() => {
      this.cleanup = undefined;
      const hasMore = this.removeExpired(entries, MAX_REMOVED_PER_CLEANUP);
      if (this.size > 0) this.scheduleCleanup(entries, hasMore ? 0 : CLEANUP_INTERVAL_MS);
    }, delay).unref();
  }

  /** @returns Whether it stopped at the limit, so that more expired entries may be left. */
  private removeExpired(entries: LRUCache<Key, Entry>, limit: number): boolean {
    const now = this.now();
    for (let removed = 0; removed < limit; removed++) {
      const { value: oldest } = entries.rvalues().next() as IteratorResult<Entry, undefined>;
      if (oldest === undefined || isValidAt(oldest, now)) {
        this.oldest = oldest;
        return false;
      }
      entries.pop();
    }
    return true;
  }
}
