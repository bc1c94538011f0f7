import { isClientOnly } from './client-only.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/** Warnings about options that work but are risky; logged once, when the application boots. */
export function bootWarnings(
  options: Pick<ResolvedClerkOptions, 'authorizedParties' | 'publishableKey' | 'secretKey' | 'resolveOptions'>,
): string[] {
  // A client-only module verifies no caller.
  return options.authorizedParties || isClientOnly(options)
    ? []
    : [
        'authorizedParties is not set, so session tokens made for any origin are accepted, also for a sibling ' +
          "subdomain that got hold of a cookie. List the origins of your frontends: authorizedParties: ['https://app.example.com'].",
      ];
}
