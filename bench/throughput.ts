import type { AppOptions, Platform, Variant } from './apps.js';
import type { Case, Rival } from './cases.js';
import type { Credentials } from './credentials.js';
import { summaryOf, type Figure } from './report.js';
import { measureRounds, quotients, ROUNDS, type Amount, type Side } from './rounds.js';
import { Subject, type Headers } from './subject.js';

/** The CPU time of a request falls for 10,000 to 20,000 requests, until V8 has optimized the code of all of them. */
export const REPEATED: Amount = { warmUp: 30_000, perRound: 8_000 };
/** Fewer if every request has a token of its own, since each has to be signed. */
const DISTINCT: Amount = { warmUp: 14_000, perRound: 1_600 };
/** Clerk's SDK takes many times as long for each request, but needs fewer of them. */
const CLERK: Amount = { warmUp: 4_000, perRound: 800 };

const NAMES: Readonly<Record<Rival, string>> = { open: 'pass-through guard', clerk: 'Clerk’s SDK' };

/** Compares nest-clerk with its rivals. */
export async function measureCase(credentials: Credentials, platform: Platform, one: Case): Promise<Figure[]> {
  const amount = one.distinct === 'all' ? DISTINCT : REPEATED;
  const headers = await headersOf(credentials, one, amount);
  const sides = new Map<Variant, Side>();
  const verifying = one.maxBeyondVerification === undefined ? [] : (['verifying'] as const);
  for (const variant of ['ours', ...one.rivals, ...verifying] as const) {
    const app = appOf(credentials, platform, variant, one);
    sides.set(variant, {
      start: () => Subject.start(app),
      path: one.path,
      status: one.status,
      headers,
      amount: variant === 'clerk' ? CLERK : amount,
    });
  }
  return figuresOf(one, platform, await measureRounds(sides));
}

function figuresOf(one: Case, platform: Platform, measured: ReadonlyMap<Variant, readonly number[]>): Figure[] {
  const ours = measured.get('ours') ?? [];
  const ratios = one.rivals.map((rival): Figure => ({
    what: `${platform}: ${one.name}, nest-clerk ÷ ${NAMES[rival]}`,
    ...summaryOf(quotients(measured.get(rival), ours)),
    atLeast: one.goals?.[rival]?.[platform],
  }));
  if (one.maxBeyondVerification === undefined) return ratios;
  const verifying = measured.get('verifying') ?? [];
  const beyond = ours.map((cpu, round) => cpu - (verifying[round] as number));
  return [
    ...ratios,
    {
      what: `${platform}: ${one.name}, beyond a guard that verifies the RSA signature`,
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

function appOf({ clerk }: Credentials, platform: Platform, variant: Variant, one: Case): AppOptions {
  const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
  const machineTokens = { ttl: one.machineTokenTtl ?? 0 };
  const ours = { verificationCache: { machineTokens }, authorizedParties: ['http://localhost:3000'] };
  const options = {
    publishableKey,
    secretKey,
    apiUrl,
    telemetry,
    ...(variant === 'verifying' && { jwtKey: clerk.jwtKey }),
  };
  return { platform, variant, clerk: variant === 'ours' ? { ...options, ...ours } : options };
}
