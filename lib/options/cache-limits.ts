import type { ClerkModuleOptions } from './clerk-options.js';
import type { CurrentUserCacheOptions, VerificationCacheOptions } from './option-types.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/** The default size of each cache. */
export interface CacheLimits {
  readonly verification: { readonly maxEntries: number; readonly maxBytes: number };
  readonly users: { readonly maxEntries: number };
}

export const CACHE_LIMITS: CacheLimits = {
  verification: { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 },
  users: { maxEntries: 1_000 },
};

/** Smaller, since each tenant has caches of its own. */
export const TENANT_CACHE_LIMITS: CacheLimits = {
  verification: { maxEntries: 1_000, maxBytes: 2 * 1024 * 1024 },
  users: { maxEntries: 100 },
};

/** Shorter than the lifetime of a session token, so a cached user is never staler than the token itself. */
const USER_MAX_AGE_MS = 10_000;

export function toVerificationCache(
  given: ClerkModuleOptions['verificationCache'],
  { verification: limits }: CacheLimits,
): ResolvedClerkOptions['verificationCache'] {
  if (given === false) return false;
  const { maxEntries, maxBytes, machineTokens } = Object(given) as VerificationCacheOptions;
  return {
    maxEntries: maxEntries ?? limits.maxEntries,
    maxBytes: maxBytes ?? limits.maxBytes,
    machineTokens: { ttl: machineTokens?.ttl ?? 0 },
  };
}

export function toUserCache(
  given: ClerkModuleOptions['currentUserCache'],
  { users: limits }: CacheLimits,
): ResolvedClerkOptions['currentUserCache'] {
  if (given === false) return false;
  const { maxAgeInMs, maxEntries } = Object(given) as CurrentUserCacheOptions;
  return { maxAgeInMs: maxAgeInMs ?? USER_MAX_AGE_MS, maxEntries: maxEntries ?? limits.maxEntries };
}
