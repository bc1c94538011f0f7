import type { AuthObject, ClerkClient } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type AuthenticateRequestOptions } from '@clerk/backend/internal';

import { tokenInHeader } from '../../lib/authentication/identity/credentials.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { RequestOptions } from '../../lib/index.js';

/** The result of Clerk's own client, with keys that it need not fetch; `undefined` if it throws. */
export async function askClerkAlone(
  client: ClerkClient,
  request: Request,
  { isSatellite, audience, authorizedParties, ...others }: RequestOptions,
  acceptsToken: AcceptsToken,
) {
  try {
    const token = tokenInHeader(request.headers.get('authorization'));
    const { clerkUrl } = createClerkRequest(request);
    return await client.authenticateRequest(request, {
      clockSkewInMs: 5_000,
      ...(others as AuthenticateRequestOptions),
      isSatellite: typeof isSatellite === 'function' ? isSatellite(clerkUrl) : isSatellite,
      // These options apply to session tokens only, a distinction that Clerk does not make.
      ...(token && isMachineToken(token) ? {} : { authorizedParties, audience: audience as string[] }),
      acceptsToken: acceptsToken as 'any',
    } as AuthenticateRequestOptions & { acceptsToken: 'any' });
  } catch {
    return undefined;
  }
}

const RIGHTS = [{}, { role: 'org:admin' }, { permission: 'org:read' }, { feature: 'x' }, { reverification: 'strict' }];

/** The parts of an auth object to compare, with the results of its functions. */
export async function described(auth: AuthObject | null) {
  if (!auth) return null;
  const has = auth.has as (params: object) => boolean;
  const properties = Object.entries(auth).filter(([, value]) => typeof value !== 'function');
  // This returns the token itself, without calling Clerk.
  return { ...Object.fromEntries(properties), has: RIGHTS.map((params) => has(params)), token: await auth.getToken() };
}
