import { parseArgs } from 'node:util';

import { LocalClerk } from 'nest-clerk/testing';

import type { Platform } from './apps.js';
import { CASES } from './cases.js';
import { measureFootprint } from './footprint.js';
import { tableOf, verdictOf, type Figure } from './report.js';
import { measureScaling } from './scaling.js';
import { measureCase } from './throughput.js';

/** `npm run bench -- [--json] [--only <text>] [--platform express|fastify]` */
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string', default: '' }, platform: { type: 'string' } },
});
const platforms = (['express', 'fastify'] as const).filter((name) => !values.platform || values.platform === name);

const clerk = await LocalClerk.start();
const figures: Figure[] = [];
const measure = async (name: string, work: () => Promise<Figure[]>): Promise<void> => {
  if (!name.includes(values.only)) return;
  const found = await work();
  figures.push(...found);
  if (!values.json) process.stdout.write(`${tableOf(found)}\n\n`);
};

for (const platform of platforms satisfies readonly Platform[]) {
  for (const one of CASES) await measure(`${platform}: ${one.name}`, () => measureCase(clerk, platform, one));
  await measure(`${platform}: scaling`, () => measureScaling(clerk, platform));
}
await measure('footprint', () => measureFootprint(clerk));
await clerk.stop();

const results = figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) }));
const summary = (['pass', 'short'] as const).map(
  (word) => `${results.filter((each) => each.verdict === word).length} ${word}`,
);
process.stdout.write(
  values.json ? `${JSON.stringify(results, null, 2)}\n` : `${tableOf(figures)}\n\n${summary.join(', ')}\n`,
);
process.exit();
