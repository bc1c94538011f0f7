import { setTimeout as sleep } from 'node:timers/promises';

import { ClerkUnavailableError, type RetryTimes } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/** The delay before the first retry, in milliseconds. It doubles with each further retry. */
const FIRST_RETRY_DELAY_MS = 100;
/**
 * How long a hanging call occupies a slot, in milliseconds. After an outage, it may take this long until slots are
 * free.
 */
const MAX_SLOT_MS = 30_000;

/**
 * The purpose of a call: for a recently verified caller (`known`), for an opaque token that is not verified yet
 * (`unverified`), or for credentials that a browser exchanges for a session (`browser`). Anyone can cause calls of the
 * last two kinds, so each of them gets only a share of the slots.
 */
export type Purpose = 'known' | 'unverified' | 'browser';
/** The share of the slots that `unverified` and `browser` calls may each take. */
const PURPOSE_SHARE = 1 / 3;

/**
 * Limits calls to the Backend API of one Clerk instance: their timeout, retries and concurrency. Clerk's client has no
 * limits of its own, and its calls cannot be aborted.
 */
export class ClerkCalls {
  private readonly pending: Record<Purpose, number> = { known: 0, unverified: 0, browser: 0 };
  /** Whether the latest call with retries failed because Clerk was unavailable. */
  private isDown = false;

  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'timeoutInMs' | 'maxRetries' | 'maxPendingCalls'>,
    // `ref: false`, so that a pending retry does not keep the process alive.
    private readonly pause: (ms: number) => Promise<unknown> = (ms) => sleep(ms, undefined, { ref: false }),
    private readonly slotInMs = MAX_SLOT_MS,
  ) {}

  /**
   * Waits for `work` until the timeout. A later result is dropped.
   * @throws ClerkUnavailableError on timeout.
   */
  async withTimeout<T>(work: Promise<T>, timeoutInMs = this.options.timeoutInMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const onTimeout = () => reject(new ClerkUnavailableError(`Clerk did not answer within ${timeoutInMs} ms`));
      timer = setTimeout(onTimeout, timeoutInMs).unref();
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Retries a call while Clerk is unavailable. Use it only for idempotent calls. After a call has failed for good, the
   * next calls are made once until one succeeds: retries would multiply the load on a failing service.
   */
  async withRetry<T>(call: () => Promise<T>, timeoutInMs = this.options.timeoutInMs): Promise<T> {
    const end = performance.now() + timeoutInMs;
    const retries = this.isDown ? 0 : this.options.maxRetries;
    for (let retry = 0; ; retry++) {
      try {
        const result = await call();
        this.isDown = false;
        return result;
      } catch (error) {
        const pause = delayBeforeRetry(retry, error);
        if (retry >= retries || performance.now() + pause >= end) {
          this.isDown ||= error instanceof ClerkUnavailableError;
          throw error;
        }
        await this.pause(pause);
      }
    }
  }

  /**
   * Makes one call to Clerk within the concurrency limit. The call occupies a slot until Clerk responds, for a while
   * even if its caller has stopped waiting; otherwise hanging calls would pile up.
   * @throws ClerkUnavailableError if there is no free slot, or the call hangs too long.
   */
  async withConcurrencyLimit<T>(call: () => Promise<T>, purpose: Purpose = 'known'): Promise<T> {
    const { pending } = this;
    if (!this.hasCapacity(purpose)) {
      const total = pending.known + pending.unverified + pending.browser;
      const message = `Clerk has not answered ${total} calls yet, so no further calls are made`;
      throw new ClerkUnavailableError(message, { retryInMs: Infinity });
    }
    pending[purpose]++;
    try {
      return await this.withTimeout(call(), Math.max(this.options.timeoutInMs, this.slotInMs));
    } finally {
      pending[purpose]--;
    }
  }

  private hasCapacity(purpose: Purpose): boolean {
    const { known, unverified, browser } = this.pending;
    const { maxPendingCalls } = this.options;
    if (known + unverified + browser >= maxPendingCalls) return false;
    return purpose === 'known' || this.pending[purpose] < Math.ceil(maxPendingCalls * PURPOSE_SHARE);
  }
}

/** The delay has random jitter, so that calls that failed together are not retried together. */
function delayBeforeRetry(retry: number, error: unknown): number {
  if (!(error instanceof ClerkUnavailableError)) return Infinity;
  return (error.retryInMs ?? 0) + FIRST_RETRY_DELAY_MS * 2 ** retry * (0.5 + Math.random());
}

/**
 * Clerk counts calls in windows of ten seconds, so the next window has started by then.
 * @see https://clerk.com/docs/guides/how-clerk-works/system-limits
 */
const RATE_LIMIT_WINDOW_S = 10;
/** One hour, in seconds. A longer `Retry-After` is more likely an error than intended. */
const MAX_RETRY_AFTER_S = 3_600;

/**
 * When to retry after an inconclusive status. A 3xx or 4xx status is not retried unless `Retry-After` says when.
 * @param retryAfter The `Retry-After` of the response, in seconds. Invalid values are ignored.
 */
export function retryTimes(status: number | undefined, retryAfter: number | undefined): RetryTimes {
  if (retryAfter !== undefined && Number.isInteger(retryAfter) && retryAfter >= 0) {
    const seconds = Math.min(retryAfter, MAX_RETRY_AFTER_S);
    return { retryInMs: seconds * 1000, retryAfterInSeconds: Math.max(seconds, 1) };
  }
  if (status === 429) return { retryInMs: Infinity, retryAfterInSeconds: RATE_LIMIT_WINDOW_S };
  return { retryInMs: status !== undefined && status >= 300 && status < 500 ? Infinity : undefined };
}
