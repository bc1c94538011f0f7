import { LRUCache } from 'lru-cache';

import type { Identity } from './identity.js';
import type { AcceptsToken } from './token-types.js';
import { holds, type Recalled } from './verdicts.js';

/** Which part of those that are remembered is kept ready: they take several times the memory. */
const READY = 1 / 10;
/** How many characters of the end of what was sent are looked at to find it again. Signatures end tokens. */
const SAMPLE = 24;

interface Recent extends Recalled {
  readonly sent: string;
  readonly acceptsToken: AcceptsToken;
}

/**
 * The callers of the last moments, ready to be handed out: a digest of what they sent would cost more than all the rest.
 * They are found by a number that any two may share, and recognised by all that they sent.
 */
export class RecentCallers {
  private readonly recent: LRUCache<number, Recent>;

  constructor(
    maxEntries: number,
    private readonly now: () => number,
  ) {
    this.recent = new LRUCache({ max: Math.ceil(maxEntries * READY) });
  }

  find(sent: string, acceptsToken: AcceptsToken): Identity | undefined {
    const known = this.recent.get(numberOf(sent, acceptsToken));
    if (known?.sent !== sent || known.acceptsToken !== acceptsToken) return undefined;
    return holds(known, this.now()) ? known.identity : undefined;
  }

  keep(sent: string, acceptsToken: AcceptsToken, recalled: Recalled): void {
    this.recent.set(numberOf(sent, acceptsToken), { ...recalled, sent, acceptsToken });
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
