import {
  authenticatedMachineObject,
  signedInAuthObject,
  signedOutAuthObject,
  type SignedInAuthObject,
} from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { memoizedAuth, type ToAuth } from './auth-memo.js';
import type { Identity } from './identity.js';
import type { TokenType } from './token-types.js';

/** The verified claims of a session token. */
export type SessionClaims = SignedInAuthObject['sessionClaims'];

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/** What Clerk's auth object of a machine token is made of. */
export type MachineData = Parameters<typeof authenticatedMachineObject>[2];

/** Somebody signed in by a session token that was verified before, or by us. Nothing of a request is in it. */
export function sessionIdentity(options: ResolvedClerkOptions, token: string, claims: SessionClaims): Identity {
  const { secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion } = options;
  const context = { secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion };
  return signedIn('session_token', ({ treatPendingAsSignedOut = true } = {}) => {
    const auth = signedInAuthObject(context, token, claims);
    const pending = treatPendingAsSignedOut && auth.sessionStatus === 'pending';
    return pending ? signedOutAuthObject(undefined, 'pending') : auth;
  });
}

/** Somebody signed in by a machine token that was verified before. */
export function machineIdentity(tokenType: MachineTokenType, token: string, data: MachineData): Identity {
  return signedIn(tokenType, () => authenticatedMachineObject(tokenType, token, data));
}

function signedIn(tokenType: TokenType, build: ToAuth): Identity {
  const toAuth = memoizedAuth(build);
  // Clerk says nothing to the client about somebody who is signed in.
  return { status: 'signed-in', tokenType, reason: null, credentialSent: true, headers: new Headers(), toAuth };
}
