import { parseArgs } from 'node:util';

import { LocalClerk } from 'nest-clerk/testing';

import type { Platform } from './apps.js';
import { CASES } from './cases.js';
import { Credentials } from './credentials.js';
import { measureFootprint } from './footprint.js';
import { measureImports } from './import-time.js';
import { formatTable, statusOf, type Figure } from './report.js';
import { measureScaling } from './scaling.js';
import { measureCase } from './throughput.js';

/** `npm run bench -- [--json] [--only <text>] [--platform express|fastify]` */
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string', default: '' }, platform: { type: 'string' } },
});
const platforms = (['express', 'fastify'] as const).filter((name) => !values.platform || values.platform === name);

const clerk = await LocalClerk.start();
const credentials = new Credentials(clerk);
const figures: Figure[] = [];
const measure = async (name: string, work: () => Promise<Figure[]>): Promise<void> => {
  if (!name.includes(values.only)) return;
  const found = await work();
  figures.push(...found);
  if (!values.json) process.stdout.write(`${formatTable(found)}\n\n`);
};

for (const platform of platforms satisfies readonly Platform[]) {
  for (const one of CASES) await measure(`${platform}: ${one.name}`, () => measureCase(credentials, platform, one));
  await measure(`${platform}: scaling`, () => measureScaling(credentials, platform));
}
await measure('footprint', () => measureFootprint(credentials));
await measure('import', async () => measureImports());
await clerk.stop();

const results = figures.map((figure) => ({ ...figure, status: statusOf(figure) }));
const summary = (['pass', 'pass (close)', 'miss (close)', 'miss'] as const).map(
  (status) => `${results.filter((result) => result.status === status).length} ${status}`,
);
process.stdout.write(
  values.json ? `${JSON.stringify(results, null, 2)}\n` : `${formatTable(figures)}\n\n${summary.join(', ')}\n`,
);
process.exit();
