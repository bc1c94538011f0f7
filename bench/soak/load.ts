import { Agent } from 'node:http';

import type { Callers } from './callers.js';
import { isDown } from './faults.js';
import type { Oracle } from './oracle.js';
import { Random } from './random.js';
import { send } from './request.js';
import { KINDS, type PlannedRequest } from './traffic.js';

/** A wrong answer, with what is needed to repeat the request. */
export interface WrongAnswer {
  readonly kind: string;
  /** Seed and index determine the request. */
  readonly index: number;
  readonly path: string;
  readonly state: string;
  /** In milliseconds since the start of the load. */
  readonly at: number;
  readonly expected: readonly string[];
  readonly got: string;
}

const WORKERS = 12;
/** How many of them may wait for Clerk at the same time. */
const MAX_WAITING = 6;
/** How many wrong answers of each kind are stored; all are counted. */
const MAX_STORED = 3;

/** Sends requests with a fixed concurrency, and asks the oracle whether each answer is right. */
export class Load {
  readonly counts = { requests: 0, duringFaults: 0, wrong: 0, wronglyGranted: 0, failed: 0 };
  /** The number of each answer by kind of request; the ids of callers are left out. */
  readonly answers: Record<string, Record<string, number>> = {};
  readonly wrong: WrongAnswer[] = [];
  private readonly agent = new Agent({ keepAlive: true, scheduling: 'fifo' });
  private readonly began = Date.now();
  private index = 0;
  private waiting = 0;
  private over = false;
  private readonly workers: Promise<unknown>[] = [];

  constructor(
    private readonly port: number,
    private readonly seed: number,
    private readonly callers: Callers,
    private readonly oracle: Oracle,
  ) {}

  start(): void {
    this.workers.push(...Array.from({ length: WORKERS }, () => this.work()));
  }

  /** Waits for the requests in flight. */
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
      if (kind.callsClerk && this.waiting >= MAX_WAITING) continue;
      if (kind.callsClerk) this.waiting += 1;
      const planned = await kind.make(this.callers, random);
      if (planned) await this.run(kind.name, index, planned);
      if (kind.callsClerk) this.waiting -= 1;
    }
  }

  /** Sends one request and checks the answer. */
  private async run(
    kind: string,
    index: number,
    { expected, credential, onAnswer, ...request }: PlannedRequest,
  ): Promise<void> {
    const { state } = this.oracle;
    const check = this.oracle.send(expected, credential);
    const got = await send(this.agent, this.port, request);
    onAnswer?.(got);
    const allowed = check(got);
    this.count(kind, got, isDown(state));
    if (!allowed) return;
    const { counts } = this;
    counts.wrong += 1;
    if (/^2\d\d /.test(got)) counts.wronglyGranted += 1;
    if (!/^[1-4]\d\d /.test(got)) counts.failed += 1;
    const at = Date.now() - this.began;
    const wrong = { kind, index, path: request.path, state: state.name, at, expected: allowed, got };
    if (this.wrong.filter((other) => other.kind === kind).length < MAX_STORED) this.wrong.push(wrong);
  }

  private count(kind: string, got: string, duringFault: boolean): void {
    this.counts.requests += 1;
    if (duringFault) this.counts.duringFaults += 1;
    const answers = (this.answers[kind] ??= {});
    const answer = got.replace(/ (?:user|mch|org)_.*/, ' the caller');
    answers[answer] = (answers[answer] ?? 0) + 1;
  }
}
