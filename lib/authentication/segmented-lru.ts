import { LRUCache } from 'lru-cache';

/** Which part of the room is for what was used again; the rest is for what is new. */
const USED_AGAIN = 4 / 5;

/**
 * A bounded cache in which what was used once makes room before what was used again. A flood of keys that come once, such
 * as made-up host names, evicts each other, and nothing that is in use.
 */
export class SegmentedLru<V extends object> {
  private readonly once: LRUCache<string, V>;
  private readonly again: LRUCache<string, V>;

  /** @param max How many entries are kept at most; two or more. */
  constructor(private readonly max: number) {
    this.once = new LRUCache({ max });
    // What was used again and is not any more is on a par with what is new: it does not stay for good.
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
    if (this.once.size + this.again.size >= this.max) this.once.pop();
    this.once.set(key, value);
  }
}
