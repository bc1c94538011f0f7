import { ExpiringCache, type CacheLimits } from './expiring-cache.js';
import { bytesOf } from './flat-copy.js';
import type { Identity } from '../identity/identity.js';
import type { AcceptsToken } from '../identity/token-types.js';
import type { CachedIdentity } from './verification-cache.js';

/** Which part of those that are remembered is kept ready: they take several times the memory. */
const HOT_SHARE = 1 / 10;
/** Which part of the bytes of the cache is for them; the other is for the verdicts. */
const SHARE_OF_BYTES = 1 / 2;
/** How many characters of the end of what was sent are looked at to find it again. Signatures end tokens. */
const SAMPLE_LENGTH = 24;

type HotIdentity = Omit<CachedIdentity, 'token'>;

interface HotEntry extends Omit<HotIdentity, 'bytes'> {
  readonly lookupKey: string;
  readonly acceptsToken: AcceptsToken;
}

/**
 * The callers of the last moments, ready to be handed out: a digest of what they sent would cost more than all the rest.
 * They are found by a number that any two may share, and recognised by all that they sent.
 */
export class HotCache {
  private readonly entries: ExpiringCache<number, HotEntry>;

  constructor({ maxEntries, maxBytes }: CacheLimits, now: () => number) {
    const limits = { maxEntries: Math.ceil(maxEntries * HOT_SHARE), maxBytes: Math.ceil(maxBytes * SHARE_OF_BYTES) };
    this.entries = new ExpiringCache(limits, now);
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.entries.bytes;
  }

  get(lookupKey: string, acceptsToken: AcceptsToken): Identity | undefined {
    const known = this.entries.get(hashOf(lookupKey, acceptsToken));
    return known?.lookupKey === lookupKey && known.acceptsToken === acceptsToken ? known.identity : undefined;
  }

  /** @param lookupKey A text of its own: a part of another, such as a header, would keep all of that in memory. */
  set(lookupKey: string, acceptsToken: AcceptsToken, { identity, since, until, bytes }: HotIdentity): void {
    const entry = { identity, since, until, lookupKey, acceptsToken };
    this.entries.set(hashOf(lookupKey, acceptsToken), entry, bytes + bytesOf(lookupKey));
  }

  /** Forgets everything, and keeps nothing from now on. */
  close(): void {
    this.entries.close();
  }
}

/** Few enough characters to be quick, and enough of them to tell signatures apart. */
function hashOf(lookupKey: string, acceptsToken: AcceptsToken): number {
  let number = acceptsToken.length;
  // Stryker disable next-line MethodExpression: other characters make another number, and any will do.
  for (let index = Math.max(0, lookupKey.length - SAMPLE_LENGTH); index < lookupKey.length; index++) {
    // Stryker disable next-line ArithmeticOperator: the same.
    number = (Math.imul(number, 31) + lookupKey.charCodeAt(index)) | 0;
  }
  return number;
}
