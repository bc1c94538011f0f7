import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CACHE_LIMITS, CACHE_LIMITS_OF_TENANT, currentUserCacheOf, verificationCacheOf } from './cache-limits.js';
import type { ClerkModuleOptions } from './clerk-options.js';
import type { AudienceByTokenType } from './option-types.js';
import type { RequestOptions } from './tenant-options.js';
import type { ResolvedClerkOptions } from './resolved-options.js';
import { freezeOptions } from './freeze-options.js';
import { readPublicKey } from './key-checks.js';
import { isRecord, nonOwnProperties, MUST_BE_OWN } from './readable.js';
import { readOwn, snapshotOf } from './snapshot.js';
import { INSTANCE_OPTIONS, MODULE_OPTIONS, OPTION_TABLE, REQUIRED_OPTIONS, type OptionRow } from './option-table.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const rows = Object.entries(OPTION_TABLE) as [keyof ClerkModuleOptions, OptionRow][];
const NAMES = Object.keys(OPTION_TABLE);

/**
 * Settles every option once: explicit value > environment > default, validated as a whole and frozen.
 *
 * @throws ClerkConfigurationError naming every option, and its variable, that has to be mended.
 */
export function resolveClerkOptions(
  given: ClerkModuleOptions | undefined | null,
  env: Environment,
  { limits = CACHE_LIMITS, isGuarded = true } = {},
): ResolvedClerkOptions {
  assertReadable(given);
  const options = snapshotOf(readOwn(given ?? {}));
  const problems = Object.keys(options).flatMap(unknownOption);
  const settled: Record<string, unknown> = {};

  for (const [name, row] of rows) {
    const text = (row.env && env[row.env]) || undefined;
    const fromEnv = text !== undefined && row.parse ? row.parse(text) : text;
    // An empty string counts as not given: it is what a ConfigService hands on for an unset variable.
    const value = options[name] === '' ? fromEnv : (options[name] ?? fromEnv);
    const problem = value === undefined ? undefined : row.check(value);
    if (problem) problems.push(`${label(name)} ${problem}.`);
    settled[name] = value ?? row.fallback;
  }
  // A machine's key alone is enough to verify what other machines send it.
  const machineOnly = settled.secretKey === undefined && settled.machineSecretKey !== undefined;
  if (!machineOnly && options.resolveOptions === undefined) {
    // The Backend client needs no publishable key; see isClientOnly() for what does.
    const required = REQUIRED_OPTIONS.filter((name) => isGuarded || name !== 'publishableKey');
    const absent = required.filter((name) => settled[name] === undefined);
    problems.unshift(...absent.map((name) => `${label(name)} ${missing(name, env)}.`));
  }
  problems.push(...(problems.length === 0 ? contradictions(settled as unknown as ResolvedClerkOptions) : []));
  if (problems.length > 0) throw new ClerkConfigurationError(problems);

  const telemetry = (settled.telemetry ?? {}) as ResolvedClerkOptions['telemetry'];
  return freezeOptions({
    ...(settled as unknown as ResolvedClerkOptions),
    publishableKey: (settled.publishableKey ?? '') as string,
    secretKey: (settled.secretKey ?? '') as string,
    machineOnly,
    frontendApiProxy: mounted(settled.frontendApiProxy as ClerkModuleOptions['frontendApiProxy']),
    verificationCache: verificationCacheOf(
      settled.verificationCache as ClerkModuleOptions['verificationCache'],
      limits,
    ),
    currentUserCache: currentUserCacheOf(settled.currentUserCache as ClerkModuleOptions['currentUserCache'], limits),
    audience: byTokenType(settled.audience as ClerkModuleOptions['audience']),
    jwtKey: settled.jwtKey === undefined ? undefined : readPublicKey(settled.jwtKey as string),
    telemetry: {
      disabled: telemetry.disabled ?? isTruthy(env.CLERK_TELEMETRY_DISABLED),
      debug: telemetry.debug ?? isTruthy(env.CLERK_TELEMETRY_DEBUG),
    },
  });
}

/**
 * Makes sure that nothing is lost when options are copied, as Nest and we do.
 *
 * @throws ClerkConfigurationError where they are no object, or say something that would not be read.
 */
export function assertReadable(given: unknown): void {
  const options = given ?? {};
  if (!isRecord(options)) throw new ClerkConfigurationError(['the options must be an object']);
  const lost = nonOwnProperties(options, NAMES);
  if (lost.length > 0) throw new ClerkConfigurationError(lost.map((name) => `${name} ${MUST_BE_OWN}.`));
}

/** Makes sure of the same about what `resolveOptions` answered. @throws ClerkConfigurationError */
export function assertAnswer(answer: unknown): asserts answer is RequestOptions {
  if (typeof answer !== 'object' || answer === null) {
    throw new ClerkConfigurationError(['resolveOptions answered nothing: answer the keys of the instance']);
  }
  assertReadable(answer);
}

/**
 * The options of one request: the module's, with what `resolveOptions` answered in their place.
 *
 * @throws ClerkConfigurationError where the answer is no options, or such as cannot differ from request to request.
 */
export function resolveRequestOptions(
  module: ClerkModuleOptions,
  answer: RequestOptions | undefined,
  env: Environment,
): ResolvedClerkOptions {
  assertAnswer(answer);
  const misplaced = MODULE_OPTIONS.filter((name) => Object.hasOwn(answer, name));
  const problems = misplaced.map((name) => `resolveOptions answered ${name}: give it to the module`);
  if (problems.length > 0) throw new ClerkConfigurationError(problems);
  const shared = omit(module, [...INSTANCE_OPTIONS, 'resolveOptions']);
  const variables = INSTANCE_OPTIONS.flatMap((name) => (OPTION_TABLE[name] as OptionRow).env ?? []);
  // What is undefined, null or empty is not given: it must not take the place of what the module demands.
  const ungiven = Object.entries(answer).filter(([name, value]) => (value ?? '') === '' && Object.hasOwn(shared, name));
  const own = omit(
    answer,
    ungiven.map(([name]) => name),
  );
  return resolveClerkOptions({ ...shared, ...own }, omit(env, variables), { limits: CACHE_LIMITS_OF_TENANT });
}

function omit<T extends object>(from: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name))) as T;
}

function label(name: keyof ClerkModuleOptions): string {
  const { env } = OPTION_TABLE[name] as OptionRow;
  return env ? `${name} (environment variable ${env})` : name;
}

/** What `forRootAsync()` takes beside its factory. Of `forRoot()` they never get here. */
const BESIDE_THE_FACTORY = ['guard', 'isGlobal'];

function unknownOption(name: string): string[] {
  if (Object.hasOwn(OPTION_TABLE, name)) return [];
  if (BESIDE_THE_FACTORY.includes(name)) {
    return [
      `"${name}" is not an option that a factory returns: write forRootAsync({ ${name}: …, useFactory: … }), beside the factory.`,
    ];
  }
  const wanted = name.toLowerCase().replace(/[^a-z]/g, '');
  const near = rows.find(([known]) => known.toLowerCase() === wanted)?.[0];
  const cure = near ? `did you mean ${near}?` : `known are ${NAMES.join(', ')}.`;
  return [`"${name}" is not an option: ${cure}`];
}

/** Says that a required option is missing, and recognises where people usually left it. */
function missing(name: keyof ClerkModuleOptions, env: Environment): string {
  const variable = (OPTION_TABLE[name] as OptionRow).env as string;
  const prefixed = Object.keys(env).find((key) => key.endsWith(`_${variable}`) && env[key]);
  if (prefixed && name === 'secretKey') {
    return `is missing, and ${prefixed} is set: a prefixed variable is built into the frontend, where a secret key must never be. Rotate the key in the Clerk Dashboard and set ${variable}`;
  }
  if (prefixed) {
    return `is missing, but ${prefixed} is set: that name is for a frontend. Set ${variable} to the same value for this server`;
  }
  if (name === 'secretKey' && env.CLERK_API_KEY) {
    return `is missing, but CLERK_API_KEY is set: that is its old name. Rename the variable to ${variable}`;
  }
  return `is missing: copy it from the API keys page of the Clerk Dashboard, or start a LocalClerk from 'nest-clerk/testing' and pass its options`;
}

/** What is fine alone and wrong together. */
function contradictions(options: ResolvedClerkOptions): string[] {
  // Without keys of its own (see `resolveOptions`) there is nothing to contradict.
  const { publishableKey = '', secretKey = '', domain, proxyUrl, signInUrl }: Partial<ResolvedClerkOptions> = options;
  // Where a function decides, it is judged by what it answers to a request.
  const isSatellite = options.isSatellite === true;
  const problems: string[] = [];
  if (publishableKey && secretKey && publishableKey.startsWith('pk_live_') !== secretKey.startsWith('sk_live_')) {
    problems.push(
      `${label('publishableKey')} and ${label('secretKey')} belong to different instances: one is a test key, the other a live key. Copy both from the same instance.`,
    );
  }
  if (isSatellite && !domain && !proxyUrl) {
    problems.push(`isSatellite needs ${label('domain')} or ${label('proxyUrl')}: set one of them.`);
  }
  if (isSatellite && secretKey.startsWith('sk_test_') && !signInUrl?.startsWith('http')) {
    problems.push(
      `isSatellite needs ${label('signInUrl')} on a development instance: set it to the absolute URL of the primary application's sign-in page.`,
    );
  }
  return problems;
}

/** Clerk's own form, a string or a list, speaks to session tokens. */
function byTokenType(audience: ClerkModuleOptions['audience']): AudienceByTokenType {
  return typeof audience === 'string' || Array.isArray(audience) ? { session_token: audience } : { ...audience };
}

/** The path without a slash at its end, as Clerk compares it. */
function mounted(proxy: ClerkModuleOptions['frontendApiProxy']): ResolvedClerkOptions['frontendApiProxy'] {
  return proxy && { enabled: proxy.enabled, path: (proxy.path ?? '/__clerk').replace(/\/$/, '') };
}

function isTruthy(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}
