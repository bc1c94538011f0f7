import type { AppOptions, Variant } from './apps.js';
import type { Credentials, HeadersOf } from './credentials.js';
import { summaryOf, type Figure } from './report.js';
import { ROUNDS } from './rounds.js';
import { Subject, type Headers } from './subject.js';

const TOKENS = 10_000;
const TENANTS = 200;
const TOKENS_PER_TENANT = 50;
/** Requests before the first measurement. */
const WARM_UP = 500;
const MIB = 1024 * 1024;
/** A young generation so large that no garbage is collected while allocations are measured. */
const LARGE_YOUNG_GENERATION = ['--max-semi-space-size=256', '--min-semi-space-size=256'];

/** Measures memory, and the boot. */
export async function measureFootprint(credentials: Credentials): Promise<Figure[]> {
  const { publishableKey, secretKey, apiUrl, telemetry } = credentials.clerk.options;
  const app = (variant: Variant): AppOptions => ({
    platform: 'fastify',
    variant,
    clerk: { publishableKey, secretKey, apiUrl, telemetry },
  });
  const headers = await credentials.tokens(WARM_UP + TOKENS);
  const heap = await measureHeap(headers, app('ours'));
  // They differ in an unused option, so each is a different set of options.
  const tenants = Array.from({ length: TENANTS + 1 }, (_, index) => ({
    ...{ publishableKey, secretKey, apiUrl },
    signUpUrl: `/sign-up/${index}`,
  }));
  const tenant = await measureTenants(headers, { ...app('ours'), tenants });
  const [open, ours] = [app('open'), app('ours')];
  return [
    { what: `${TOKENS.toLocaleString('en')} cached tokens, heap`, value: heap / MIB, unit: 'MiB', atMost: 16 },
    { what: 'a cached token, heap', value: heap / TOKENS, unit: 'bytes' },
    { what: `a tenant that was used once, of ${TENANTS}, heap`, value: tenant.idle, unit: 'bytes' },
    {
      what: `a tenant with ${TOKENS_PER_TENANT} cached tokens, of ${TENANTS}, heap`,
      value: tenant.busy,
      unit: 'bytes',
    },
    {
      what: 'allocated for each request, compared with a pass-through guard',
      ...summaryOf(difference(await measureAllocations(headers, ours), await measureAllocations(headers, open))),
      unit: 'bytes',
    },
    {
      what: 'boot of the application, CPU, compared with a pass-through guard',
      ...summaryOf(await measureBoots(ours, open)),
      unit: 'ms',
    },
  ];
}

/** @returns the growth of the heap, in bytes. */
async function measureHeap(headers: HeadersOf, options: AppOptions): Promise<number> {
  const subject = await Subject.start(options);
  const number = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => headers(from + index));
  await sendTwice(subject, number(0, WARM_UP));
  const { heap: before } = await subject.usage('heap');
  await sendTwice(subject, number(WARM_UP, WARM_UP + TOKENS));
  const { heap: after } = await subject.usage('heap');
  subject.stop();
  return after - before;
}

/** @returns the growth of the heap for each tenant, in bytes. */
async function measureTenants(headers: HeadersOf, options: AppOptions): Promise<{ idle: number; busy: number }> {
  const subject = await Subject.start(options);
  const ofTenant = (tenant: number, token: number) => ({ ...headers(token), 'x-tenant': String(tenant) });
  const all = (count: number, headersAt: (index: number) => Headers) =>
    Array.from({ length: count }, (_, index) => headersAt(index));
  // The last tenant is only for the warm-up.
  await sendTwice(
    subject,
    all(WARM_UP, (index) => ofTenant(TENANTS, index)),
  );
  const { heap: before } = await subject.usage('heap');
  await subject.load({ path: '/session', headers: all(TENANTS, (tenant) => ofTenant(tenant, tenant)) });
  const { heap: idle } = await subject.usage('heap');
  await sendTwice(
    subject,
    all(TENANTS * TOKENS_PER_TENANT, (index) => ofTenant(index % TENANTS, index)),
  );
  const { heap: busy } = await subject.usage('heap');
  subject.stop();
  return { idle: (idle - before) / TENANTS, busy: (busy - before) / TENANTS };
}

/** Twice, so that data that is only created for repeated requests counts too. */
async function sendTwice(subject: Subject, headers: readonly Headers[]): Promise<void> {
  for (let time = 0; time < 2; time++) await subject.load({ path: '/session', headers });
}

/** @returns the allocations for each request of each round, in bytes. */
async function measureAllocations(headers: HeadersOf, options: AppOptions): Promise<number[]> {
  const subject = await Subject.start(options, LARGE_YOUNG_GENERATION);
  const load = { path: '/session', headers: [headers(0)] };
  await subject.load({ ...load, requests: 10_000 });
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const requests = 4_000;
    const { heap: before } = await subject.usage('heap');
    await subject.load({ ...load, requests });
    const { heap: after } = await subject.usage();
    rounds.push((after - before) / requests);
  }
  subject.stop();
  return rounds;
}

/** @returns by how much CPU time the boots of the first application exceed those of the second, in milliseconds. */
async function measureBoots(...apps: readonly [AppOptions, AppOptions]): Promise<number[]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const index of [0, 1] as const) {
      const subject = await Subject.start(apps[index]);
      times[index].push(subject.bootCpu / 1000);
      subject.stop();
    }
  }
  return difference(...times);
}

const difference = (minuends: readonly number[], subtrahends: readonly number[]) =>
  minuends.map((minuend, round) => minuend - (subtrahends[round] as number));
