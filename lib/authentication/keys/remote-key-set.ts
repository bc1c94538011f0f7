import type { KeyObject } from 'node:crypto';

import { ClerkKeyRefusedError, ClerkUnavailableError, retryAfterOf } from '../../errors/clerk.errors.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { KeySet } from './key-set.js';
import { keyFetcher, type PublishedKey, type PublishedKeys, type PublishedKeysOptions } from './published-keys.js';

/** Clerk rotates keys rarely; a removed one must die all the same. */
const MAX_KEY_AGE_MS = 5 * 60_000;
/** From this age on they are fetched anew by the way: nobody waits, and a Clerk that is down is noticed in time. */
const REFRESH_AGE_MS = 4 * 60_000;
/** A flood of unknown `kid`s causes at most one fetch in this time. */
const COOLDOWN_MS = 30_000;
/** While fetches fail: no more than so many in the time that many pauses take. A flood must not keep Clerk down. */
const FAILURES_AT_ONCE = 10;
const RETRY_AFTER_MS = 3_000;
/** How much of a request's time a fetch may take: where Clerk hangs, some has to be left to go on with known keys. */
const SHARE_OF_TIMEOUT = 1 / 2;

const NO_KEYS: PublishedKeys = new Map();

export interface RemoteKeySetOptions extends PublishedKeysOptions {
  readonly timeoutInMs: number;
  /** How long known keys outlive their age while no new ones can be fetched. */
  readonly staleKeysInMs: number;
}

/**
 * The keys as the Backend API publishes them. Clerk's own fetching is not used because it retries for seconds, fetches
 * anew for every unknown `kid`, and reports an outage as a bad token.
 *
 * All times are in milliseconds since 1970. A clock may be set back: what then lies in the future counts as long past.
 */
export class RemoteKeySet implements KeySet {
  private keys = NO_KEYS;
  private fetchedAt = -Infinity;
  /** How the latest fetch failed; none while Clerk is well. */
  private lastFailure: { readonly at: number; readonly error: Error } | undefined;
  /** When each of the latest fetches began that did not succeed. */
  private attempts: number[] = [];
  private pendingFetch: Promise<void> | undefined;
  private readonly timeoutInMs: number;
  private readonly request: () => Promise<PublishedKeys>;

  constructor(
    private readonly options: RemoteKeySetOptions,
    private readonly calls: ClerkCalls,
    fetch: typeof globalThis.fetch = globalThis.fetch,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.timeoutInMs = Math.ceil(options.timeoutInMs * SHARE_OF_TIMEOUT);
    this.request = keyFetcher(options, this.timeoutInMs, fetch);
  }

  async find(kid: string | null): Promise<string | null> {
    if (kid === null) return null;
    const known = () => this.usableKeys().get(kid);
    if (!known() && this.age() < COOLDOWN_MS) return null;
    return (known() ?? (await this.findAfterFetch(known)))?.pem ?? null;
  }

  getCached(kid: string): KeyObject | null {
    return this.usableKeys().get(kid)?.key ?? null;
  }

  async current(): Promise<string> {
    const first = () => this.usableKeys().values().next().value;
    const key = first() ?? (await this.findAfterFetch(first));
    return (key as PublishedKey).pem;
  }

  freshUntil(): number {
    const aged = this.now() - this.age() + MAX_KEY_AGE_MS;
    // While Clerk is down, what outlived keys verified is looked at anew as often as a fetch is tried.
    return this.lastFailure && this.isOutage ? Math.max(aged, this.lastFailure.at + RETRY_AFTER_MS) : aged;
  }

  /** The keys that may be relied on without any fetching; none where they are too old. */
  private usableKeys(): PublishedKeys {
    const age = this.age();
    if (age >= MAX_KEY_AGE_MS + (this.isOutage ? this.options.staleKeysInMs : 0)) return NO_KEYS;
    if (age >= REFRESH_AGE_MS) this.refreshInBackground();
    return this.keys;
  }

  /** How old the keys are; of a clock that was set back since, they have just become too old. */
  private age(): number {
    const now = this.now();
    if (this.fetchedAt > now) this.fetchedAt = now - MAX_KEY_AGE_MS;
    return now - this.fetchedAt;
  }

  /** Whether Clerk is down. Where our own key is refused, that is no outage to be bridged. */
  private get isOutage(): boolean {
    return this.lastFailure?.error instanceof ClerkUnavailableError;
  }

  /** What is found after a fetch; one that fails only matters where nothing is found. */
  private async findAfterFetch<T>(find: () => T | undefined): Promise<T | undefined> {
    try {
      await this.fetch();
    } catch (error) {
      const outlived = find();
      if (outlived === undefined) throw error;
      return outlived;
    }
    return find();
  }

  /** Goes on with the keys that are known, and tries again by and by to reach a Clerk that was down. */
  private refreshInBackground(): void {
    if (this.lastFailure && this.isWithin(RETRY_AFTER_MS, this.lastFailure.at)) return;
    this.fetch().catch(() => undefined);
  }

  /** Everybody who waits for the keys shares one fetch, retries included. */
  private fetch(): Promise<void> {
    return (this.pendingFetch ??= this.load().finally(() => (this.pendingFetch = undefined)));
  }

  private async load(): Promise<void> {
    const { calls, timeoutInMs } = this;
    const attempt = async () => {
      this.recordAttempt();
      return this.request();
    };
    try {
      this.keys = await calls.withTimeout(calls.withRetry(attempt, timeoutInMs), timeoutInMs);
      this.fetchedAt = this.now();
      this.attempts = [];
      this.lastFailure = undefined;
    } catch (error) {
      this.lastFailure = { at: this.now(), error: error as Error };
      throw error;
    }
  }

  /** @throws what the last fetch failed with, where too many have failed lately to try another one now. */
  private recordAttempt(): void {
    this.attempts = this.attempts.filter((began) => this.isWithin(FAILURES_AT_ONCE * RETRY_AFTER_MS, began));
    if (this.attempts.length >= FAILURES_AT_ONCE) {
      const error = this.lastFailure?.error;
      if (error instanceof ClerkKeyRefusedError) throw error;
      const why = { cause: error?.cause, retryInMs: Infinity, ...retryAfterOf(error) };
      throw new ClerkUnavailableError('Clerk did not give its keys a moment ago', why);
    }
    this.attempts.push(this.now());
  }

  private isWithin(ms: number, since: number): boolean {
    const passed = this.now() - since;
    return passed >= 0 && passed < ms;
  }
}
