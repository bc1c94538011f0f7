import { createClerkRequest, createRedirect } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Identity } from './identity.js';

/**
 * Where a browser signs in, with the way back in it.
 *
 * @returns `undefined` where the browser is there already: a redirect would never end.
 */
export function signInLocation(
  {
    publishableKey,
    signInUrl = '/',
    isSatellite,
  }: Pick<ResolvedClerkOptions, 'publishableKey' | 'signInUrl' | 'isSatellite'>,
  request: Request,
  identity: Identity,
): string | undefined {
  const { clerkUrl, cookies } = createClerkRequest(request);
  const target = new URL(signInUrl, clerkUrl);
  if (target.origin === clerkUrl.origin && target.pathname === clerkUrl.pathname) return undefined;

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
  return redirectToSignIn({ returnBackUrl: clerkUrl.toString() });
}
