import type { ClerkClient, User } from '@clerk/backend';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { Denial } from '../../errors/denial.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { ExpiringCache, isValidAt, type ValidityWindow } from '../cache/expiring-cache.js';
import { fetchUser } from './fetch-user.js';

/** Room for a user with full metadata; a plain one takes about a fifth of it. */
const BYTES_PER_USER = 16 * 1024;

/** For how long Clerk is left alone at most, in milliseconds, whatever it asks for. */
const MAX_HOLD_MS = 60_000;

/** A user as Clerk sent it. Each request gets an object of its own, so that none sees what another does to it. */
interface CachedUser extends ValidityWindow {
  copy(): User;
}

interface Fetched {
  readonly user: User | Denial;
  readonly cached: CachedUser | undefined;
}

/**
 * The users of one Clerk instance who call (`@CurrentUser()`), each remembered for a short while. Concurrent calls of one
 * user share one call to Clerk. Neither errors nor users who do not exist are remembered; a rate limit of Clerk is kept to.
 */
export class UserCache {
  /** `undefined` where every request asks Clerk. */
  private readonly cache: ExpiringCache<string, CachedUser> | undefined;
  private readonly maxAgeInMs: number;
  private readonly pending = new Map<string, Promise<Fetched>>();
  /** While Clerk is not asked, since it said so. */
  private hold: ValidityWindow | undefined;

  constructor(
    { currentUserCache }: Pick<ResolvedClerkOptions, 'currentUserCache'>,
    private readonly client: ClerkClient,
    private readonly calls: ClerkCalls,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.maxAgeInMs = currentUserCache ? currentUserCache.maxAgeInMs : 0;
    if (!currentUserCache) return;
    const { maxEntries } = currentUserCache;
    this.cache = new ExpiringCache({ maxEntries, maxBytes: maxEntries * BYTES_PER_USER }, now);
  }

  /** @throws ClerkUnavailableError where Clerk cannot be asked. */
  async load(userId: string): Promise<User | Denial> {
    if (!this.cache) return this.fetch(userId);
    const cached = this.cache.get(userId);
    if (cached) return cached.copy();
    const pending = this.pending.get(userId);
    if (!pending) return this.fetchForAll(userId);
    const shared = await pending;
    if (shared.cached) return shared.cached.copy();
    // A user that cannot be copied belongs to the request that loaded it.
    return 'code' in shared.user ? shared.user : this.fetch(userId);
  }

  /** Forgets everyone, and remembers nobody from now on. */
  close(): void {
    this.cache?.close();
  }

  private async fetchForAll(userId: string): Promise<User | Denial> {
    // The age counts from the question: the answer may show the user as of any moment since.
    const since = this.now();
    const pending = this.fetch(userId).then((user) => ({ user, cached: this.remember(user, since) }));
    this.pending.set(userId, pending);
    try {
      return (await pending).user;
    } finally {
      this.pending.delete(userId);
    }
  }

  private async fetch(userId: string): Promise<User | Denial> {
    const { calls, client, hold, now } = this;
    if (hold && isValidAt(hold, now())) {
      const retryAfterInSeconds = Math.ceil((hold.until - now()) / 1000);
      throw new ClerkUnavailableError('Clerk limits the rate of calls', { retryInMs: Infinity, retryAfterInSeconds });
    }
    try {
      return await calls.withTimeout(
        calls.withRetry(() => calls.withConcurrencyLimit(() => fetchUser(client, userId))),
      );
    } catch (error) {
      this.holdAfter(error);
      throw error;
    }
  }

  /** A Clerk that limits the rate would refuse everything until the time that callers are told, and count it. */
  private holdAfter(error: unknown): void {
    const { retryInMs = Infinity, retryAfterInSeconds } = error as Partial<ClerkUnavailableError>;
    if (retryAfterInSeconds === undefined) return;
    const holdInMs = retryInMs === Infinity ? retryAfterInSeconds * 1000 : retryInMs;
    const since = this.now();
    this.hold = { since, until: since + Math.min(holdInMs, MAX_HOLD_MS) };
  }

  private remember(user: User | Denial, since: number): CachedUser | undefined {
    if ('code' in user) return undefined;
    const json = jsonOf(user);
    if (json === undefined) return undefined;
    const { fromJSON } = user.constructor as unknown as ReadsJson;
    const cached = { since, until: since + this.maxAgeInMs, copy: () => fromJSON(JSON.parse(json)) };
    this.cache?.set(user.id, cached, json.length * 2);
    return cached;
  }
}

/** Clerk's class of users, which is not exported as a value. */
interface ReadsJson {
  fromJSON(json: unknown): User;
}

/** What Clerk sent; `undefined` for an object that is not of Clerk's class, such as a test's, and cannot be made anew. */
function jsonOf({ raw, constructor }: User): string | undefined {
  const { fromJSON } = constructor as Partial<ReadsJson>;
  return typeof fromJSON === 'function' && typeof raw === 'object' && raw ? JSON.stringify(raw) : undefined;
}
