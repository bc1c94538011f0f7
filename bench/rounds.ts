import type { Headers, Subject } from './subject.js';

/** Measured rounds. They follow the warm-up. */
export const ROUNDS = 5;

/** One of the applications that are compared. */
export interface Side {
  readonly subject: Subject;
  readonly path: string;
  /** The expected status. @default 200 */
  readonly status?: number;
  /** The headers of the requests from number `from` to `to`, or those that are repeated for all of them. */
  readonly headers: (from: number, to: number) => readonly Headers[];
  /** The part of the requests that is sent to it. @default 1 */
  readonly share?: number;
}

/** How many requests are sent to each side. */
export interface Amount {
  readonly warmUp: number;
  readonly perRound: number;
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
  { warmUp, perRound }: Amount,
  afterRound: () => Promise<void> = async () => {},
): Promise<Map<Name, number[]>> {
  const measured = new Map<Name, number[]>([...sides.keys()].map((name) => [name, []]));
  const send = ({ subject, path, status, headers, share = 1 }: Side, from: number, count: number): Promise<number> => {
    const requests = Math.ceil(count * share);
    return subject.load({ path, status, headers: headers(from, from + requests), requests });
  };
  for (const side of sides.values()) await send(side, 0, warmUp);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, side] of rotated([...sides], round)) {
      measured.get(name)?.push(await send(side, warmUp + round * perRound, perRound));
    }
    await afterRound();
  }
  return measured;
}

/** The quotients of two sides, round by round. */
export function quotients(dividends: readonly number[] = [], divisors: readonly number[] = []): number[] {
  return dividends.map((dividend, round) => dividend / (divisors[round] as number));
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
