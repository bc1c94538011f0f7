import type { Outage } from 'nest-clerk/testing';

/** The state of Clerk for some seconds: healthy, or with an outage. */
export interface ClerkState {
  readonly name: string;
  readonly outage?: Outage;
  readonly seconds: number;
}

const healthy = (seconds: number): ClerkState => ({ name: 'healthy', seconds });
const flapping = Array.from({ length: 8 }, (): ClerkState[] => [
  { name: 'flapping', outage: 'refuse', seconds: 0.3 },
  { name: 'flapping', seconds: 0.3 },
]).flat();

/** The faults. After each, Clerk is healthy for a while, in which every answer must be right again. */
const FAULTS: readonly ClerkState[] = [
  { name: 'closes connections', outage: 'refuse', seconds: 3 },
  healthy(2),
  { name: 'returns 500', outage: { status: 500 }, seconds: 2 },
  healthy(2),
  { name: 'hangs', outage: 'hang', seconds: 4 },
  healthy(2),
  { name: 'returns half a body', outage: 'garbage', seconds: 2 },
  // Longer, since half a minute has passed since the first fetch of the keys. They are fetched again, which takes a while
  // after a fault.
  healthy(5),
  { name: 'returns 429', outage: { status: 429, retryAfter: 0 }, seconds: 2 },
  healthy(2),
  { name: 'returns an HTML page', outage: { status: 502, html: true }, seconds: 2 },
  healthy(2),
  { name: 'is slow', outage: { delay: 150 }, seconds: 3 },
  ...flapping,
  healthy(4),
];

/** The time before the first fault, in which caches fill and code is compiled. */
export const WARM_UP_SECONDS = 12;

/** Generates the states of Clerk in order, endlessly. */
export function* faultSchedule(): Generator<ClerkState> {
  yield healthy(WARM_UP_SECONDS);
  while (true) yield* FAULTS;
}

/** Whether calls to Clerk fail. If Clerk is only slow, they succeed. */
export function isDown({ outage }: ClerkState): boolean {
  return outage !== undefined && !(typeof outage === 'object' && 'delay' in outage);
}
