import type { Io } from './io.js';

const HOST = 'clerk.example.com';

/** Clerk's telemetry writes to standard output, which is for the map only. */
const QUIET = { CLERK_TELEMETRY_DISABLED: '1' };

/**
 * Placeholders for the Clerk variables that the environment lacks: keys of an instance that does not exist and cannot be
 * reached, since reading decorators needs no real ones. Variables that are set stay, so that wrong keys are reported.
 *
 * @returns environments in the order to try them, since keys in the options may be of a live or a test instance.
 */
export function placeholderEnvironments(
  env: Io['env'],
): readonly [Record<string, string>, ...Record<string, string>[]] {
  const [, kind] = /^[ps]k_(live|test)_/.exec(env.CLERK_SECRET_KEY || env.CLERK_PUBLISHABLE_KEY || '') ?? [];
  if (kind || env.CLERK_SECRET_KEY || env.CLERK_PUBLISHABLE_KEY) return [placeholderEnvironment(env, kind ?? 'live')];
  // An application with only this key accepts nothing but M2M tokens; another key would change its options.
  if (env.CLERK_MACHINE_SECRET_KEY) return [QUIET];
  return [placeholderEnvironment(env, 'live'), placeholderEnvironment(env, 'test')];
}

function placeholderEnvironment(env: Io['env'], kind: string): Record<string, string> {
  const CLERK_PUBLISHABLE_KEY = env.CLERK_PUBLISHABLE_KEY || `pk_${kind}_${Buffer.from(`${HOST}$`).toString('base64')}`;
  if (env.CLERK_SECRET_KEY || env.CLERK_MACHINE_SECRET_KEY) return { ...QUIET, CLERK_PUBLISHABLE_KEY };
  return {
    ...QUIET,
    CLERK_PUBLISHABLE_KEY,
    CLERK_SECRET_KEY: `sk_${kind}_madeUp`,
    // A port that fetch blocks, so no request is ever sent.
    CLERK_API_URL: 'http://127.0.0.1:1',
    // Required for satellites; no browser is redirected there.
    CLERK_SIGN_IN_URL: env.CLERK_SIGN_IN_URL || `https://${HOST}/sign-in`,
    CLERK_PROXY_URL: env.CLERK_PROXY_URL || `https://${HOST}`,
  };
}

/**
 * Placeholder keys for variables with names of the application's own, such as MY_CLERK_SECRET_KEY.
 *
 * @param text A message that mentions the variables.
 */
export function variablesNamedIn(text: string, placeholders: Record<string, string>): Record<string, string> {
  const names = text.match(/\b\w*CLERK_(?:PUBLISHABLE|SECRET)_KEY\b/g) ?? [];
  const values = names.map((name) => [name, placeholders[name.slice(name.lastIndexOf('CLERK_'))]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
