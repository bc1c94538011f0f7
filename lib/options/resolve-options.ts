import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CACHE_LIMITS, TENANT_CACHE_LIMITS, toUserCache, toVerificationCache } from './cache-limits.js';
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
 * Resolves all options: explicit value > environment > default. Validates them as a whole and freezes the result.
 *
 * @throws ClerkConfigurationError listing every invalid option with its environment variable.
 */
export function resolveClerkOptions(
  given: ClerkModuleOptions | undefined | null,
  env: Environment,
  { limits = CACHE_LIMITS, isGuarded = true } = {},
): ResolvedClerkOptions {
  assertReadable(given);
  const options = snapshotOf(readOwn(given ?? {}));
  const problems = Object.keys(options).flatMap(unknownOption);
  const resolved: Record<string, unknown> = {};

  for (const [name, row] of rows) {
    const text = (row.env && env[row.env]) || undefined;
    const fromEnv = text !== undefined && row.parse ? row.parse(text) : text;
    // An empty string counts as not set: a ConfigService returns it for an unset variable.
    const value = options[name] === '' ? fromEnv : (options[name] ?? fromEnv);
    const problem = value === undefined ? undefined : row.check(value);
    if (problem) problems.push(`${label(name)} ${problem}.`);
    resolved[name] = value ?? row.fallback;
  }
  // A machine secret key alone is enough to verify M2M tokens.
  const machineOnly = resolved.secretKey === undefined && resolved.machineSecretKey !== undefined;
  if (!machineOnly && options.resolveOptions === undefined) {
    // The Backend client needs no publishable key; see isClientOnly() for what does.
    const required = REQUIRED_OPTIONS.filter((name) => isGuarded || name !== 'publishableKey');
    const absent = required.filter((name) => resolved[name] === undefined);
    problems.unshift(...absent.map((name) => `${label(name)} ${missing(name, env)}.`));
  }
  problems.push(...(problems.length === 0 ? contradictions(resolved as unknown as ResolvedClerkOptions) : []));
  if (problems.length > 0) throw new ClerkConfigurationError(problems);

  const telemetry = (resolved.telemetry ?? {}) as ResolvedClerkOptions['telemetry'];
  return freezeOptions({
    ...(resolved as unknown as ResolvedClerkOptions),
    publishableKey: (resolved.publishableKey ?? '') as string,
    secretKey: (resolved.secretKey ?? '') as string,
    machineOnly,
    frontendApiProxy: resolveProxy(resolved.frontendApiProxy as ClerkModuleOptions['frontendApiProxy']),
    verificationCache: toVerificationCache(
      resolved.verificationCache as ClerkModuleOptions['verificationCache'],
      limits,
    ),
    currentUserCache: toUserCache(resolved.currentUserCache as ClerkModuleOptions['currentUserCache'], limits),
    audience: audienceByTokenType(resolved.audience as ClerkModuleOptions['audience']),
    jwtKey: resolved.jwtKey === undefined ? undefined : readPublicKey(resolved.jwtKey as string),
    telemetry: {
      disabled: telemetry.disabled ?? isTruthy(env.CLERK_TELEMETRY_DISABLED),
      debug: telemetry.debug ?? isTruthy(env.CLERK_TELEMETRY_DEBUG),
    },
  });
}

/**
 * Asserts that copying the options, as Nest and we do, loses nothing.
 *
 * @throws ClerkConfigurationError if they are not an object, or have getters or inherited options.
 */
export function assertReadable(given: unknown): void {
  const options = given ?? {};
  if (!isRecord(options)) throw new ClerkConfigurationError(['the options must be an object']);
  const lost = nonOwnProperties(options, NAMES);
  if (lost.length > 0) throw new ClerkConfigurationError(lost.map((name) => `${name} ${MUST_BE_OWN}.`));
}

/**
 * The same for the result of `resolveOptions`.
 *
 * @throws ClerkConfigurationError
 */
export function assertAnswer(answer: unknown): asserts answer is RequestOptions {
  if (typeof answer !== 'object' || answer === null) {
    throw new ClerkConfigurationError(['resolveOptions answered nothing: answer the keys of the instance']);
  }
  assertReadable(answer);
}

/**
 * The options of one request: the module's, overridden by the result of `resolveOptions`.
 *
 * @throws ClerkConfigurationError if the result is invalid, or holds an option of the whole module.
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
  // undefined, null and empty strings count as not set, so that they cannot lift what the module requires.
  const unset = Object.entries(answer).filter(([name, value]) => (value ?? '') === '' && Object.hasOwn(shared, name));
  const own = omit(
    answer,
    unset.map(([name]) => name),
  );
  return resolveClerkOptions({ ...shared, ...own }, omit(env, variables), { limits: TENANT_CACHE_LIMITS });
}

function omit<T extends object>(from: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name))) as T;
}

function label(name: keyof ClerkModuleOptions): string {
  const { env } = OPTION_TABLE[name] as OptionRow;
  return env ? `${name} (environment variable ${env})` : name;
}

/** Options of `forRootAsync()` itself. Nest removes them from the options of `forRoot()`. */
const FACTORY_SIBLINGS = ['guard', 'isGlobal'];

function unknownOption(name: string): string[] {
  if (Object.hasOwn(OPTION_TABLE, name)) return [];
  if (FACTORY_SIBLINGS.includes(name)) {
    return [
      `"${name}" is not an option that a factory returns: write forRootAsync({ ${name}: …, useFactory: … }), beside the factory.`,
    ];
  }
  const normalized = name.toLowerCase().replace(/[^a-z]/g, '');
  const similar = rows.find(([known]) => known.toLowerCase() === normalized)?.[0];
  const hint = similar ? `did you mean ${similar}?` : `known are ${NAMES.join(', ')}.`;
  return [`"${name}" is not an option: ${hint}`];
}

/** Reports a missing required option, and hints at common misnamed variables. */
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

/** Finds options that are valid alone but not together. */
function contradictions(options: ResolvedClerkOptions): string[] {
  // With `resolveOptions`, the module may have no keys of its own.
  const { publishableKey = '', secretKey = '', domain, proxyUrl, signInUrl }: Partial<ResolvedClerkOptions> = options;
  // The results of a function are checked for each request.
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

/** A string or a list, as Clerk takes it, applies to session tokens. */
function audienceByTokenType(audience: ClerkModuleOptions['audience']): AudienceByTokenType {
  return typeof audience === 'string' || Array.isArray(audience) ? { session_token: audience } : { ...audience };
}

/** Removes the trailing slash of the path, as Clerk expects it. */
function resolveProxy(proxy: ClerkModuleOptions['frontendApiProxy']): ResolvedClerkOptions['frontendApiProxy'] {
  return proxy && { enabled: proxy.enabled, path: (proxy.path ?? '/__clerk').replace(/\/$/, '') };
}

function isTruthy(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}
