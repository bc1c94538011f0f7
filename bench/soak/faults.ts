import type { Outage } from 'nest-clerk/testing';

/** How things stand with Clerk for a while. */
export interface Weather {
  readonly name: string;
  readonly outage?: Outage;
  readonly seconds: number;
}

const well = (seconds: number): Weather => ({ name: 'well', seconds });
const flapping = Array.from({ length: 8 }, (): Weather[] => [
  { name: 'flapping', outage: 'refuse', seconds: 0.3 },
  { name: 'flapping', seconds: 0.3 },
]).flat();

/** Ways to be unwell, each with some peace behind it in which all must be right again. */
const FAULTS: readonly Weather[] = [
  { name: 'refuses connections', outage: 'refuse', seconds: 3 },
  well(2),
  { name: 'answers 500', outage: { status: 500 }, seconds: 2 },
  well(2),
  { name: 'hangs', outage: 'hang', seconds: 4 },
  well(2),
  { name: 'answers half a body', outage: 'garbage', seconds: 2 },
  // Half a minute after the first fetch: new keys are looked for again, and it takes a while after a fault to.
  well(5),
  { name: 'answers 429', outage: { status: 429, retryAfter: 0 }, seconds: 2 },
  well(2),
  { name: 'answers a page of HTML', outage: { status: 502, html: true }, seconds: 2 },
  well(2),
  { name: 'is slow', outage: { delay: 150 }, seconds: 3 },
  ...flapping,
  well(4),
];

/** In seconds, before the first fault: caches fill, and code is compiled. */
export const WARM_UP = 12;

/** One after the other without end. */
export function* forecast(): Generator<Weather> {
  yield well(WARM_UP);
  while (true) yield* FAULTS;
}

/** A slow Clerk is waited for. */
export function isDown({ outage }: Weather): boolean {
  return outage !== undefined && !(typeof outage === 'object' && 'delay' in outage);
}
