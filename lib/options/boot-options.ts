import { Logger } from '@nestjs/common';

import type { ClerkModuleOptions } from './clerk-options.js';
import { isClientOnly } from './client-only.js';
import { explainUnloadedEnvFiles } from './env-file.js';
import { resolveClerkOptions } from './resolve-options.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/**
 * Resolves the options of the module when the application boots, and logs a warning for risky ones.
 *
 * @throws ClerkConfigurationError listing every invalid option, and `.env` files that were not loaded.
 */
export function resolveAtBoot(given: ClerkModuleOptions, isGuarded: boolean): ResolvedClerkOptions {
  try {
    const options = resolveClerkOptions(given, process.env, { isGuarded });
    for (const warning of bootWarnings(options)) new Logger('ClerkModule').warn(warning);
    return options;
  } catch (error) {
    throw explainUnloadedEnvFiles(error, process.env, process.cwd());
  }
}

/** Warnings about options that work but are risky; logged once, when the application boots. */
export function bootWarnings(
  options: Pick<ResolvedClerkOptions, 'authorizedParties' | 'publishableKey' | 'secretKey' | 'resolveOptions'>,
): string[] {
  // A client-only module verifies no caller.
  return options.authorizedParties || isClientOnly(options)
    ? []
    : [
        'authorizedParties is not set, so session tokens issued for any origin are accepted, including those that a ' +
          "sibling subdomain got from a leaked cookie. List the origins of your frontends: authorizedParties: ['https://app.example.com'].",
      ];
}
