import { ExpiringCache, type CacheLimits } from './expiring-cache.js';
import { bytesOf } from './flat-copy.js';
import type { Identity } from './identity.js';
import type { AcceptsToken } from './token-types.js';
import type { Recalled } from './verdicts.js';

/** Which part of those that are remembered is kept ready: they take several times the memory. */
const READY = 1 / 10;
/** Which part of the bytes of the cache is for them; the other is for the verdicts. */
const SHARE_OF_BYTES = 1 / 2;
/** How many characters of the end of what was sent are looked at to find it again. Signatures end tokens. */
const SAMPLE = 24;

type Kept = Omit<Recalled, 'token'>;

interface Recent extends Omit<Kept, 'bytes'> {
  readonly sent: string;
  readonly acceptsToken: AcceptsToken;
}

/**
 * The callers of the last moments, ready to be handed out: a digest of what they sent would cost more than all the rest.
 * They are found by a number that any two may share, and recognised by all that they sent.
 */
export class RecentCallers {
  private readonly recent: ExpiringCache<number, Recent>;

  constructor({ maxEntries, maxBytes }: CacheLimits, now: () => number) {
    const limits = { maxEntries: Math.ceil(maxEntries * READY), maxBytes: Math.ceil(maxBytes * SHARE_OF_BYTES) };
    this.recent = new ExpiringCache(limits, now);
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.recent.bytes;
  }

  find(sent: string, acceptsToken: AcceptsToken): Identity | undefined {
    const known = this.recent.get(numberOf(sent, acceptsToken));
    return known?.sent === sent && known.acceptsToken === acceptsToken ? known.identity : undefined;
  }

  /** @param sent A text of its own: a part of another, such as a header, would keep all of that in memory. */
  keep(sent: string, acceptsToken: AcceptsToken, { identity, since, until, bytes }: Kept): void {
    const entry = { identity, since, until, sent, acceptsToken };
    this.recent.set(numberOf(sent, acceptsToken), entry, bytes + bytesOf(sent));
  }

  /** Forgets everything, and keeps nothing from now on. */
  close(): void {
    this.recent.close();
  }
}

/** Few enough characters to be quick, and enough of them to tell signatures apart. */
function numberOf(sent: string, acceptsToken: AcceptsToken): number {
  let number = acceptsToken.length;
  // Stryker disable next-line MethodExpression: other characters make another number, and any will do.
  for (let index = Math.max(0, sent.length - SAMPLE); index < sent.length; index++) {
    // Stryker disable next-line ArithmeticOperator: the same.
    number = (Math.imul(number, 31) + sent.charCodeAt(index)) | 0;
  }
  return number;
}
