import type { Io } from './io.js';

const HOST = 'clerk.example.com';

/** Clerk's telemetry speaks on standard output, which is for the map alone. */
const QUIET = { CLERK_TELEMETRY_DISABLED: '1' };

/**
 * What an application may lack in its environment to start, made up: keys of a Clerk instance that does not exist and
 * cannot be reached, since none are needed to read decorators. What is set stays, so that a wrong key is said to be wrong.
 *
 * @returns in the order to try them. Some of the keys may be among the options, of an instance of either kind.
 */
export function madeUpEnvironments(env: Io['env']): readonly [Record<string, string>, ...Record<string, string>[]] {
  const [, kind] = /^[ps]k_(live|test)_/.exec(env.CLERK_SECRET_KEY || env.CLERK_PUBLISHABLE_KEY || '') ?? [];
  if (kind || env.CLERK_SECRET_KEY || env.CLERK_PUBLISHABLE_KEY) return [madeUpEnvironment(env, kind ?? 'live')];
  // An application with no other key accepts M2M tokens alone, which must not change by being looked at.
  if (env.CLERK_MACHINE_SECRET_KEY) return [QUIET];
  return [madeUpEnvironment(env, 'live'), madeUpEnvironment(env, 'test')];
}

function madeUpEnvironment(env: Io['env'], kind: string): Record<string, string> {
  const CLERK_PUBLISHABLE_KEY = env.CLERK_PUBLISHABLE_KEY || `pk_${kind}_${Buffer.from(`${HOST}$`).toString('base64')}`;
  if (env.CLERK_SECRET_KEY || env.CLERK_MACHINE_SECRET_KEY) return { ...QUIET, CLERK_PUBLISHABLE_KEY };
  return {
    ...QUIET,
    CLERK_PUBLISHABLE_KEY,
    CLERK_SECRET_KEY: `sk_${kind}_madeUp`,
    // A port that fetch refuses to use, so that not even this machine is asked.
    CLERK_API_URL: 'http://127.0.0.1:1',
    // Satellites need these; nobody is sent there.
    CLERK_SIGN_IN_URL: env.CLERK_SIGN_IN_URL || `https://${HOST}/sign-in`,
    CLERK_PROXY_URL: env.CLERK_PROXY_URL || `https://${HOST}`,
  };
}

/**
 * Made-up keys for variables with names of the application's own, such as MY_CLERK_SECRET_KEY.
 * @param text Mentions them.
 */
export function variablesNamedIn(text: string, madeUp: Record<string, string>): Record<string, string> {
  const names = text.match(/\b\w*CLERK_(?:PUBLISHABLE|SECRET)_KEY\b/g) ?? [];
  const values = names.map((name) => [name, madeUp[name.slice(name.lastIndexOf('CLERK_'))]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
