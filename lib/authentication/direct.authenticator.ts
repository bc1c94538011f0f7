import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import type { Credentials } from './credentials.js';
import type { Identity } from './identity.js';
import type { InstanceKeys } from './instance-keys.js';
import { tokenAlone } from './request-key.js';
import { sessionIdentity } from './session-identity.js';
import { areClaimsGood, isSignedBy, readSessionToken } from './session-token.js';
import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/**
 * Verifies session tokens in the Authorization header without Clerk's SDK, at a fraction of the cost. It only ever says
 * yes, where Clerk would beyond doubt; whatever else it finds, the next one is asked.
 */
export class DirectAuthenticator implements Authenticator {
  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly keys: InstanceKeys,
    private readonly next: Authenticator,
    private readonly now: () => number,
  ) {}

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    return this.signedIn(credentials, acceptsToken) ?? this.next.authenticate(credentials, acceptsToken);
  }

  private signedIn(credentials: Credentials, acceptsToken: AcceptsToken): Identity | undefined {
    if (!tokenTypesOf(acceptsToken).includes('session_token')) return undefined;
    const token = tokenAlone(credentials, this.options);
    if (token === undefined) return undefined;
    const read = readSessionToken(token);
    if (!read) return undefined;
    const key = this.keys.atHand(read.kid);
    if (!key || !isSignedBy(token, key)) return undefined;
    return areClaimsGood(read.claims, this.options, this.now())
      ? sessionIdentity(this.options, token, read.claims)
      : undefined;
  }
}
