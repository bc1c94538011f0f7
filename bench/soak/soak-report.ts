import { median, type Figure } from '../report.js';
import { KINDS } from './traffic.js';
import type { Outcome } from './soak-run.js';

const MIB = 1024 * 1024;
/** How much the heap may grow between the first third of the samples and the last: a part of it plus some bytes. */
const MAX_GROWTH = { part: 0.05, constant: MIB };
/** The part of the requests for which a healthy Clerk may be too slow on a busy machine. */
const MAX_TOO_SLOW = 1 / 1_000;
/** The time within which the application must accept a new key. */
const KEYS_ROTATE_WITHIN_SECONDS = 60;

/** The figures of an application, with their goals. */
export function figuresOf(outcome: Outcome, seconds: number): Figure[] {
  const { platform, counts, tolerated, answers, samples, atFirst, atLast, keys } = outcome;
  const keysRotate = seconds >= KEYS_ROTATE_WITHIN_SECONDS;
  const third = Math.ceil(samples.length / 3);
  const first = median(samples.slice(0, third).map(({ heap }) => heap));
  const last = median(samples.slice(-third).map(({ heap }) => heap));
  const figures: Figure[] = [
    { what: 'requests', value: counts.requests, atLeast: seconds * 10 },
    { what: 'requests while Clerk was down', value: counts.duringFaults, atLeast: 1 },
    {
      what: 'kinds of requests',
      value: Object.keys(answers).length,
      ...(keysRotate ? { atLeast: KINDS.length } : {}),
    },
    { what: 'wrong answers', value: counts.wrong, atMost: 0 },
    { what: 'access granted wrongly', value: counts.wronglyGranted, atMost: 0 },
    { what: 'failed: 5xx, or no answer', value: counts.failed, atMost: 0 },
    {
      what: 'healthy Clerk too slow',
      value: tolerated,
      atMost: Math.ceil(counts.requests * MAX_TOO_SLOW),
    },
    { what: 'new keys accepted', value: keys.adopted, ...(keysRotate ? { atLeast: 1 } : {}) },
    { what: 'old keys dropped', value: keys.dropped },
    { what: 'samples', value: samples.length, atLeast: 3 },
    { what: 'heap, first third', value: first / MIB, unit: 'MiB' },
    {
      what: 'heap, last third',
      value: last / MIB,
      unit: 'MiB',
      atMost: Number(((first * (1 + MAX_GROWTH.part) + MAX_GROWTH.constant) / MIB).toFixed(1)),
    },
    { what: 'heap at the end, idle', value: atLast.heap / MIB, unit: 'MiB' },
    { what: 'memory of the process, maximum', value: Math.max(...samples.map(({ rss }) => rss)) / MIB, unit: 'MiB' },
    {
      what: 'sockets and timers left at the end',
      value: atLast.resources.length - atFirst.resources.length,
      atMost: 0,
    },
    { what: 'listeners left at the end', value: atLast.listeners - atFirst.listeners, atMost: 0 },
    { what: 'Node warnings', value: atLast.warnings.length, atMost: 0 },
    { what: 'uncaught errors', value: atLast.uncaught.length, atMost: 0 },
    { what: 'errors logged', value: atLast.errors.length, atMost: 0 },
    { what: 'log lines with a token or key', value: atLast.leaks, atMost: 0 },
    { what: 'event loop delay, median of the p99', value: median(samples.map(({ lag }) => lag.p99)), unit: 'ms' },
    { what: 'event loop delay, maximum', value: Math.max(...samples.map(({ lag }) => lag.max)), unit: 'ms' },
  ];
  return figures.map((figure) => ({ ...figure, what: `${platform}: ${figure.what}` }));
}

/** A line for each wrong answer, warning, error and leaked resource. */
export function failuresOf({ platform, wrong, atFirst, atLast }: Outcome, seed: number): string[] {
  const { warnings, uncaught, errors, resources } = atLast;
  const before = [...atFirst.resources];
  const left = resources.filter((kind) => !before.includes(kind) || (before.splice(before.indexOf(kind), 1), false));
  return [
    ...wrong.map(
      ({ kind, index, path, state, at, expected, got }) =>
        `seed ${seed}, index ${index}, after ${at} ms (${state}): ${kind}, ${path}: expected ${expected.join(' or ')}, got ${got}`,
    ),
    ...Object.entries({ warnings, uncaught, errors, left }).flatMap(([name, lines]) =>
      lines.map((line) => `${name}: ${line}`),
    ),
  ].map((line) => `${platform}: ${line}`);
}
