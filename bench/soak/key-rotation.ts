import type { LocalClerk } from 'nest-clerk/testing';

/** From the end of an old key to the next rotation. */
const PAUSE_MS = 20_000;

/**
 * Rotates Clerk's signing keys. Only the responses show which keys the application has fetched: once it has accepted a token
 * signed with the new key, the old key is retired; once it has denied a token signed with the old key, it must never accept
 * one again.
 */
export class KeyRotation {
  /** How many new keys the application has started to accept, and how many old ones it has stopped accepting. */
  readonly counts = { adopted: 0, dropped: 0 };
  private stage: 'steady' | 'new key' | 'old key gone' = 'steady';
  private since = Date.now();
  private old = '';

  constructor(private readonly clerk: LocalClerk) {}

  /** Starts a rotation by making a new key current. */
  rotate(): void {
    this.old = this.clerk.keyId;
    this.clerk.rotateKey();
    this.enter('new key');
  }

  /** Starts the next rotation some time after the last one. */
  step(): void {
    if (this.stage === 'steady' && this.counts.dropped > 0 && Date.now() > this.since + PAUSE_MS) this.rotate();
  }

  /** Called with the response to a token signed with the newest key. */
  onNewKeyAnswer(kid: string, answer: string): void {
    if (this.stage !== 'new key' || kid !== this.clerk.keyId || !answer.startsWith('200 ')) return;
    this.counts.adopted += 1;
    this.clerk.retireKey(this.old);
    this.enter('old key gone');
  }

  /** Called with the response to a token signed with the former key. */
  onOldKeyAnswer(kid: string, answer: string): void {
    if (this.stage !== 'old key gone' || kid !== this.old || !answer.startsWith('401 ')) return;
    this.counts.dropped += 1;
    this.enter('steady');
  }

  /** The option that signs a token with a key that the application is certain to know. */
  get knownKey(): { key?: 'rotated' } {
    return this.stage === 'new key' ? { key: 'rotated' } : {};
  }

  get knownKeyId(): string {
    return this.stage === 'new key' ? this.old : this.clerk.keyId;
  }

  /** The options that forge a token: the `kid` of a known key, and the signature of another one. */
  forgedWith(key: LocalClerk): { key: LocalClerk; header: { kid: string } } {
    return { key, header: { kid: this.knownKeyId } };
  }

  /** Whether tokens signed with this key are still valid. */
  isPublished(kid: string): boolean {
    return kid === this.knownKeyId;
  }

  /** When the new key became current that the application may not know yet, in milliseconds since 1970. */
  get newKeySince(): number {
    return this.stage === 'new key' ? this.since : Infinity;
  }

  /** The former key, and whether the application knows that it is retired. From then on its tokens are invalid. */
  get formerKey(): { readonly kid: string; readonly isGone: boolean } | undefined {
    if (this.counts.adopted === 0 || this.stage === 'new key') return undefined;
    return { kid: this.old, isGone: this.stage === 'steady' };
  }

  private enter(stage: KeyRotation['stage']): void {
    this.stage = stage;
    this.since = Date.now();
  }
}
