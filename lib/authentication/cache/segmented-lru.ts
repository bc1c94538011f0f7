import { LRUCache } from 'lru-cache';

/** The share of the cache for entries that were used again; the rest is for new entries. */
const USED_AGAIN_SHARE = 4 / 5;

/**
 * A bounded cache (segmented LRU) that evicts entries that were used only once before those that were used again. A
 * flood of single-use keys, such as random host names, evicts no entry in use.
 */
export class SegmentedLru<V extends object> {
  private readonly once: LRUCache<string, V>;
  private readonly again: LRUCache<string, V>;

  /**
   * @param max The maximum number of entries, at least 2.
   * @param onRemove Called with each value that is evicted or cleared.
   */
  constructor(
    private readonly max: number,
    private readonly onRemove: (value: V) => void = () => undefined,
  ) {
    this.once = createLru(max);
    // Demote an entry that is no longer used to the new ones instead of keeping it forever.
    const dispose = (value: V, key: string, reason: LRUCache.DisposeReason): void => {
      if (reason === 'evict') this.once.set(key, value);
    };
    this.again = createLru(Math.floor(max * USED_AGAIN_SHARE), dispose);
  }

  get(key: string): V | undefined {
    const reused = this.again.get(key);
    if (reused) return reused;
    const value = this.once.get(key);
    if (value) {
      this.once.delete(key);
      this.again.set(key, value);
    }
    return value;
  }

  /** Adds an entry. The key must not be in the cache yet. */
  set(key: string, value: V): void {
    if (this.once.size + this.again.size >= this.max) this.notify(this.once.pop());
    this.once.set(key, value);
  }

  clear(): void {
    const values = [...this.once.values(), ...this.again.values()];
    this.once.clear();
    this.again.clear();
    values.forEach((value) => this.onRemove(value));
  }

  private notify(value: V | undefined): void {
    if (value) this.onRemove(value);
  }
}

/** With `max` instead of `maxSize`, LRUCache would allocate memory for that many entries at once. */
function createLru<V extends object>(
  maxEntries: number,
  dispose?: (value: V, key: string, reason: LRUCache.DisposeReason) => void,
): LRUCache<string, V> {
  return new LRUCache({ maxSize: maxEntries, sizeCalculation: () => 1, ...(dispose && { dispose }) });
}
