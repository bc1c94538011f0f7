import { isDown, type ClerkState } from './faults.js';

/** The allowed answers: a status, followed by the identity of the caller or by the code of the denial. */
export interface AllowedAnswers {
  readonly healthy: readonly string[];
  /** While Clerk is down. @default as when it is healthy */
  readonly down?: readonly string[];
  /** Whether the answer depends on a call to Clerk, whose result the application may cache. */
  readonly cached?: boolean;
  /** How long a denial may be repeated without a call to Clerk, in milliseconds. */
  readonly repeatedFor?: number;
}

/** The allowed answers to a request, which may change at some time, such as when its token expires. */
export interface Expectation extends AllowedAnswers {
  /** Called when the answer has arrived, since some changes are not known when the request is sent. */
  readonly change?: () => AllowedAnswers & { readonly at: number };
}

interface SentRequest {
  readonly credential: object | undefined;
  readonly at: number;
}

/** The application caches a result shortly after Clerk has sent it. */
const GRACE_MS = 500;

/**
 * Decides whether an answer is right. A request that is in flight during a change may get the answer from before or after
 * it. The same applies to a request that is sent while another one with the same credential is in flight, since both may
 * share one call to Clerk. Nothing else is tolerated.
 */
export class Oracle {
  private readonly past: { readonly state: ClerkState; readonly since: number }[] = [];
  private readonly inFlight = new Set<SentRequest>();

  /** How many answers would have been wrong, but Clerk did not respond in time. */
  tolerated = 0;

  /**
   * @param timeoutInMs How long the application waits for Clerk.
   * @param cacheTtlInMs How long the application caches opaque tokens.
   */
  constructor(
    private readonly timeoutInMs: number,
    private readonly cacheTtlInMs: number,
  ) {}

  change(state: ClerkState): void {
    this.past.push({ state, since: Date.now() });
  }

  get state(): ClerkState {
    return (this.past.at(-1) as (typeof this.past)[number]).state;
  }

  /**
   * Call it when a request is sent.
   * @param credential Identifies requests with the same credential.
   * @returns a function to call with the answer. It returns the allowed answers if the answer is wrong.
   */
  send(expectation: Expectation, credential?: object): (answer: string) => readonly string[] | undefined {
    const sent = { credential, at: Date.now() };
    const shared = [...this.inFlight].filter((other) => credential && other.credential === credential);
    const from = Math.min(sent.at, ...shared.map(({ at }) => at));
    this.inFlight.add(sent);
    return (answer) => {
      this.inFlight.delete(sent);
      const now = Date.now();
      const allowed = this.allowed(expectation, from, now);
      if (allowed.includes(answer)) return undefined;
      // On a busy machine, a healthy Clerk may be too slow.
      const wasTooSlow = now - from >= this.timeoutInMs && expectation.down?.includes(answer);
      if (!wasTooSlow) return allowed;
      this.tolerated += 1;
      return undefined;
    };
  }

  private allowed({ change, ...expected }: Expectation, from: number, to: number): readonly string[] {
    const changed = change?.();
    const before = !changed || from < changed.at + this.cacheTimeOf(changed) ? this.within(expected, from, to) : [];
    const after = changed && to >= changed.at ? this.within(changed, from, to) : [];
    return [...new Set([...before, ...after])];
  }

  private within(expected: AllowedAnswers, from: number, to: number): string[] {
    const { healthy, down = healthy, repeatedFor = 0 } = expected;
    const cacheTime = Math.max(this.cacheTimeOf(expected), repeatedFor > 0 ? repeatedFor + GRACE_MS : 0);
    return this.past.flatMap(({ state, since }, index) => {
      const until = this.past[index + 1]?.since ?? Infinity;
      if (until < from || since > to) return [];
      if (!isDown(state)) return healthy;
      return from < since + cacheTime ? [...down, ...healthy] : down;
    });
  }

  /** How long an answer may come from the cache, in milliseconds. */
  private cacheTimeOf({ cached }: AllowedAnswers): number {
    return cached && this.cacheTtlInMs > 0 ? this.cacheTtlInMs + GRACE_MS : 0;
  }
}
