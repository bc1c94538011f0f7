import type { AuthObject, ClerkClient } from '@clerk/backend';
import {
  createClerkRequest,
  isMachineToken,
  type AuthenticateRequestOptions,
  type RequestState,
} from '@clerk/backend/internal';

import { safeDebug } from '../../lib/authentication/identity/auth-debug.js';
import { tokenInHeader } from '../../lib/authentication/identity/credentials.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import type { AcceptsToken, TokenType } from '../../lib/authentication/identity/token-types.js';
import type { RequestOptions } from '../../lib/index.js';

/** The result of Clerk's own client, and the URL against which its redirects are resolved. */
export interface ClerkAnswer {
  readonly state: RequestState<TokenType | null>;
  readonly clerkUrl: URL;
}

/** The result of Clerk's own client, with keys that it need not fetch; `undefined` if it throws. */
export async function askClerkAlone(
  client: ClerkClient,
  request: Request,
  { isSatellite, audience, authorizedParties, ...others }: RequestOptions,
  acceptsToken: AcceptsToken,
): Promise<ClerkAnswer | undefined> {
  try {
    const token = tokenInHeader(request.headers.get('authorization'));
    const { clerkUrl } = createClerkRequest(request);
    const state = await client.authenticateRequest(request, {
      clockSkewInMs: 5_000,
      ...(others as AuthenticateRequestOptions),
      isSatellite: typeof isSatellite === 'function' ? isSatellite(clerkUrl) : isSatellite,
      // These options apply to session tokens only, a distinction that Clerk does not make.
      ...(token && isMachineToken(token) ? {} : { authorizedParties, audience: audience as string[] }),
      acceptsToken: acceptsToken as 'any',
    } as AuthenticateRequestOptions & { acceptsToken: 'any' });
    return { state, clerkUrl };
  } catch {
    return undefined;
  }
}

/** Headers of Clerk's response that are withheld: `identity.ts` says why. */
const WITHHELD = ['x-clerk-auth-message', 'access-control-allow-origin', 'access-control-allow-credentials'];

const RIGHTS = [{}, { role: 'org:admin' }, { permission: 'org:read' }, { feature: 'x' }, { reverification: 'strict' }];

/** An auth object with the results of its functions; `null` if there is none. */
async function describeAuth(auth: AuthObject | null, status: string) {
  if (!auth) return null;
  const has = auth.has as (params: object) => boolean;
  const properties = Object.entries(auth).filter(([, value]) => typeof value !== 'function');
  const shown = safeDebug(() => auth.debug())();
  return {
    ...Object.fromEntries(properties),
    functions: ['debug', 'getToken', 'has'].filter((name) => typeof auth[name as 'has'] === 'function'),
    has: RIGHTS.map((params) => has(params)),
    // This returns the token itself, without calling Clerk.
    token: await auth.getToken(),
    // Clerk shows no status for machine tokens.
    explanation: { status: shown.status ?? status, reason: shown.reason },
  };
}

/** A result of a lane or of Clerk, in full: what the browser gets, and what the handler gets. */
async function describeResult(result: Identity | ClerkAnswer['state'], clerkUrl: URL) {
  const { status, reason } = result;
  const headers = new Headers(result.headers);
  for (const name of WITHHELD) headers.delete(name);
  // Our redirects to this server are paths.
  const location = headers.get('location');
  if (location !== null) headers.set('location', new URL(location, clerkUrl).href);
  const auth = await describeAuth(result.toAuth() as AuthObject | null, status);
  const pendingAuth = await describeAuth(
    result.toAuth({ treatPendingAsSignedOut: false }) as AuthObject | null,
    status,
  );
  return { status, reason, headers: [...headers], auth, pendingAuth };
}

/** Expects the same status, reason, headers and auth object as from Clerk, with the same explanation in `debug()`. */
export async function expectAnswerOf({ state, clerkUrl }: ClerkAnswer, ours: Identity): Promise<void> {
  const theirs = await describeResult(state, clerkUrl);
  const described = await describeResult(ours, clerkUrl);
  // Clerk has no auth object for a handshake.
  const comparable = theirs.auth === null ? { ...described, auth: null, pendingAuth: null } : described;
  expect(comparable).toEqual(theirs);
}

/**
 * Expects the same identity as from the Clerk lane of the same instance. `debug()` may lack fields, since a result that
 * is shared by several requests must not show one of them. A field that it shows is the same.
 */
export async function expectIdentityOf(clerkLane: Identity, ours: Identity): Promise<void> {
  const describe = async (identity: Identity) => {
    const { tokenType, hasCredentials, hasIgnoredSession = false, failure, detail } = identity;
    const result = await describeResult(identity, new URL('http://api.test'));
    return { ...result, tokenType, hasCredentials, hasIgnoredSession, failure, detail };
  };
  expect(await describe(ours)).toEqual(await describe(clerkLane));
  // The status is compared above.
  const isShown = ([name, value]: [string, unknown]) => name !== 'status' && value !== undefined && value !== '';
  const shown = Object.entries(ours.toAuth().debug() as object).filter(isShown);
  expect(clerkLane.toAuth().debug()).toMatchObject(Object.fromEntries(shown));
}
