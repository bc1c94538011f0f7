import { median, type Figure } from '../report.js';
import { KINDS } from './traffic.js';
import type { Outcome } from './side.js';

const MIB = 1024 * 1024;
/** What the heap may grow by between the first third of the samples and the last: a part of it, and a little. */
const GROWTH = { part: 0.05, constant: MIB };
/** The part of the requests that a busy machine may let wait for Clerk in vain. */
const TOO_SLOW = 1 / 1_000;
/** In seconds: when a new key has to be taken up at the latest. */
const KEYS_TURN_WITHIN = 60;

/** What is asked of an application that was under soak, and what was found. */
export function figuresOf(outcome: Outcome, seconds: number): Figure[] {
  const { platform, counts, forgiven, answers, samples, atFirst, atLast, keys } = outcome;
  const keysTurn = seconds >= KEYS_TURN_WITHIN;
  const third = Math.ceil(samples.length / 3);
  const first = median(samples.slice(0, third).map(({ heap }) => heap));
  const last = median(samples.slice(-third).map(({ heap }) => heap));
  const figures: Figure[] = [
    { what: 'requests', value: counts.requests, atLeast: seconds * 10 },
    { what: 'of them sent while Clerk was down', value: counts.duringFaults, atLeast: 1 },
    {
      what: 'kinds of requests that were sent',
      value: Object.keys(answers).length,
      ...(keysTurn ? { atLeast: KINDS.length } : {}),
    },
    { what: 'wrong answers', value: counts.wrong, atMost: 0 },
    { what: 'let in wrongly', value: counts.wronglyLetIn, atMost: 0 },
    { what: 'failed: 5xx, or no answer', value: counts.failed, atMost: 0 },
    {
      what: 'Clerk too slow, though it was well',
      value: forgiven,
      atMost: Math.ceil(counts.requests * TOO_SLOW),
    },
    { what: 'new keys taken up', value: keys.takenUp, ...(keysTurn ? { atLeast: 1 } : {}) },
    { what: 'old keys given up', value: keys.givenUp },
    { what: 'samples', value: samples.length, atLeast: 3 },
    { what: 'heap, first third', value: first / MIB, unit: 'MiB' },
    {
      what: 'heap, last third',
      value: last / MIB,
      unit: 'MiB',
      atMost: Number(((first * (1 + GROWTH.part) + GROWTH.constant) / MIB).toFixed(1)),
    },
    { what: 'heap at the end, nobody calling', value: atLast.heap / MIB, unit: 'MiB' },
    { what: 'memory of the process, at most', value: Math.max(...samples.map(({ rss }) => rss)) / MIB, unit: 'MiB' },
    {
      what: 'sockets and timers left at the end',
      value: atLast.resources.length - atFirst.resources.length,
      atMost: 0,
    },
    { what: 'listeners left at the end', value: atLast.listeners - atFirst.listeners, atMost: 0 },
    { what: 'warnings of Node', value: atLast.warnings.length, atMost: 0 },
    { what: 'errors that nobody caught', value: atLast.uncaught.length, atMost: 0 },
    { what: 'errors logged', value: atLast.errors.length, atMost: 0 },
    { what: 'lines of the log with a token or a key', value: atLast.leaks, atMost: 0 },
    { what: 'event loop late, median of the p99', value: median(samples.map(({ lag }) => lag.p99)), unit: 'ms' },
    { what: 'event loop late, at most', value: Math.max(...samples.map(({ lag }) => lag.max)), unit: 'ms' },
  ];
  return figures.map((figure) => ({ ...figure, what: `${platform}: ${figure.what}` }));
}

/** What to look at first where something is wrong. */
export function complaintsOf({ platform, wrong, atFirst, atLast }: Outcome, seed: number): string[] {
  const { warnings, uncaught, errors, resources } = atLast;
  const before = [...atFirst.resources];
  const left = resources.filter((kind) => !before.includes(kind) || (before.splice(before.indexOf(kind), 1), false));
  return [
    ...wrong.map(
      ({ kind, index, path, weather, at, expected, got }) =>
        `seed ${seed}, index ${index}, after ${at} ms (${weather}): ${kind}, ${path}: expected ${expected.join(' or ')}, got ${got}`,
    ),
    ...Object.entries({ warnings, uncaught, errors, left }).flatMap(([name, lines]) =>
      lines.map((line) => `${name}: ${line}`),
    ),
  ].map((line) => `${platform}: ${line}`);
}
