import type { Headers, Subject } from './subject.js';

/** Measured rounds, after the warm-up. */
export const ROUNDS = 5;

/** How many requests are sent to a process for its warm-up, and in each round. */
export interface Amount {
  readonly warmUp: number;
  readonly perRound: number;
}

/** One of the applications that are compared. */
export interface Side {
  readonly start: () => Promise<Subject>;
  readonly path: string;
  /** The expected status. @default 200 */
  readonly status?: number;
  /** The headers of the requests from number `from` to `to`, or those that are repeated for all of them. */
  readonly headers: (from: number, to: number) => readonly Headers[];
  readonly amount: Amount;
}

/** The sides take turns within a round, so that other load on the machine affects all of them. */
const TURNS = 4;
/** Each turn has new connections. The first ones make V8 discard optimized code, so the warm-up needs several turns too. */
const WARM_UP_TURNS = 10;

/**
 * Sends the same number of requests in each round. Each turn begins with another side.
 *
 * @returns for each side, the CPU time per request of each round, in microseconds.
 */
export async function measureRounds<Name extends string>(sides: ReadonlyMap<Name, Side>): Promise<Map<Name, number[]>> {
  const measured = new Map<Name, number[]>([...sides.keys()].map((name) => [name, []]));
  const subjects = new Map<Name, Subject>();
  try {
    await startProcesses(sides, subjects);
    for (let round = 0; round < ROUNDS; round++) {
      const sums = new Map<Name, number>();
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [name, side] of rotated([...sides], round + turn)) {
          const { warmUp, perRound } = side.amount;
          const requests = perRound / TURNS;
          const cpu = await send(side, subjects.get(name), warmUp + round * perRound + turn * requests, requests);
          sums.set(name, (sums.get(name) ?? 0) + cpu / TURNS);
        }
      }
      for (const [name, cpu] of sums) measured.get(name)?.push(cpu);
    }
  } finally {
    for (const subject of subjects.values()) subject.stop();
  }
  return measured;
}

/** Starts and warms up a process for each side. */
async function startProcesses<Name>(sides: ReadonlyMap<Name, Side>, subjects: Map<Name, Subject>): Promise<void> {
  for (const [name, side] of sides) subjects.set(name, await side.start());
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    for (const [name, side] of sides) {
      const requests = side.amount.warmUp / WARM_UP_TURNS;
      await send(side, subjects.get(name), turn * requests, requests);
    }
  }
}

/** The quotients of two sides, round by round. */
export function quotients(dividends: readonly number[] = [], divisors: readonly number[] = []): number[] {
  return dividends.map((dividend, round) => dividend / (divisors[round] as number));
}

function send(
  { path, status, headers }: Side,
  subject: Subject | undefined,
  from: number,
  requests: number,
): Promise<number> {
  if (!subject) throw new Error('The process is not started.');
  return subject.load({ path, status, headers: headers(from, from + requests), requests });
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
