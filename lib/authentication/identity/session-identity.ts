import {
  authenticatedMachineObject,
  signedInAuthObject,
  signedOutAuthObject,
  type SignedInAuthObject,
} from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { memoizeAuth, type ToAuth } from './auth-memo.js';
import type { Identity } from './identity.js';
import type { TokenType } from './token-types.js';

/** The verified claims of a session token. */
export type SessionClaims = SignedInAuthObject['sessionClaims'];

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/** The data that Clerk's auth object of a machine token is built from. */
export type MachineData = Parameters<typeof authenticatedMachineObject>[2];

/** Creates the identity of a verified session token. It contains no data of a particular request. */
export function sessionIdentity(options: ResolvedClerkOptions, token: string, claims: SessionClaims): Identity {
  const { secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion } = options;
  const context = { secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion };
  return signedIn('session_token', ({ treatPendingAsSignedOut = true } = {}) => {
    const auth = signedInAuthObject(context, token, claims);
    const isPendingSignedOut = treatPendingAsSignedOut && auth.sessionStatus === 'pending';
    return isPendingSignedOut ? signedOutAuthObject(undefined, 'pending') : auth;
  });
}

/** Creates the identity of a machine token that was verified before. */
export function machineIdentity(tokenType: MachineTokenType, token: string, data: MachineData): Identity {
  return signedIn(tokenType, () => authenticatedMachineObject(tokenType, token, data));
}

function signedIn(tokenType: TokenType, build: ToAuth): Identity {
  const toAuth = memoizeAuth(build);
  // Clerk adds no response headers for a signed-in caller.
  return { status: 'signed-in', tokenType, reason: null, hasCredentials: true, headers: new Headers(), toAuth };
}
