import { LRUCache } from 'lru-cache';

/** Which part of the cache is for entries that were used again; the rest is for new ones. */
const USED_AGAIN = 4 / 5;

/**
 * A bounded cache (a segmented LRU) that evicts entries that were used once before those that were used again. A flood of
 * keys that are used once, such as made-up host names, evicts no entry in use.
 */
export class SegmentedLru<V extends object> {
  private readonly once: LRUCache<string, V>;
  private readonly again: LRUCache<string, V>;

  /**
   * @param max How many entries are kept at most; two or more.
   * @param onLeave Called with each value that makes room, or is cleared.
   */
  constructor(
    private readonly max: number,
    private readonly onLeave: (value: V) => void = () => undefined,
  ) {
    this.once = new LRUCache({ max });
    // An entry that is no longer used becomes one among the new ones, so that it does not stay for good.
    const dispose = (value: V, key: string, reason: string) => void (reason === 'evict' && this.once.set(key, value));
    this.again = new LRUCache({ max: Math.floor(max * USED_AGAIN), dispose });
  }

  get(key: string): V | undefined {
    const known = this.again.get(key);
    if (known) return known;
    const value = this.once.get(key);
    if (value) {
      this.once.delete(key);
      this.again.set(key, value);
    }
    return value;
  }

  /** Adds an entry that is not there yet. */
  set(key: string, value: V): void {
    if (this.once.size + this.again.size >= this.max) this.leave(this.once.pop());
    this.once.set(key, value);
  }

  clear(): void {
    const values = [...this.once.values(), ...this.again.values()];
    this.once.clear();
    this.again.clear();
    values.forEach((value) => this.onLeave(value));
  }

  private leave(value: V | undefined): void {
    if (value) this.onLeave(value);
  }
}
