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
  // The host is what a forwarded header says; nothing but a web page is ever redirected to.
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
  const location = new URL(redirectToSignIn({ returnBackUrl: clerkUrl.toString() }));
  if (location.origin !== clerkUrl.origin) return location.toString();
  // With one slash: what follows two is a host to browsers, and Clerk puts "/tasks" after a URL that ends with one.
  location.pathname = location.pathname.replace(/^\/+/, '/');
  // On this host the path is enough, and leaves no say to a forged forwarded host.
  return isHere(location) ? undefined : location.pathname + location.search;
}
