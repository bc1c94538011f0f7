import type { ClerkModuleOptions } from './clerk-options.js';
import type { Environment } from './option-row.js';
import { OPTION_ROWS, OPTION_TABLE, type OptionName } from './option-table.js';

/** How a message names an option: with its environment variable, if it has one. */
export function label(name: OptionName): string {
  const { env } = OPTION_TABLE[name];
  return env ? `${name} (environment variable ${env})` : name;
}

/** Options of `forRootAsync()` itself. Nest removes them from the options of `forRoot()`. */
const FACTORY_SIBLINGS = ['guard', 'isGlobal'];

/** Returns the problem of a name that is not an option, with the most likely correction. */
export function unknownOption(name: string): string[] {
  if (Object.hasOwn(OPTION_TABLE, name)) return [];
  if (FACTORY_SIBLINGS.includes(name)) {
    return [
      `"${name}" is not an option that a factory returns: pass it next to the factory, as in forRootAsync({ ${name}: …, useFactory: … }).`,
    ];
  }
  const normalized = name.toLowerCase().replace(/[^a-z]/g, '');
  const similar = OPTION_ROWS.find(([known]) => known.toLowerCase() === normalized)?.[0];
  const hint = similar ? `did you mean ${similar}?` : `the options are ${Object.keys(OPTION_TABLE).join(', ')}.`;
  return [`"${name}" is not an option: ${hint}`];
}

/** Reports a missing required option, and hints at common misnamed variables. */
export function missing(name: OptionName, env: Environment): string {
  return `${label(name)} ${reasonWhyMissing(name, env)}.`;
}

function reasonWhyMissing(name: OptionName, env: Environment): string {
  const variable = OPTION_TABLE[name].env ?? '';
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

/**
 * Finds options that are valid alone but not together.
 *
 * @param options Valid options, before they are normalized. With `resolveOptions`, the module may have no keys of its own.
 */
export function contradictions(options: ClerkModuleOptions): string[] {
  const { publishableKey, secretKey, domain, proxyUrl, signInUrl } = options;
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
  if (isSatellite && secretKey?.startsWith('sk_test_') && !signInUrl?.startsWith('http')) {
    problems.push(
      `isSatellite needs ${label('signInUrl')} on a development instance: set it to the absolute URL of the primary application's sign-in page.`,
    );
  }
  return problems;
}
