import { count, milliseconds } from '../option-checks.js';
import { option } from '../option-row.js';

/** The bounds on calls to Clerk's Backend API, and what works without it. */
export const RESILIENCE_OPTIONS = {
  /**
   * The longest a request waits for Clerk, in milliseconds. After that it gets 503.
   * @default 5000
   */
  timeoutInMs: option({ scope: 'request', default: 5_000, check: milliseconds(1) }),

  /**
   * How many times a failed call to Clerk is retried, within `timeoutInMs` and after a short pause: when the connection
   * fails, after a 5xx, and after a 429 whose `Retry-After` leaves time. Applies to keys, opaque machine tokens and
   * `@CurrentUser()`. After a call has failed despite its retries, calls are not retried until one succeeds.
   * @default 1
   */
  maxRetries: option({ scope: 'request', default: 1, check: count(0, 10) }),

  /**
   * How many calls to Clerk's Backend API may be pending at once. Requests that need one beyond that get 503; callers
   * who are known without a call to Clerk are not affected. A call that hangs counts for half a minute, although no
   * request waits longer than `timeoutInMs`.
   *
   * Two kinds of calls get at most a third of it each, rounded up: opaque tokens that Clerk has not verified lately, and
   * handshakes and refreshes of browsers. So neither blocks callers whose opaque tokens were verified before (one call
   * each), nor `@CurrentUser()`. Below 3, nothing is left for those.
   *
   * Opaque tokens that Clerk cannot have issued cost no call. Those that Clerk has just rejected cost none for five
   * seconds, so a key that is created after it was tried is denied that long. Accepted ones are only cached with
   * `verificationCache.machineTokens.ttl`.
   * @default 250
   */
  maxPendingCalls: option({ scope: 'request', default: 250, check: count(1, 1_000_000) }),

  /**
   * How long known keys keep working while Clerk is down, in milliseconds after their five minutes. Tokens with unknown
   * keys get 503 meanwhile.
   * @default 3600000
   */
  staleKeysInMs: option({ scope: 'request', default: 3_600_000, check: milliseconds(0) }),
};
