import type { ResolvedClerkOptions } from './resolved-options.js';

type Keys = Pick<ResolvedClerkOptions, 'publishableKey' | 'secretKey' | 'resolveOptions'>;

/**
 * Whether only a secret key is set: the Backend client works, but no caller can be verified. Possible only with
 * `guard: false`, where no publishable key is required.
 */
export function isClientOnly({ publishableKey, secretKey, resolveOptions }: Keys): boolean {
  return publishableKey === '' && secretKey !== '' && !resolveOptions;
}

/** The error for an application that verifies callers nevertheless. */
export const CLIENT_ONLY =
  'publishableKey (environment variable CLERK_PUBLISHABLE_KEY) is missing, so no caller can be verified: ' +
  'ClerkModule has `guard: false` and only a secret key, which is enough for ClerkClientService alone. Set it where ' +
  'ClerkGuard or ClerkMiddleware is used.';
