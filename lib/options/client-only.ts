import type { ResolvedClerkOptions } from './resolved-options.js';

type Keys = Pick<ResolvedClerkOptions, 'publishableKey' | 'secretKey' | 'resolveOptions'>;

/**
 * Whether there is a secret key and nothing else: the Backend client works, and no caller can be verified. It is so only
 * with `guard: false`, where no publishable key is required.
 */
export function isClientOnly({ publishableKey, secretKey, resolveOptions }: Keys): boolean {
  return publishableKey === '' && secretKey !== '' && !resolveOptions;
}

/** What to do where callers are to be verified all the same. */
export const CLIENT_ONLY =
  'publishableKey (environment variable CLERK_PUBLISHABLE_KEY) is missing, so no caller can be verified: ' +
  'ClerkModule has `guard: false` and only a secret key, which is enough for ClerkClientService alone. Set it where ' +
  'ClerkGuard or ClerkMiddleware is used.';
