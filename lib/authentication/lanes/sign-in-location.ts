import { createClerkRequest, createRedirect } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { Identity } from '../identity/identity.js';
import { toLocation } from './relative-location.js';

/**
 * Builds the `Location` of the sign-in page, with the URL to return to.
 *
 * @returns `undefined` if the browser is on the sign-in page already: a redirect would loop.
 */
export function buildSignInLocation(
  {
    publishableKey,
    signInUrl = '/',
    isSatellite,
  }: Pick<ResolvedClerkOptions, 'publishableKey' | 'signInUrl' | 'isSatellite'>,
  request: Request,
  identity: Identity,
): string | undefined {
  const { clerkUrl, cookies } = createClerkRequest(request);
  // Only http and https URLs can be redirected to.
  if (!/^https?:$/.test(clerkUrl.protocol)) return undefined;
  const target = new URL(signInUrl, clerkUrl);
  const isHere = ({ origin, pathname }: URL) => origin === clerkUrl.origin && pathname === clerkUrl.pathname;
  if (isHere(target)) return undefined;

  const auth = identity.toAuth();
  const { redirectToSignIn } = createRedirect({
    publishableKey,
    baseUrl: clerkUrl,
    signInUrl: target,
    devBrowserToken: cookies.get('__clerk_db_jwt'),
    sessionStatus: 'sessionStatus' in auth ? auth.sessionStatus : null,
    isSatellite: typeof isSatellite === 'function' ? isSatellite(clerkUrl) : isSatellite,
    redirectAdapter: (url) => url,
  });
  const location = toLocation(clerkUrl, new URL(redirectToSignIn({ returnBackUrl: clerkUrl.toString() })));
  return isHere(new URL(location, clerkUrl)) ? undefined : location;
}
