import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { LocalClerk } from 'nest-clerk/testing';

import { tableOf, verdictOf } from '../report.js';
import { Side } from './side.js';
import { complaintsOf, figuresOf } from './verdict.js';

/** `npm run soak -- [--seconds <600>] [--seed <number>] [--platform express|fastify]` */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, platform: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const platforms = (['express', 'fastify'] as const).filter((name) => !values.platform || values.platform === name);
process.stdout.write(`${platforms.join(' and ')} for ${seconds} s, seed ${seed}\n`);

// Side by side, each with a Clerk of its own.
const other = await LocalClerk.start();
const sides = await Promise.all(platforms.map((platform) => Side.start(platform, seed, other)));
const outcomes = await Promise.all(sides.map((side) => side.run(seconds)));
await other.stop();

const figures = outcomes.flatMap((outcome) => figuresOf(outcome, seconds));
const results = figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) }));
const complaints = outcomes.flatMap((outcome) => complaintsOf(outcome, seed));
const details = outcomes.map(({ platform, answers, samples }) => ({
  platform,
  answers,
  heaps: samples.map(({ heap }) => heap),
}));
mkdirSync('build', { recursive: true });
writeFileSync('build/soak.json', JSON.stringify({ seed, seconds, results, complaints, details }, null, 2));

process.stdout.write(`${tableOf(figures)}\n`);
const short = results.filter(({ verdict }) => verdict === 'short');
process.stdout.write([...complaints, short.length === 0 ? 'sound' : `${short.length} short`, ''].join('\n'));
process.exit(short.length === 0 ? 0 : 1);
