import { isDown, type Weather } from './faults.js';

/** What may be answered: a status, and who the caller is taken for, or why they are refused. */
export interface Expected {
  readonly well: readonly string[];
  /** While Clerk is down. @default the same */
  readonly down?: readonly string[];
  /** The answer comes from Clerk each time, unless the application remembers it. */
  readonly remembered?: boolean;
  /** A refusal, which may be repeated for so long without asking Clerk, in milliseconds. */
  readonly repeatedFor?: number;
}

/** What a request may be answered, which may change at some time: when its token expires, say. */
export interface Prophecy extends Expected {
  /** Read when the answer is there: some changes were not foreseen when the request was sent. */
  readonly change?: () => Expected & { readonly at: number };
}

interface Sending {
  readonly credential: object | undefined;
  readonly at: number;
}

/** What is remembered was verified a little after Clerk answered; in milliseconds. */
const GRACE = 500;

/**
 * Says whether an answer is right. A request in flight across a change may see either side of it; so may one that was
 * sent while another of the same credential was in flight, whose answer it may have shared. Nothing else is forgiven.
 */
export class Oracle {
  private readonly past: { readonly weather: Weather; readonly since: number }[] = [];
  private readonly inFlight = new Set<Sending>();

  /** How many answers were right only because Clerk had not answered in time. */
  forgiven = 0;

  /**
   * @param timeout How long the application waits for Clerk.
   * @param memory For how long opaque tokens are remembered. Both in milliseconds.
   */
  constructor(
    private readonly timeout: number,
    private readonly memory: number,
  ) {}

  change(weather: Weather): void {
    this.past.push({ weather, since: Date.now() });
  }

  get weather(): Weather {
    return (this.past.at(-1) as (typeof this.past)[number]).weather;
  }

  /** @param credential What equal requests have in common. @returns what to ask when the answer is there. */
  send(prophecy: Prophecy, credential?: object): (answer: string) => readonly string[] | undefined {
    const sending = { credential, at: Date.now() };
    const shared = [...this.inFlight].filter((other) => credential && other.credential === credential);
    const from = Math.min(sending.at, ...shared.map(({ at }) => at));
    this.inFlight.add(sending);
    return (answer) => {
      this.inFlight.delete(sending);
      const now = Date.now();
      const allowed = this.allowed(prophecy, from, now);
      if (allowed.includes(answer)) return undefined;
      // On a machine that is too busy a Clerk that is well is too slow.
      const wasTooSlow = now - from >= this.timeout && prophecy.down?.includes(answer);
      if (!wasTooSlow) return allowed;
      this.forgiven += 1;
      return undefined;
    };
  }

  private allowed({ change, ...expected }: Prophecy, from: number, to: number): readonly string[] {
    const changed = change?.();
    const held = !changed || from < changed.at + this.memoryOf(changed) ? this.within(expected, from, to) : [];
    const holds = changed && to >= changed.at ? this.within(changed, from, to) : [];
    return [...new Set([...held, ...holds])];
  }

  private within(expected: Expected, from: number, to: number): string[] {
    const { well, down = well, repeatedFor = 0 } = expected;
    const memory = Math.max(this.memoryOf(expected), repeatedFor > 0 ? repeatedFor + GRACE : 0);
    return this.past.flatMap(({ weather, since }, index) => {
      const until = this.past[index + 1]?.since ?? Infinity;
      if (until < from || since > to) return [];
      if (!isDown(weather)) return well;
      return from < since + memory ? [...down, ...well] : down;
    });
  }

  /** For how long an answer may be given from memory, in milliseconds. */
  private memoryOf({ remembered }: Expected): number {
    return remembered && this.memory > 0 ? this.memory + GRACE : 0;
  }
}
