import { signedOutIdentity, type Identity } from './identity.js';
import type { AcceptsToken } from './token-types.js';

/**
 * The identities of callers who are signed out. Requests with the same reason share one: it is frozen and contains
 * nothing of a request. There are few, because reasons and accepted token types are.
 */
export class SignedOutIdentities {
  private readonly identities = new Map<string, Identity>();

  /**
   * @param reason One of Clerk's reasons; never a value from a request.
   * @param hasCredentials See {@link Identity.hasCredentials}.
   */
  get(reason: string, acceptsToken: AcceptsToken, hasCredentials: boolean): Identity {
    const key = `${reason} ${String(acceptsToken)} ${hasCredentials}`;
    let identity = this.identities.get(key);
    if (!identity) {
      identity = Object.freeze(signedOutIdentity(reason, acceptsToken, hasCredentials));
      this.identities.set(key, identity);
    }
    return identity;
  }
}
