import type { AppOptions, Platform } from './apps.js';
import type { Credentials } from './credentials.js';
import { summaryOf, type Figure } from './report.js';
import { measureRounds, quotients, type Side } from './rounds.js';
import { Subject, type Headers } from './subject.js';
import { REPEATED } from './throughput.js';

const GOAL = { express: 0.95, fastify: 0.92 };

/** Measures whether a request takes more time with more routes, tenants or processes. */
export async function measureScaling({ clerk }: Credentials, platform: Platform): Promise<Figure[]> {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const options = { publishableKey, secretKey, apiUrl };
  const app: AppOptions = { platform, variant: 'ours', clerk: { ...options, telemetry } };
  const authorization = `Bearer ${await clerk.sessionToken({ expiresIn: 3600 })}`;
  // They differ in an unused option, so each is a different set of options.
  const many = Array.from({ length: 200 }, (_, index) => ({ ...options, signUpUrl: `/sign-up/${index}` }));
  const one = [{ authorization }];
  // The same number of different requests on both sides, so that only the number of tenants differs.
  const all = many.map((_, index) => ({ authorization, 'x-tenant': String(index), 'x-number': String(index) }));
  const allOfOne = all.map((headers) => ({ ...headers, 'x-tenant': '0' }));
  const atLeast = GOAL[platform];

  return [
    {
      what: `${platform}: 1,000 routes ÷ 10`,
      ...summaryOf(await ratios([{ ...app, controllers: 1 }, one], [{ ...app, controllers: 100 }, one])),
      atLeast,
    },
    {
      what: `${platform}: 200 tenants ÷ 1`,
      ...summaryOf(await ratios([{ ...app, tenants: [options] }, allOfOne], [{ ...app, tenants: many }, all])),
      atLeast,
    },
    {
      what: `${platform}: 2 processes ÷ 1`,
      ...summaryOf(await ratios([app, one], [{ ...app, workers: 2 }, one])),
    },
  ];
}

type Setup = readonly [options: AppOptions & { workers?: number }, headers: readonly Headers[]];

/** The ratios of requests per second of CPU, the second to the first. */
async function ratios(first: Setup, second: Setup): Promise<number[]> {
  const side = ([options, headers]: Setup): Side => ({
    start: () => Subject.start(options),
    path: '/session',
    headers: () => headers,
    // Each worker needs its warm-up.
    amount: { ...REPEATED, warmUp: REPEATED.warmUp * (options.workers ?? 1) },
  });
  const sides = [
    ['first', side(first)],
    ['second', side(second)],
  ] as const;
  const measured = await measureRounds(new Map<'first' | 'second', Side>(sides));
  return quotients(measured.get('first'), measured.get('second'));
}
