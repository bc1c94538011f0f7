import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { Authenticator } from '../lanes/authenticator.js';
import type { ClerkInstances } from './clerk-instances.js';
import type { Credentials } from '../identity/credentials.js';
import { signedOutIdentity, type Identity } from '../identity/identity.js';
import { Reason } from '../identity/reasons.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** With `resolveOptions`: delegates to the authenticator of the instance that a request belongs to. */
export class TenantAuthenticator implements Authenticator {
  constructor(private readonly instances: Pick<ClerkInstances, 'for'>) {}

  async authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    try {
      const { authenticator } = await this.instances.for(credentials.source, credentials.carrier);
      return await authenticator.authenticate(credentials, acceptsToken);
    } catch (error) {
      const failure =
        error instanceof ClerkRequestOptionsError
          ? error
          : new ClerkRequestOptionsError('The Clerk instance of this request could not be created', { cause: error });
      return signedOutIdentity(Reason.Unexpected, acceptsToken, true, { failure });
    }
  }
}
