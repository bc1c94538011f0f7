import type { LocalClerk } from 'nest-clerk/testing';

import type { AppOptions, Platform, Variant } from './apps.js';
import type { Case } from './cases.js';
import { median, type Figure } from './report.js';
import { Subject, type Measured } from './subject.js';

const ROUNDS = 5;
const SECONDS_PER_ROUND = 1;
/** The maximum ratio of our p99 to that of a pass-through guard. */
const MAX_P99 = 1.25;

/** Measures all variants in each round, so that other load on the machine affects all of them. */
export async function measureCase(clerk: LocalClerk, platform: Platform, one: Case): Promise<Figure[]> {
  const measured = new Map<Variant, Measured[]>(one.variants.map((variant) => [variant, []]));
  const subjects = new Map<Variant, Subject>();
  try {
    for (const variant of one.variants)
      subjects.set(variant, await Subject.start(appOf(clerk, platform, variant, one)));
    for (let round = -1; round < ROUNDS; round++) {
      const headers = await one.headers(clerk, round);
      for (const [variant, subject] of subjects) {
        const seconds = one.once ? undefined : SECONDS_PER_ROUND;
        const result = await subject.load({ path: one.path, headers, seconds });
        const expected = variant === 'open' ? 200 : one.status;
        if ((result.statuses[expected] ?? 0) < result.requests) {
          throw new Error(`${one.name}, ${variant}: returned ${JSON.stringify(result.statuses)}, not ${expected}`);
        }
        // Round -1 is the warm-up.
        if (round >= 0) measured.get(variant)?.push(result);
      }
    }
  } finally {
    for (const subject of subjects.values()) subject.stop();
  }
  return figuresOf(one, platform, measured);
}

function figuresOf(one: Case, platform: Platform, measured: ReadonlyMap<Variant, readonly Measured[]>): Figure[] {
  const rate = (variant: Variant) => median((measured.get(variant) ?? []).map(({ perCpuSecond }) => perCpuSecond));
  const p99 = (variant: Variant) => median((measured.get(variant) ?? []).map((each) => each.p99));
  const others = (['open', 'clerk'] as const).filter((variant) => measured.has(variant));
  const ratios = others.map((variant): Figure => ({
    what: `${platform}: ${one.name}, nest-clerk ÷ ${NAMES[variant]}`,
    value: rate('ours') / rate(variant),
    atLeast: one.goals?.[variant]?.[platform],
  }));
  if (!one.goals?.open) return ratios;
  const slowest = p99('ours') / Math.max(1, p99('open'));
  return [
    ...ratios,
    { what: `${platform}: ${one.name}, p99, nest-clerk ÷ ${NAMES.open}`, value: slowest, atMost: MAX_P99 },
  ];
}

const NAMES = { open: 'pass-through guard', clerk: 'Clerk’s SDK' } as const;

function appOf(clerk: LocalClerk, platform: Platform, variant: Variant, one: Case): AppOptions {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const machineTokens = { ttl: one.machineTokenTtl ?? 0 };
  const ours = { verificationCache: { machineTokens }, authorizedParties: ['http://localhost:3000'] };
  const options = { publishableKey, secretKey, apiUrl, telemetry };
  return { platform, variant, clerk: variant === 'ours' ? { ...options, ...ours } : options };
}
