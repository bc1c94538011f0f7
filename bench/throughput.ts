import type { AppOptions, Platform, Variant } from './apps.js';
import type { Case, Rival } from './cases.js';
import type { Credentials } from './credentials.js';
import { summaryOf, type Figure } from './report.js';
import { measureRounds, quotients, ROUNDS, type Amount, type Side } from './rounds.js';
import type { SignedToken } from './signature-cost.js';
import { Subject, type Headers } from './subject.js';

/** Repeated requests: after this warm-up, the ratios of the rounds neither rise nor fall. */
export const REPEATED: Amount = { warmUp: 12_000, perRound: 5_000 };
/** Fewer if every request has a token of its own, since each has to be signed. */
const DISTINCT: Amount = { warmUp: 6_000, perRound: 2_000 };
/** Clerk's SDK takes many times as long for each request, so it gets fewer of them. */
const SHARE_OF_CLERK = 0.4;

const NAMES: Readonly<Record<Rival, string>> = { open: 'pass-through guard', clerk: 'Clerk’s SDK' };

/** Compares nest-clerk with its rivals. */
export async function measureCase(credentials: Credentials, platform: Platform, one: Case): Promise<Figure[]> {
  const amount = one.distinct === 'all' ? DISTINCT : REPEATED;
  const headers = await headersOf(credentials, one, amount);
  const sides = new Map<Variant, Side>();
  const verifications: number[] = [];
  try {
    for (const variant of ['ours', ...one.rivals] as const) {
      sides.set(variant, {
        subject: await Subject.start(appOf(credentials, platform, variant, one)),
        path: one.path,
        status: one.status,
        headers,
        share: variant === 'clerk' ? SHARE_OF_CLERK : 1,
      });
    }
    const signed = await signedToken(credentials);
    const measured = await measureRounds(sides, amount, async () => {
      if (one.maxBeyondVerification === undefined) return;
      verifications.push((await sides.get('ours')?.subject.verificationCpu(signed)) ?? NaN);
    });
    return figuresOf(one, platform, measured, verifications);
  } finally {
    for (const { subject } of sides.values()) subject.stop();
  }
}

function figuresOf(
  one: Case,
  platform: Platform,
  measured: ReadonlyMap<Variant, readonly number[]>,
  verifications: readonly number[],
): Figure[] {
  const ours = measured.get('ours') ?? [];
  const ratios = one.rivals.map((rival): Figure => ({
    what: `${platform}: ${one.name}, nest-clerk ÷ ${NAMES[rival]}`,
    ...summaryOf(quotients(measured.get(rival), ours)),
    atLeast: one.goals?.[rival]?.[platform],
  }));
  if (one.maxBeyondVerification === undefined) return ratios;
  const open = measured.get('open') ?? [];
  const beyond = verifications.map((cpu, round) => (ours[round] as number) - (open[round] as number) - cpu);
  return [
    ...ratios,
    {
      what: `${platform}: ${one.name}, beyond a pass-through guard and the RSA verification`,
      ...summaryOf(beyond),
      unit: 'µs',
      atMost: one.maxBeyondVerification,
    },
  ];
}

/** Creates all headers before the first request. */
async function headersOf(credentials: Credentials, one: Case, { warmUp, perRound }: Amount): Promise<Side['headers']> {
  const { distinct = 1 } = one;
  const count = distinct === 'all' ? warmUp + ROUNDS * perRound : distinct;
  const headers = await one.headers(credentials, count);
  const all = Array.from({ length: count }, (_, number): Headers => headers(number));
  return (from, to) => (distinct === 'all' ? all.slice(from, to) : all);
}

async function signedToken({ clerk }: Credentials): Promise<SignedToken> {
  return { token: await clerk.sessionToken(), publicKey: clerk.jwtKey };
}

function appOf({ clerk }: Credentials, platform: Platform, variant: Variant, one: Case): AppOptions {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const machineTokens = { ttl: one.machineTokenTtl ?? 0 };
  const ours = { verificationCache: { machineTokens }, authorizedParties: ['http://localhost:3000'] };
  const options = { publishableKey, secretKey, apiUrl, telemetry };
  return { platform, variant, clerk: variant === 'ours' ? { ...options, ...ours } : options };
}
