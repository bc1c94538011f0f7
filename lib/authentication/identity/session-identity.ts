import { authenticatedMachineObject, signedOutAuthObject } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { memoizeAuth, type ToAuth } from './auth-memo.js';
import type { Identity } from './identity.js';
import { SessionAuthObjects, type SessionClaims } from './session-auth-objects.js';
import type { TokenType } from './token-types.js';

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/** The data that Clerk's auth object of a machine token is built from. */
export type MachineData = Parameters<typeof authenticatedMachineObject>[2];

/** Creates the identities of the verified session tokens of one Clerk instance. They contain no data of a request. */
export class SessionIdentities {
  private readonly authObjects: SessionAuthObjects;

  constructor({ secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion }: ResolvedClerkOptions) {
    this.authObjects = new SessionAuthObjects({ secretKey, publishableKey, machineSecretKey, apiUrl, apiVersion });
  }

  create(token: string, claims: SessionClaims): Identity {
    return signedIn('session_token', ({ treatPendingAsSignedOut = true } = {}) => {
      const isPendingSignedOut = treatPendingAsSignedOut && claims.sts === 'pending';
      return isPendingSignedOut ? signedOutAuthObject(undefined, 'pending') : this.authObjects.build(token, claims);
    });
  }
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
