import type { LocalClerk } from 'nest-clerk/testing';

/** In milliseconds: from an old key's end to the next new key. */
const PAUSE = 20_000;

/**
 * Lets Clerk's keys turn over. When the application has fetched them shows by its answers alone: once a token under the
 * new key was let in, the old one goes; once a token under that was refused, it must never be good again.
 */
export class Keys {
  /** How many new keys the application took up, and how many old ones it gave up. */
  readonly turned = { takenUp: 0, givenUp: 0 };
  private stage: 'steady' | 'new key' | 'old key gone' = 'steady';
  private since = Date.now();
  private old = '';

  constructor(private readonly clerk: LocalClerk) {}

  /** Begins with a new key. */
  rotate(): void {
    this.old = this.clerk.keyId;
    this.clerk.rotateKey();
    this.enter('new key');
  }

  /** Begins anew some time after the last turn. */
  step(): void {
    if (this.stage === 'steady' && this.turned.givenUp > 0 && Date.now() > this.since + PAUSE) this.rotate();
  }

  /** A token under the newest key was answered like this. */
  heardOfNew(kid: string, answer: string): void {
    if (this.stage !== 'new key' || kid !== this.clerk.keyId || !answer.startsWith('200 ')) return;
    this.turned.takenUp += 1;
    this.clerk.retireKey(this.old);
    this.enter('old key gone');
  }

  /** A token under the former key was answered like this. */
  heardOfOld(kid: string, answer: string): void {
    if (this.stage !== 'old key gone' || kid !== this.old || !answer.startsWith('401 ')) return;
    this.turned.givenUp += 1;
    this.enter('steady');
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

  /** The former key, and whether the application knows that it is gone: then its tokens are bad. */
  get former(): { readonly kid: string; readonly isGone: boolean } | undefined {
    if (this.turned.takenUp === 0 || this.stage === 'new key') return undefined;
    return { kid: this.old, isGone: this.stage === 'steady' };
  }

  private enter(stage: Keys['stage']): void {
    this.stage = stage;
    this.since = Date.now();
  }
}
