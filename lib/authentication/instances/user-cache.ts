import type { User } from '@clerk/backend';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { Denied, type Outcome } from '../../errors/denial.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { GetClient } from '../../client/clerk-client.service.js';
import { ExpiringCache, isValidAt, type ValidityWindow } from '../cache/expiring-cache.js';
import { fetchUser } from './fetch-user.js';

/** The memory for a user with full metadata, in bytes; a plain user takes about a fifth of it. */
const BYTES_PER_USER = 16 * 1024;

/** The maximum backoff, in milliseconds, whatever Clerk asks for. */
const MAX_BACKOFF_MS = 60_000;

/** A user as received from Clerk. Each request gets its own copy, so requests cannot see each other's changes. */
interface CachedUser extends ValidityWindow {
  copy(): User;
}

interface Fetched {
  readonly user: Outcome<User>;
  readonly cached: CachedUser | undefined;
}

/**
 * Caches the current users (`@CurrentUser()`) of one Clerk instance for a short time. Concurrent requests for a user
 * share one call to Clerk. Errors and users that do not exist are not cached. If Clerk says when to retry (as with a
 * rate limit), no calls are made until then.
 */
export class UserCache {
  /** `undefined` if caching is disabled. */
  private readonly cache: ExpiringCache<string, CachedUser> | undefined;
  private readonly maxAgeInMs: number;
  private readonly pending = new Map<string, Promise<Fetched>>();
  /** Set while calls are paused because Clerk said when to retry. */
  private backoff: ValidityWindow | undefined;

  constructor(
    { currentUserCache }: Pick<ResolvedClerkOptions, 'currentUserCache'>,
    private readonly getClient: GetClient,
    private readonly calls: ClerkCalls,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.maxAgeInMs = currentUserCache ? currentUserCache.maxAgeInMs : 0;
    if (!currentUserCache) return;
    const { maxEntries } = currentUserCache;
    this.cache = new ExpiringCache({ maxEntries, maxBytes: maxEntries * BYTES_PER_USER }, now);
  }

  /** @throws ClerkUnavailableError if Clerk is unavailable, or if calls are paused. */
  async load(userId: string): Promise<Outcome<User>> {
    if (!this.cache) return this.fetch(userId);
    const cached = this.cache.get(userId);
    if (cached) return cached.copy();
    const pending = this.pending.get(userId);
    if (!pending) return this.fetchShared(userId);
    const shared = await pending;
    if (shared.cached) return shared.cached.copy();
    // A user that cannot be copied belongs to the request that loaded it.
    return shared.user instanceof Denied ? shared.user : this.fetch(userId);
  }

  /** Removes all users and stops caching. */
  close(): void {
    this.cache?.close();
  }

  private async fetchShared(userId: string): Promise<Outcome<User>> {
    // The age counts from the start of the call: the response may show the user as of any moment since.
    const since = this.now();
    const pending = this.fetch(userId).then((user) => ({ user, cached: this.addToCache(user, since) }));
    this.pending.set(userId, pending);
    try {
      return (await pending).user;
    } finally {
      this.pending.delete(userId);
    }
  }

  private async fetch(userId: string): Promise<Outcome<User>> {
    const { calls, backoff, now } = this;
    if (backoff && isValidAt(backoff, now())) {
      const retryAfterInSeconds = Math.ceil((backoff.until - now()) / 1000);
      throw new ClerkUnavailableError('Clerk limits the rate of calls', { retryInMs: Infinity, retryAfterInSeconds });
    }
    try {
      return await calls.withTimeout(
        calls.withRetry(() => calls.withConcurrencyLimit(() => fetchUser(this.getClient(), userId))),
      );
    } catch (error) {
      this.backOffAfter(error);
      throw error;
    }
  }

  /**
   * Pauses calls until the time that callers get in `Retry-After`: a rate-limiting Clerk would reject earlier calls and
   * still count them.
   */
  private backOffAfter(error: unknown): void {
    const { retryInMs = Infinity, retryAfterInSeconds } = error as Partial<ClerkUnavailableError>;
    if (retryAfterInSeconds === undefined) return;
    const backoffInMs = retryInMs === Infinity ? retryAfterInSeconds * 1000 : retryInMs;
    const since = this.now();
    this.backoff = { since, until: since + Math.min(backoffInMs, MAX_BACKOFF_MS) };
  }

  private addToCache(user: Outcome<User>, since: number): CachedUser | undefined {
    if (user instanceof Denied) return undefined;
    const json = jsonOf(user);
    if (json === undefined) return undefined;
    const { fromJSON } = user.constructor as unknown as ReadsJson;
    const cached = { since, until: since + this.maxAgeInMs, copy: () => fromJSON(JSON.parse(json)) };
    this.cache?.set(user.id, cached, json.length * 2);
    return cached;
  }
}

/** Clerk's `User` class, which is not exported as a value. */
interface ReadsJson {
  fromJSON(json: unknown): User;
}

/**
 * The JSON received from Clerk; `undefined` for an object that is not of Clerk's class (such as a test double) and
 * cannot be rebuilt.
 */
function jsonOf({ raw, constructor }: User): string | undefined {
  const { fromJSON } = constructor as Partial<ReadsJson>;
  return typeof fromJSON === 'function' && typeof raw === 'object' && raw ? JSON.stringify(raw) : undefined;
}
