import { createClerkRequest, isMachineToken, type ClerkRequest } from '@clerk/backend/internal';

import { ClerkKeyRejectedError, ClerkRequestOptionsError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { CookieSessions } from './cookie-sessions.js';
import type { ClerkState } from './clerk-state.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { GetClient } from '../../client/clerk-client.service.js';
import { ClerkClientCall } from './clerk-client-call.js';
import {
  carriesCredentials,
  computeCookieSuffix,
  readKeyId,
  sessionTokens,
  tokenInHeader,
  type Credentials,
} from '../identity/credentials.js';
import { identityFromState, signedOutIdentity, type Identity } from '../identity/identity.js';
import { NO_KEY, type KeySet } from '../keys/key-set.js';
import { withoutHandshake } from './navigation.js';
import { detectOpaqueTokenType, OpaqueTokens } from './opaque-tokens.js';
import { relativizeLocation } from './relative-location.js';
import { Reason } from '../identity/reasons.js';
import { decodeToken, hasOtherCategory, UNDECODABLE } from '../identity/session-token.js';
import { findRejectionReason, resolveClerkRequestOptions } from './clerk-request-options.js';
import { tokenTypesOf, type AcceptsToken } from '../identity/token-types.js';

/** Verifies every request with Clerk's SDK. The other authenticators fall back to this one. */
export class ClerkAuthenticator implements Authenticator {
  private readonly cookieSuffix: string;
  private readonly cookieSessions: CookieSessions;
  private opaqueTokens: OpaqueTokens | undefined;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly getClient: GetClient,
    private readonly keys: KeySet,
    private readonly calls: ClerkCalls,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.cookieSuffix = computeCookieSuffix(options.publishableKey);
    this.cookieSessions = new CookieSessions(options, keys, calls, this.cookieSuffix);
  }

  async authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    let hasCredentials = true;
    let ignoredSession: Pick<Identity, 'hasIgnoredSession'> = {};
    const signedOut = (reason: string, failureOrDetail?: Pick<Identity, 'failure' | 'detail'>): Identity => ({
      ...signedOutIdentity(reason, acceptsToken, hasCredentials, failureOrDetail),
      ...ignoredSession,
    });
    try {
      const incoming = createClerkRequest(credentials.request);
      hasCredentials = carriesCredentials(incoming, acceptsToken, this.cookieSuffix);
      if (!hasCredentials && sessionTokens(incoming, this.cookieSuffix).length > 0)
        ignoredSession = { hasIgnoredSession: true };
      const request = withoutHandshake(incoming, this.options.enableHandshake);
      const result = await this.calls.withTimeout(this.callClerk(request, acceptsToken));
      if (result === undefined) return signedOut(Reason.UnknownKey);
      if ('hasCredentials' in result) return result;
      const rejection = findRejectionReason(this.options, result);
      if (rejection) return signedOut(rejection);
      const identity = { ...identityFromState(result, hasCredentials), ...ignoredSession };
      relativizeLocation(identity.headers, request.clerkUrl);
      return identity;
    } catch (error) {
      if (error instanceof ClerkUnavailableError) return signedOut(Reason.KeysUnavailable, { failure: error });
      if (error instanceof ClerkKeyRejectedError) return signedOut(Reason.KeyRejected, { failure: error });
      if (error instanceof ClerkRequestOptionsError) return signedOut(Reason.Unexpected, { failure: error });
      // Options are validated at boot, so an error thrown by Clerk's code is caused by the request: it is denied and
      // does not count as a failure. The message stays out of the log, since it may quote the request.
      const thrown = error instanceof Error ? error.name : typeof error;
      return signedOut(Reason.Unexpected, { detail: `@clerk/backend threw ${thrown}` });
    }
  }

  /** Returns Clerk's result for a request; `undefined` if its token names a key that the instance does not have. */
  private async callClerk(
    request: ClerkRequest,
    acceptsToken: AcceptsToken,
  ): Promise<Identity | ClerkState | undefined> {
    const clerkCall = new ClerkClientCall(
      this.getClient(),
      resolveClerkRequestOptions(this.options, request),
      acceptsToken,
    );
    const token = tokenInHeader(request.headers.get('authorization'));
    if (token === undefined) {
      return clerkCall.acceptsSession
        ? this.cookieSessions.authenticateCookies(request, clerkCall)
        : clerkCall.authenticate(request, NO_KEY);
    }
    const opaqueType = detectOpaqueTokenType(token);
    if (opaqueType !== undefined && tokenTypesOf(acceptsToken).includes(opaqueType)) {
      this.opaqueTokens ??= new OpaqueTokens(this.calls, this.now);
      return this.opaqueTokens.verify(token, opaqueType, () => clerkCall.authenticate(request, NO_KEY));
    }
    const key = await this.findKey(token, clerkCall, acceptsToken);
    if (key === null) return undefined;
    return clerkCall.acceptsSession
      ? this.cookieSessions.authenticateWithKey(request, key, clerkCall)
      : clerkCall.authenticate(request, key);
  }

  /** Finds the key for the token of a header; `null` if the instance does not have it. */
  private async findKey(
    token: string,
    { acceptsSession }: ClerkClientCall,
    acceptsToken: AcceptsToken,
  ): Promise<string | null> {
    const kid = readKeyId(token);
    // Clerk rejects these tokens by their format, so no key is needed or fetched.
    const isRejectedByFormat = isMachineToken(token)
      ? acceptsToken === 'session_token'
      : !acceptsSession || isNoSessionToken(token);
    return kid === undefined || isRejectedByFormat ? NO_KEY : this.keys.find(kid);
  }
}

/** Whether Clerk certainly rejects this as a session token, before it looks for a key. */
function isNoSessionToken(token: string): boolean {
  const decoded = decodeToken(token);
  return decoded === UNDECODABLE || (decoded !== undefined && hasOtherCategory(decoded));
}
