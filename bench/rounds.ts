import type { Headers, Subject } from './subject.js';

/** Measured rounds. They follow the warm-up. */
export const ROUNDS = 5;

/** How many requests are sent to a process. */
export interface Amount {
  readonly warmUp: number;
  readonly perRound: number;
}

/** One of the applications that are compared. */
export interface Side {
  /** Processes with the same application. Each has its own luck with V8's optimizations and the layout of its memory. */
  readonly subjects: readonly Subject[];
  readonly path: string;
  /** The expected status. @default 200 */
  readonly status?: number;
  /** The headers of the requests from number `from` to `to`, or those that are repeated for all of them. */
  readonly headers: (from: number, to: number) => readonly Headers[];
  readonly amount: Amount;
}

/**
 * Sends the same number of requests in each round. All sides take turns within a round, so that other load on the machine
 * affects all of them, and each round begins with another one.
 *
 * @param afterRound Called after each measured round.
 * @returns for each side, the CPU time per request of each round, in microseconds.
 */
export async function measureRounds<Name extends string>(
  sides: ReadonlyMap<Name, Side>,
  afterRound: () => Promise<void> = async () => {},
): Promise<Map<Name, number[]>> {
  const measured = new Map<Name, number[]>([...sides.keys()].map((name) => [name, []]));
  const processes = [...sides]
    .flatMap(([name, side]) => side.subjects.map((subject, number) => ({ name, side, subject, number })))
    .sort((a, b) => a.number - b.number);
  for (const { side, subject } of processes) await send(side, subject, 0, side.amount.warmUp);
  for (let round = 0; round < ROUNDS; round++) {
    const sums = new Map<Name, number>();
    for (const { name, side, subject } of rotated(processes, round)) {
      const { warmUp, perRound } = side.amount;
      const cpu = await send(side, subject, warmUp + round * perRound, perRound);
      sums.set(name, (sums.get(name) ?? 0) + cpu / side.subjects.length);
    }
    for (const [name, cpu] of sums) measured.get(name)?.push(cpu);
    await afterRound();
  }
  return measured;
}

/** The quotients of two sides, round by round. */
export function quotients(dividends: readonly number[] = [], divisors: readonly number[] = []): number[] {
  return dividends.map((dividend, round) => dividend / (divisors[round] as number));
}

function send({ path, status, headers }: Side, subject: Subject, from: number, requests: number): Promise<number> {
  return subject.load({ path, status, headers: headers(from, from + requests), requests });
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
