import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { LocalClerk } from 'nest-clerk/testing';

import { formatTable, statusOf } from '../report.js';
import { SoakRun } from './soak-run.js';
import { failuresOf, figuresOf } from './soak-report.js';

/** `npm run soak -- [--seconds <600>] [--seed <number>] [--platform express|fastify]` */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, platform: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const platforms = (['express', 'fastify'] as const).filter((name) => !values.platform || values.platform === name);
process.stdout.write(`${platforms.join(' and ')} for ${seconds} s, seed ${seed}\n`);

// At the same time, each with its own Clerk.
const otherInstance = await LocalClerk.start();
const runs = await Promise.all(platforms.map((platform) => SoakRun.start(platform, seed, otherInstance)));
const outcomes = await Promise.all(runs.map((run) => run.run(seconds)));
await otherInstance.stop();

const figures = outcomes.flatMap((outcome) => figuresOf(outcome, seconds));
const results = figures.map((figure) => ({ ...figure, status: statusOf(figure) }));
const failures = outcomes.flatMap((outcome) => failuresOf(outcome, seed));
const details = outcomes.map(({ platform, answers, samples }) => ({
  platform,
  answers,
  heaps: samples.map(({ heap }) => heap),
}));
mkdirSync('build', { recursive: true });
writeFileSync('build/soak.json', JSON.stringify({ seed, seconds, results, failures, details }, null, 2));

process.stdout.write(`${formatTable(figures)}\n`);
const missed = results.filter(({ status }) => status === 'miss');
process.stdout.write([...failures, missed.length === 0 ? 'passed' : `${missed.length} goals missed`, ''].join('\n'));
process.exit(missed.length === 0 ? 0 : 1);
