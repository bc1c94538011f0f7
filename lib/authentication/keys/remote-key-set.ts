import type { KeyObject } from 'node:crypto';

import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { KeySet } from './key-set.js';
import {
  createKeyFetcher,
  type PublishedKey,
  type PublishedKeys,
  type PublishedKeysOptions,
} from './published-keys.js';

/** Clerk rotates keys rarely, but a removed key must stop working in time. */
const MAX_KEY_AGE_MS = 5 * 60_000;
/**
 * From this age on, keys are refreshed in the background: no request waits, and an outage is noticed before the keys
 * are too old.
 */
const REFRESH_AGE_MS = 4 * 60_000;
/** Requests with unknown `kid`s cause at most one fetch per cooldown. */
const COOLDOWN_MS = 30_000;
/**
 * While fetches fail, at most `FAILURES_AT_ONCE` are made within `FAILURES_AT_ONCE * RETRY_AFTER_MS`, so that a flood
 * of requests does not overload Clerk.
 */
const FAILURES_AT_ONCE = 10;
const RETRY_AFTER_MS = 3_000;
/**
 * The share of the request timeout that a fetch may take. If Clerk hangs, the rest is left to continue with cached
 * keys.
 */
const SHARE_OF_TIMEOUT = 1 / 2;

const NO_KEYS: PublishedKeys = new Map();

export interface RemoteKeySetOptions extends PublishedKeysOptions {
  readonly timeoutInMs: number;
  /** How long cached keys stay usable beyond their maximum age while Clerk is unavailable, in milliseconds. */
  readonly staleKeysInMs: number;
}

/**
 * Fetches and caches the keys that the Backend API publishes. Clerk's own fetching is not used because it retries for
 * seconds, fetches again for every unknown `kid`, and reports an outage as an invalid token.
 *
 * All times are in milliseconds since 1970. If the clock is set back, a time in the future counts as long past.
 */
export class RemoteKeySet implements KeySet {
  private keys = NO_KEYS;
  private fetchedAt = -Infinity;
  /** The failure of the latest fetch; `undefined` if it succeeded. */
  private lastFailure: { readonly at: number; readonly error: Error } | undefined;
  /** When each fetch since the last success started. */
  private attempts: number[] = [];
  private pendingFetch: Promise<void> | undefined;
  private readonly timeoutInMs: number;
  private readonly fetchPublishedKeys: () => Promise<PublishedKeys>;

  constructor(
    private readonly options: RemoteKeySetOptions,
    private readonly calls: ClerkCalls,
    fetch: typeof globalThis.fetch = globalThis.fetch,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.timeoutInMs = Math.ceil(options.timeoutInMs * SHARE_OF_TIMEOUT);
    this.fetchPublishedKeys = createKeyFetcher(options, this.timeoutInMs, fetch);
  }

  async find(kid: string | null): Promise<string | null> {
    if (kid === null || this.isUnknown(kid)) return null;
    const known = () => this.usableKeys().get(kid);
    return (known() ?? (await this.findAfterFetch(known)))?.pem ?? null;
  }

  isUnknown(kid: string | null): boolean {
    return kid === null || (!this.usableKeys().has(kid) && this.age() < COOLDOWN_MS);
  }

  getCached(kid: string | null): KeyObject | null {
    return kid === null ? null : (this.usableKeys().get(kid)?.key ?? null);
  }

  async current(): Promise<string> {
    const first = () => this.usableKeys().values().next().value;
    const key = first() ?? (await this.findAfterFetch(first));
    // A successful fetch returns at least one key.
    return (key as PublishedKey).pem;
  }

  freshUntil(): number {
    const expiresAt = this.now() - this.age() + MAX_KEY_AGE_MS;
    // During an outage, results of stale keys are verified again as often as a fetch is attempted.
    return this.lastFailure && this.isOutage ? Math.max(expiresAt, this.lastFailure.at + RETRY_AFTER_MS) : expiresAt;
  }

  /** The cached keys, if they are not too old. Never waits for a fetch. */
  private usableKeys(): PublishedKeys {
    const age = this.age();
    if (age >= MAX_KEY_AGE_MS + (this.isOutage ? this.options.staleKeysInMs : 0)) return NO_KEYS;
    if (age >= REFRESH_AGE_MS) this.refreshInBackground();
    return this.keys;
  }

  /** The age of the keys. If the clock was set back, they count as just expired. */
  private age(): number {
    const now = this.now();
    if (this.fetchedAt > now) this.fetchedAt = now - MAX_KEY_AGE_MS;
    return now - this.fetchedAt;
  }

  /** Whether Clerk is unavailable. A rejected key is not an outage, so it does not extend the use of stale keys. */
  private get isOutage(): boolean {
    return this.lastFailure?.error instanceof ClerkUnavailableError;
  }

  /** Looks a key up after a fetch. A failed fetch only matters if nothing is found. */
  private async findAfterFetch<T>(find: () => T | undefined): Promise<T | undefined> {
    try {
      await this.fetch();
    } catch (error) {
      const stale = find();
      if (stale === undefined) throw error;
      return stale;
    }
    return find();
  }

  /** Fetches keys without waiting. After a failure, tries again every `RETRY_AFTER_MS` at most. */
  private refreshInBackground(): void {
    if (this.lastFailure && this.isWithin(RETRY_AFTER_MS, this.lastFailure.at)) return;
    this.fetch().catch(() => undefined);
  }

  /** Fetches the keys. Concurrent callers share one fetch, including its retries. */
  private fetch(): Promise<void> {
    return (this.pendingFetch ??= this.load().finally(() => (this.pendingFetch = undefined)));
  }

  private async load(): Promise<void> {
    const { calls, timeoutInMs } = this;
    const attempt = async () => {
      this.recordAttempt();
      return this.fetchPublishedKeys();
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

  /**
   * Records the start of a fetch.
   * @throws ClerkUnavailableError or ClerkKeyRejectedError, like the last fetch, if too many fetches failed recently.
   */
  private recordAttempt(): void {
    this.attempts = this.attempts.filter((startedAt) => this.isWithin(FAILURES_AT_ONCE * RETRY_AFTER_MS, startedAt));
    if (this.attempts.length >= FAILURES_AT_ONCE) {
      const error = this.lastFailure?.error;
      if (error instanceof ClerkKeyRejectedError) throw error;
      const retryAfterInSeconds = error instanceof ClerkUnavailableError ? error.retryAfterInSeconds : undefined;
      const details = { cause: error?.cause, retryInMs: Infinity, retryAfterInSeconds };
      throw new ClerkUnavailableError("Fetching Clerk's keys failed recently; backing off", details);
    }
    this.attempts.push(this.now());
  }

  private isWithin(ms: number, since: number): boolean {
    const elapsed = this.now() - since;
    return elapsed >= 0 && elapsed < ms;
  }
}
