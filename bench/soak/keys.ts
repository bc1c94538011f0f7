import type { LocalClerk, ReceivedRequest } from 'nest-clerk/testing';

import type { Oracle } from './oracle.js';

/** In milliseconds: from an old key's end to the next new key. */
const PAUSE = 20_000;
/** In milliseconds: from Clerk's answer to the keys being in use. */
const TAKE_UP = 1_000;

/**
 * Lets Clerk's keys turn over, as far as the application can know: a new one comes, is fetched, the old one goes, and that
 * is noticed.
 */
export class Keys {
  /** How many new keys the application took up, and how many old ones it gave up. */
  readonly turned = { takenUp: 0, givenUp: 0 };
  private stage: 'steady' | 'new key' | 'old key gone' = 'steady';
  private since = Date.now();
  private old = '';
  private seen = 0;
  private readonly fetches: ReceivedRequest[] = [];

  constructor(
    private readonly clerk: LocalClerk,
    private readonly oracle: Oracle,
  ) {}

  /** Begins with a new key. */
  rotate(): void {
    this.old = this.clerk.keyId;
    this.clerk.rotateKey();
    this.enter('new key');
  }

  /** Goes on where the application has fetched the keys. */
  step(): void {
    const { requests } = this.clerk;
    for (; this.seen < requests.length; this.seen++) {
      const request = requests[this.seen] as ReceivedRequest;
      if (request.path === '/v1/jwks') this.fetches.push(request);
    }
    if (this.stage === 'steady') {
      if (this.turned.givenUp > 0 && Date.now() > this.since + PAUSE) this.rotate();
    } else if (this.fetched()) {
      if (this.stage === 'new key') {
        this.turned.takenUp += 1;
        this.clerk.retireKey(this.old);
        this.enter('old key gone');
      } else {
        this.turned.givenUp += 1;
        this.enter('steady');
      }
    }
  }

  /** What signs tokens that are good beyond doubt. */
  get good(): { key?: 'rotated' } {
    return this.stage === 'new key' ? { key: 'rotated' } : {};
  }

  get goodId(): string {
    return this.stage === 'new key' ? this.old : this.clerk.keyId;
  }

  /** What signs forgeries that claim to be under the same key. */
  forgedBy(key: LocalClerk): { key: LocalClerk; header: { kid: string } } {
    return { key, header: { kid: this.goodId } };
  }

  /** Whether tokens under this key are still good. */
  isPublished(kid: string): boolean {
    return kid === this.goodId;
  }

  /** When the current key came that is perhaps not known yet, in milliseconds since 1970. */
  get newUnknownSince(): number {
    return this.stage === 'new key' ? this.since : Infinity;
  }

  /** Whether the former key is known to be gone: its tokens are bad. */
  get isOldGone(): boolean {
    return this.stage === 'steady' && this.turned.givenUp > 0;
  }

  private enter(stage: Keys['stage']): void {
    this.stage = stage;
    this.since = Date.now();
    this.fetches.length = 0;
  }

  private fetched(): boolean {
    return this.fetches.some(
      ({ at, status }) => status === 200 && at >= this.since && at + TAKE_UP < Date.now() && this.oracle.wasWell(at),
    );
  }
}
