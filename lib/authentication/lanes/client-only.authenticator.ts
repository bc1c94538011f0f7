import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import { CLIENT_ONLY } from '../../options/client-only.js';
import type { Authenticator } from './authenticator.js';
import type { Credentials } from '../identity/credentials.js';
import { signedOutIdentity, type Identity } from '../identity/identity.js';
import { Reason } from '../identity/reasons.js';
import type { AcceptsToken } from '../identity/token-types.js';

/**
 * Used without a publishable key: it signs no one in. It is only called if a guard is used in a way that the boot
 * checks cannot detect.
 */
export class ClientOnlyAuthenticator implements Authenticator {
  authenticate(_credentials: Credentials, acceptsToken: AcceptsToken): Identity {
    const failure = new ClerkRequestOptionsError(CLIENT_ONLY);
    return signedOutIdentity(Reason.Unexpected, acceptsToken, true, { failure });
  }
}
