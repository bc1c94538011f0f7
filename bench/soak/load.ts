import { Agent } from 'node:http';

import type { Cast } from './cast.js';
import { isDown } from './faults.js';
import type { Oracle } from './oracle.js';
import { Random } from './random.js';
import { send } from './request.js';
import { KINDS, type Errand } from './traffic.js';

/** A wrong answer, and how to find the request again. */
export interface Wrong {
  readonly kind: string;
  /** With the seed it says what was sent. */
  readonly index: number;
  readonly path: string;
  readonly weather: string;
  /** In milliseconds since the load began. */
  readonly at: number;
  readonly expected: readonly string[];
  readonly got: string;
}

const WORKERS = 12;
/** How many of them may wait for Clerk at the same time. */
const WAITING = 6;
/** Wrong answers of each kind that are kept; all are counted. */
const KEPT = 3;

/** Sends one request after the other, several at a time, and holds each answer against the oracle. */
export class Load {
  readonly counts = { requests: 0, duringFaults: 0, wrong: 0, wronglyLetIn: 0, failed: 0 };
  /** How often each kind was answered how; whom an answer names is left out. */
  readonly answers: Record<string, Record<string, number>> = {};
  readonly wrong: Wrong[] = [];
  private readonly agent = new Agent({ keepAlive: true, scheduling: 'fifo' });
  private readonly began = Date.now();
  private index = 0;
  private waiting = 0;
  private over = false;
  private readonly workers: Promise<unknown>[] = [];

  constructor(
    private readonly port: number,
    private readonly seed: number,
    private readonly cast: Cast,
    private readonly oracle: Oracle,
  ) {}

  start(): void {
    this.workers.push(...Array.from({ length: WORKERS }, () => this.work()));
  }

  /** Waits for what is in flight. */
  async stop(): Promise<void> {
    this.over = true;
    await Promise.all(this.workers);
    this.agent.destroy();
  }

  private async work(): Promise<void> {
    while (!this.over) {
      const index = this.index++;
      const random = new Random(this.seed, index);
      const kind = random.weighted(KINDS);
      if (kind.asksClerk && this.waiting >= WAITING) continue;
      if (kind.asksClerk) this.waiting += 1;
      const errand = await kind.make(this.cast, random);
      if (errand) await this.run(kind.name, index, errand);
      if (kind.asksClerk) this.waiting -= 1;
    }
  }

  /** Sends one request, and judges the answer. */
  private async run(kind: string, index: number, { expected, credential, heard, ...request }: Errand): Promise<void> {
    const { weather } = this.oracle;
    const judge = this.oracle.send(expected, credential);
    const got = await send(this.agent, this.port, request);
    heard?.(got);
    const allowed = judge(got);
    this.count(kind, got, isDown(weather));
    if (!allowed) return;
    const { counts } = this;
    counts.wrong += 1;
    if (/^2\d\d /.test(got)) counts.wronglyLetIn += 1;
    if (!/^[1-4]\d\d /.test(got)) counts.failed += 1;
    const at = Date.now() - this.began;
    const wrong = { kind, index, path: request.path, weather: weather.name, at, expected: allowed, got };
    if (this.wrong.filter((other) => other.kind === kind).length < KEPT) this.wrong.push(wrong);
  }

  private count(kind: string, got: string, duringFault: boolean): void {
    this.counts.requests += 1;
    if (duringFault) this.counts.duringFaults += 1;
    const answers = (this.answers[kind] ??= {});
    const answer = got.replace(/ (?:user|mch|org)_.*/, ' the caller');
    answers[answer] = (answers[answer] ?? 0) + 1;
  }
}
