import { ExpiringCache, type CacheCapacity } from './expiring-cache.js';
import { estimateBytes } from './flat-copy.js';
import type { Identity } from '../identity/identity.js';
import type { AcceptsToken } from '../identity/token-types.js';
import type { CachedIdentity } from './verification-cache.js';

/** The share of `maxEntries` for the hot cache, because ready-made identities take several times the memory. */
const SHARE_OF_ENTRIES = 1 / 10;
/** The share of `maxBytes` for the hot cache; the rest is for the verification cache. */
const SHARE_OF_BYTES = 1 / 2;
/**
 * The number of trailing characters that are hashed for a lookup. Tokens end with their signature, which differs most.
 */
const SAMPLE_LENGTH = 24;

type HotIdentity = Omit<CachedIdentity, 'token'>;

interface HotEntry extends Omit<HotIdentity, 'bytes'> {
  readonly lookupKey: string;
  readonly acceptsToken: AcceptsToken;
}

/**
 * Caches ready-made identities of recent callers. A hit skips the digest, which would cost more than the rest of the
 * lookup. Entries are looked up by a cheap hash that may collide, and then compared by the complete lookup key.
 */
export class HotCache {
  private readonly entries: ExpiringCache<number, HotEntry>;

  constructor({ maxEntries, maxBytes }: CacheCapacity, now: () => number) {
    const capacity = {
      maxEntries: Math.ceil(maxEntries * SHARE_OF_ENTRIES),
      maxBytes: Math.ceil(maxBytes * SHARE_OF_BYTES),
    };
    this.entries = new ExpiringCache(capacity, now);
  }

  /** The total size of the entries in bytes. */
  get bytes(): number {
    return this.entries.bytes;
  }

  get(lookupKey: string, acceptsToken: AcceptsToken): Identity | undefined {
    const entry = this.entries.get(hashLookupKey(lookupKey, acceptsToken));
    return entry?.lookupKey === lookupKey && entry.acceptsToken === acceptsToken ? entry.identity : undefined;
  }

  /** @param lookupKey A flat string: a substring would keep the whole string (such as a header) in memory. */
  set(lookupKey: string, acceptsToken: AcceptsToken, { identity, since, until, bytes }: HotIdentity): void {
    const entry = { identity, since, until, lookupKey, acceptsToken };
    this.entries.set(hashLookupKey(lookupKey, acceptsToken), entry, bytes + estimateBytes(lookupKey));
  }

  /** Removes all entries and ignores later calls of `set`. */
  close(): void {
    this.entries.close();
  }
}

/** Computes a cheap hash over enough characters to tell signatures apart. */
function hashLookupKey(lookupKey: string, acceptsToken: AcceptsToken): number {
  let hash = acceptsToken.length;
  for (let index = Math.max(0, lookupKey.length - SAMPLE_LENGTH); index < lookupKey.length; index++) {
    hash = (Math.imul(hash, 31) + lookupKey.charCodeAt(index)) | 0;
  }
  return hash;
}
