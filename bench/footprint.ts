import { execFileSync } from 'node:child_process';

import type { LocalClerk } from 'nest-clerk/testing';

import type { AppOptions, Variant } from './apps.js';
import { median, type Figure } from './report.js';
import { Subject } from './subject.js';

const ROUNDS = 5;
const TOKENS = 10_000;
const HOUR_IN_SECONDS = 3600;
const MIB = 1024 * 1024;
/** A young generation so large that no garbage is collected while allocations are measured. */
const LARGE_YOUNG_GENERATION = ['--max-semi-space-size=256', '--min-semi-space-size=256'];

/** Measures memory, and the time of the boot. */
export async function measureFootprint(clerk: LocalClerk): Promise<Figure[]> {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const app = (variant: Variant): AppOptions => ({
    platform: 'fastify',
    variant,
    clerk: { publishableKey, secretKey, apiUrl, telemetry },
  });
  const heap = await measureHeap(clerk, app('ours'));
  const allocated = {
    open: await measureAllocations(clerk, app('open')),
    ours: await measureAllocations(clerk, app('ours')),
  };
  const boot = { open: await measureBoot(app('open')), ours: await measureBoot(app('ours')) };
  return [
    { what: `${TOKENS.toLocaleString('en')} cached tokens, heap`, value: heap / MIB, unit: 'MiB', atMost: 16 },
    { what: 'a cached token, heap', value: heap / TOKENS, unit: 'bytes' },
    {
      what: 'allocated for each request, compared with a pass-through guard',
      value: allocated.ours - allocated.open,
      unit: 'bytes',
    },
    { what: 'boot of the application, compared with a pass-through guard', value: boot.ours - boot.open, unit: 'ms' },
    { what: 'import of nest-clerk, after @nestjs/core and @clerk/backend', value: measureImport(), unit: 'ms' },
  ];
}

async function measureHeap(clerk: LocalClerk, options: AppOptions): Promise<number> {
  const subject = await Subject.start(options);
  const user = clerk.createUser();
  const organization = clerk.createOrganization();
  const permissions = ['org:invoices:create', 'org:invoices:read'];
  const token = () => clerk.sessionToken({ user, organization, permissions, expiresIn: HOUR_IN_SECONDS });
  const batch = async (count: number) =>
    Promise.all(Array.from({ length: count }, async () => ({ authorization: `Bearer ${await token()}` })));
  // Each twice, so that data that is only created for repeated requests counts too.
  const send = async (headers: { authorization: string }[]) => {
    for (let time = 0; time < 2; time++) await subject.load({ path: '/session', headers });
  };
  await send(await batch(500));
  const { heap: before } = await subject.usage('heap');
  const headers = await batch(TOKENS);
  await send(headers);
  const { heap: after } = await subject.usage('heap');
  subject.stop();
  return after - before;
}

/** In bytes for each request. */
async function measureAllocations(clerk: LocalClerk, options: AppOptions): Promise<number> {
  const subject = await Subject.start(options, LARGE_YOUNG_GENERATION);
  const headers = [{ authorization: `Bearer ${await clerk.sessionToken({ expiresIn: HOUR_IN_SECONDS })}` }];
  await subject.load({ path: '/session', headers, seconds: 2 });
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { heap: before } = await subject.usage('heap');
    const { requests } = await subject.load({
      path: '/session',
      headers: Array.from({ length: 4_000 }, () => headers[0] as object) as never,
    });
    const { heap: after } = await subject.usage();
    rounds.push((after - before) / requests);
  }
  subject.stop();
  return median(rounds);
}

/** In milliseconds. */
async function measureBoot(options: AppOptions): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const subject = await Subject.start(options);
    times.push(subject.bootInMs);
    subject.stop();
  }
  return median(times);
}

/** In milliseconds, each time in a new process. */
function measureImport(): number {
  const run = (script: string) =>
    Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }));
  const script = `
    await import('reflect-metadata'); await import('@nestjs/core'); await import('@clerk/backend');
    const began = performance.now();
    await import('nest-clerk');
    console.log(performance.now() - began);`;
  return median(Array.from({ length: ROUNDS }, () => run(script)));
}
