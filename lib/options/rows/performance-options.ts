import { boolean, booleanOr, bytes, count, fields, milliseconds } from '../option-checks.js';
import { option, type ResolveContext } from '../option-row.js';

/** Limits of the verification cache. */
export interface VerificationCacheOptions {
  /**
   * The maximum number of cached credentials for each Clerk instance, up to 1000000. The least recently used are
   * evicted. The default is 1000 for each instance of `resolveOptions`.
   * @default 10000
   */
  maxEntries?: number | undefined;
  /**
   * The maximum memory of the cached credentials for each Clerk instance, in bytes. The least recently used are evicted.
   * An entry takes about a kilobyte, that of a recent caller about ten. It is an upper bound of the real size, so raise
   * it together with `maxEntries`. The default is 2097152 (2 MiB) for each instance of `resolveOptions`.
   * @default 33554432
   */
  maxBytes?: number | undefined;
  /** Opaque machine tokens, which Clerk's Backend API verifies. */
  machineTokens?:
    | {
        /**
         * How long a verified opaque machine token is cached, in milliseconds, up to 60000. A revoked or expired token
         * keeps working for that long. With 0, Clerk verifies the token for every request.
         * @default 0
         */
        ttl?: number | undefined;
      }
    | undefined;
}

/** Limits of the cache of users that `@CurrentUser()` loads. */
export interface CurrentUserCacheOptions {
  /**
   * How old a cached user may be, in milliseconds, from 1 to 60000. Bans, deletions and changed metadata show after
   * that. Sessions and tokens are still verified for every request.
   * @default 10000
   */
  maxAgeInMs?: number | undefined;
  /**
   * The maximum number of cached users for each Clerk instance, up to 100000. The least recently used are evicted. A
   * user takes a few kilobytes, and all together at most 16 KiB times this number. The default is 100 for each instance
   * of `resolveOptions`.
   * @default 1000
   */
  maxEntries?: number | undefined;
}

/** The default size of each cache. */
const DEFAULT_SIZE = { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024, maxUsers: 1_000 };
/** Smaller, since each tenant has caches of its own. */
const DEFAULT_SIZE_OF_TENANT = { maxEntries: 1_000, maxBytes: 2 * 1024 * 1024, maxUsers: 100 };

const defaultSize = ({ isTenant }: ResolveContext) => (isTenant ? DEFAULT_SIZE_OF_TENANT : DEFAULT_SIZE);

/** Shorter than the lifetime of a session token, so a cached user is never staler than the token itself. */
const USER_MAX_AGE_MS = 10_000;

/** Nothing is cached for longer than a minute. */
const A_MINUTE_MS = 60_000;
/** The cache allocates room for all entries up front. */
const MOST_ENTRIES = 1_000_000;
/** The same, and each user may take kilobytes. */
const MOST_USERS = 100_000;
/** A terabyte: more than any process has. */
const MOST_BYTES = 2 ** 40;

/** What is cached, and how it is verified. */
export const PERFORMANCE_OPTIONS = {
  /**
   * Caches verified credentials until they expire, for a minute at most. `false` verifies them for every request.
   *
   * @default true
   */
  verificationCache: option({
    scope: 'module',
    default: true,
    check: booleanOr(
      fields<VerificationCacheOptions>({
        maxEntries: count(1, MOST_ENTRIES),
        maxBytes: bytes(1, MOST_BYTES),
        machineTokens: fields<NonNullable<VerificationCacheOptions['machineTokens']>>({
          ttl: milliseconds(0, A_MINUTE_MS),
        }),
      }),
    ),
    resolve: resolveVerificationCache,
  }),

  /**
   * Caches the users that `@CurrentUser()` loads, for ten seconds or for `maxAgeInMs`. Concurrent requests of one user
   * share one call to Clerk. A ban, a deletion or changed metadata shows only after that time, including changes that
   * the application makes itself. Each request gets an object of its own. `false` loads the user for every request.
   *
   * @default true
   */
  currentUserCache: option({
    scope: 'module',
    default: true,
    check: booleanOr(
      fields<CurrentUserCacheOptions>({ maxAgeInMs: milliseconds(1, A_MINUTE_MS), maxEntries: count(1, MOST_USERS) }),
    ),
    resolve: resolveUserCache,
  }),

  /**
   * Verifies plain session tokens in the Authorization header without Clerk's SDK, with the same result. `false` has
   * everything verified by `authenticateRequest()`.
   *
   * @default true
   */
  directVerification: option({ scope: 'module', default: true, check: boolean }),
};

/** Resolved limits of the verification cache. */
interface VerificationCacheLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly machineTokens: { readonly ttl: number };
}

/** @returns `false` if nothing is cached. */
function resolveVerificationCache(
  given: boolean | VerificationCacheOptions | undefined,
  context: ResolveContext,
): false | VerificationCacheLimits {
  if (given === false) return false;
  const { maxEntries, maxBytes, machineTokens } = Object(given) as VerificationCacheOptions;
  const size = defaultSize(context);
  return {
    maxEntries: maxEntries ?? size.maxEntries,
    maxBytes: maxBytes ?? size.maxBytes,
    machineTokens: { ttl: machineTokens?.ttl ?? 0 },
  };
}

/** @returns `false` if every request loads its user. */
function resolveUserCache(
  given: boolean | CurrentUserCacheOptions | undefined,
  context: ResolveContext,
): false | { readonly maxAgeInMs: number; readonly maxEntries: number } {
  if (given === false) return false;
  const { maxAgeInMs, maxEntries } = Object(given) as CurrentUserCacheOptions;
  return { maxAgeInMs: maxAgeInMs ?? USER_MAX_AGE_MS, maxEntries: maxEntries ?? defaultSize(context).maxUsers };
}
