import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { Authenticator } from '../lanes/authenticator.js';
import type { ClerkInstance } from './clerk-instance.js';
import type { ClerkInstances } from './clerk-instances.js';
import type { Credentials } from '../identity/credentials.js';
import { signedOutIdentity, type Identity } from '../identity/identity.js';
import { Reason } from '../identity/reasons.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** With `resolveOptions`: delegates to the authenticator of the instance that a request belongs to. */
export class TenantAuthenticator implements Authenticator {
  constructor(private readonly instances: Pick<ClerkInstances, 'for'>) {}

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    const authenticateWith = ({ authenticator }: ClerkInstance) =>
      authenticator.authenticate(credentials, acceptsToken);
    const fail = (error: unknown) => failedIdentity(error, acceptsToken);
    try {
      const instance = this.instances.for(credentials.source, credentials.carrier);
      if ('then' in instance) return instance.then(authenticateWith).catch(fail);
      const identity = authenticateWith(instance);
      return 'then' in identity ? identity.catch(fail) : identity;
    } catch (error) {
      return fail(error);
    }
  }
}

function failedIdentity(error: unknown, acceptsToken: AcceptsToken): Identity {
  const failure =
    error instanceof ClerkRequestOptionsError
      ? error
      : new ClerkRequestOptionsError('The Clerk instance of this request could not be created', { cause: error });
  return signedOutIdentity(Reason.Unexpected, acceptsToken, true, { failure });
}
