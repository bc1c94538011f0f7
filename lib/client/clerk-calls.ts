import { setTimeout as pass } from 'node:timers/promises';

import { ClerkUnavailableError, type RetryTimes } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';

/** Before the first retry; doubled before each further one. */
const PAUSE_MS = 100;
/** How long a call that hangs takes up its place: so long after an outage there may be none. */
const SLOT_MS = 30_000;

/**
 * What a call is for: what a caller needs who was verified lately (`known`), an opaque token that was not (`stranger`), or
 * what a browser sends to be exchanged for a session (`browser`). The latter two anybody can send, so they never get all
 * the places.
 */
export type Purpose = 'known' | 'stranger' | 'browser';
/** Which part of the places each of the two may take. */
const PURPOSE_SHARE = 1 / 3;

/**
 * How the Backend API of one Clerk instance is called: for how long, how often, and by how many at once. Clerk's client
 * has no bounds of its own, and cannot be aborted.
 */
export class ClerkCalls {
  private readonly pending: Record<Purpose, number> = { known: 0, stranger: 0, browser: 0 };
  /** Whether the latest call that could have been repeated failed for good. */
  private isDown = false;

  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'timeoutInMs' | 'maxRetries' | 'maxPendingCalls'>,
    // Stryker disable next-line ObjectLiteral,BooleanLiteral: only a process that ends meanwhile would show it.
    private readonly pause: (ms: number) => Promise<unknown> = (ms) => pass(ms, undefined, { ref: false }),
    private readonly slotInMs = SLOT_MS,
  ) {}

  /**
   * Waits for `work`, but no longer than this; what comes too late is dropped.
   * @throws ClerkUnavailableError when the time is over.
   */
  async withTimeout<T>(work: Promise<T>, timeoutInMs = this.options.timeoutInMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const giveUp = () => reject(new ClerkUnavailableError(`Clerk did not answer within ${timeoutInMs} ms`));
      timer = setTimeout(giveUp, timeoutInMs).unref();
    });
    try {
      return await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Asks, and asks again where Clerk could not be asked; only what may be asked twice. A Clerk that is down is asked once:
   * retries are for a call that failed, and would double the load on a Clerk that fails.
   */
  async withRetry<T>(ask: () => Promise<T>, timeoutInMs = this.options.timeoutInMs): Promise<T> {
    const end = performance.now() + timeoutInMs;
    const retries = this.isDown ? 0 : this.options.maxRetries;
    for (let retry = 0; ; retry++) {
      try {
        const answer = await ask();
        this.isDown = false;
        return answer;
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
   * One call to Clerk. It takes up its place until Clerk answers, for a while also when nobody waits for that any more:
   * calls that hang would heap up otherwise.
   * @throws ClerkUnavailableError where there is no place.
   */
  async withConcurrencyLimit<T>(call: () => Promise<T>, purpose: Purpose = 'known'): Promise<T> {
    const { pending } = this;
    if (!this.hasCapacity(purpose)) {
      const others = pending.known + pending.stranger + pending.browser;
      const message = `Clerk has not answered ${others} calls yet, and is asked no more`;
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
    const { known, stranger, browser } = this.pending;
    const { maxPendingCalls } = this.options;
    if (known + stranger + browser >= maxPendingCalls) return false;
    return purpose === 'known' || this.pending[purpose] < Math.ceil(maxPendingCalls * PURPOSE_SHARE);
  }
}

/** Not the same for all, lest those who failed together come back together. */
function delayBeforeRetry(retry: number, error: unknown): number {
  if (!(error instanceof ClerkUnavailableError)) return Infinity;
  return (error.retryInMs ?? 0) + PAUSE_MS * 2 ** retry * (0.5 + Math.random());
}

/** Clerk counts calls in windows of ten seconds: the next one is open by then. @see https://clerk.com/docs/guides/how-clerk-works/system-limits */
const RATE_LIMIT_WINDOW_S = 10;
/** An hour, in seconds: what is longer is more likely wrong than meant. */
const MAX_RETRY_AFTER_S = 3_600;

/**
 * When to ask again after a status by which nothing can be told. What Clerk refuses (4xx) it will refuse again, unless it
 * says when it will not.
 * @param retryAfter Its `Retry-After`, in seconds; what cannot be one counts as none.
 */
export function retryTimes(status: number | undefined, retryAfter: number | undefined): RetryTimes {
  if (retryAfter !== undefined && Number.isInteger(retryAfter) && retryAfter >= 0) {
    const seconds = Math.min(retryAfter, MAX_RETRY_AFTER_S);
    return { retryInMs: seconds * 1000, retryAfterInSeconds: Math.max(seconds, 1) };
  }
  if (status === 429) return { retryInMs: Infinity, retryAfterInSeconds: RATE_LIMIT_WINDOW_S };
  return { retryInMs: status !== undefined && status >= 300 && status < 500 ? Infinity : undefined };
}
