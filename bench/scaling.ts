import { LocalClerk } from 'nest-clerk/testing';

import type { AppOptions, Platform } from './apps.js';
import { median, type Figure } from './report.js';
import { Subject } from './subject.js';

const ROUNDS = 9;
const HOUR_IN_SECONDS = 3600;

/** Measures whether a request takes more time with more routes, tenants or processes. */
export async function measureScaling(clerk: LocalClerk, platform: Platform): Promise<Figure[]> {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const options = { publishableKey, secretKey, apiUrl };
  const app: AppOptions = { platform, variant: 'ours', clerk: { ...options, telemetry } };
  const authorization = `Bearer ${await clerk.sessionToken({ expiresIn: HOUR_IN_SECONDS })}`;
  const few = Array.from({ length: 1 }, () => options);
  // They differ in an unused option, so each is a different set of options.
  const many = Array.from({ length: 200 }, (_, index) => ({ ...options, signUpUrl: `/sign-up/${index}` }));
  const one = [{ authorization, 'x-tenant': '0' }];
  // The same number of different requests on both sides, so that only the number of tenants differs.
  const all = many.map((_, index) => ({ authorization, 'x-tenant': String(index), 'x-number': String(index) }));
  const allOfOne = all.map((headers) => ({ ...headers, 'x-tenant': '0' }));

  return [
    {
      what: `${platform}: 1,000 routes ÷ 10`,
      value: await ratio([{ ...app, controllers: 1 }, one], [{ ...app, controllers: 100 }, one]),
      atLeast: 0.95,
    },
    {
      what: `${platform}: 200 tenants ÷ 1`,
      value: await ratio([{ ...app, tenants: few }, allOfOne], [{ ...app, tenants: many }, all]),
      atLeast: 0.95,
    },
    {
      what: `${platform}: 2 processes ÷ 1, for each second of CPU`,
      value: await ratio([app, one], [{ ...app, workers: 2 }, one]),
    },
  ];
}

type Side = readonly [AppOptions & { workers?: number }, readonly Readonly<Record<string, string>>[]];

/** The ratio of requests per second of CPU, the second side to the first. */
async function ratio(...sides: readonly [Side, Side]): Promise<number> {
  const subjects = await Promise.all(sides.map(([options]) => Subject.start(options)));
  const rates: number[][] = [[], []];
  try {
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, subject] of subjects.entries()) {
        const [, headers] = sides[index] as Side;
        const { perCpuSecond } = await subject.load({ path: '/session', headers, seconds: 1 });
        if (round >= 0) rates[index]?.push(perCpuSecond);
      }
    }
  } finally {
    for (const subject of subjects) subject.stop();
  }
  const [first = NaN, second = NaN] = rates.map(median);
  return second / first;
}
