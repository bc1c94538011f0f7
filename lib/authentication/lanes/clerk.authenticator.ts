import type { ClerkClient } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type ClerkRequest } from '@clerk/backend/internal';

import { ClerkKeyRefusedError, ClerkRequestOptionsError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { CookieSessions } from './cookie-sessions.js';
import type { ClerkState } from './clerk-answers.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { ClerkClientCall } from './clerk-client-call.js';
import {
  carriesCredential,
  cookieSuffixOf,
  keyIdOf,
  sessionTokens,
  tokenInHeader,
  type Credentials,
} from '../identity/credentials.js';
import { identityFromState, signedOutIdentity, type Identity } from '../identity/identity.js';
import { NO_KEY, type KeySet } from '../keys/key-set.js';
import { withoutHandshake } from './navigation.js';
import { opaqueKindOf, OpaqueTokens } from './opaque-tokens.js';
import { relativizeLocation } from './own-location.js';
import { Reason } from '../identity/reasons.js';
import { rejectionReason, requestOptions } from './clerk-request-options.js';
import { tokenTypesOf, type AcceptsToken } from '../identity/token-types.js';

/** Asks Clerk: the truth about every request. */
export class ClerkAuthenticator implements Authenticator {
  private readonly cookieSuffix: string;
  private readonly browsers: CookieSessions;
  private opaque: OpaqueTokens | undefined;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly client: ClerkClient,
    private readonly keys: KeySet,
    private readonly calls: ClerkCalls,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.cookieSuffix = cookieSuffixOf(options.publishableKey);
    this.browsers = new CookieSessions(options, keys, calls, this.cookieSuffix);
  }

  async authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    let credentialSent = true;
    let ignored: Pick<Identity, 'hasIgnoredSession'> = {};
    const signedOut = (reason: string, why?: Pick<Identity, 'failure' | 'detail'>): Identity => ({
      ...signedOutIdentity(reason, acceptsToken, credentialSent, why),
      ...ignored,
    });
    try {
      const sent = createClerkRequest(credentials.request);
      credentialSent = carriesCredential(sent, acceptsToken, this.cookieSuffix);
      if (!credentialSent && sessionTokens(sent, this.cookieSuffix).length > 0) ignored = { hasIgnoredSession: true };
      const request = withoutHandshake(sent, this.options.enableHandshake);
      const answer = await this.calls.withTimeout(this.ask(request, acceptsToken));
      if (answer === undefined) return signedOut(Reason.UnknownKey);
      if ('credentialSent' in answer) return answer;
      const refusal = rejectionReason(this.options, answer);
      if (refusal) return signedOut(refusal);
      const identity = { ...identityFromState(answer, credentialSent), ...ignored };
      relativizeLocation(identity.headers, request.clerkUrl);
      return identity;
    } catch (error) {
      if (error instanceof ClerkUnavailableError) return signedOut(Reason.KeysUnavailable, { failure: error });
      if (error instanceof ClerkKeyRefusedError) return signedOut(Reason.KeyRefused, { failure: error });
      if (error instanceof ClerkRequestOptionsError) return signedOut(Reason.Unexpected, { failure: error });
      // Options were validated at boot, so what makes Clerk's code throw is the request: a refusal, not a failure.
      // The error's message is kept out of the log, since it may quote the request.
      const thrown = error instanceof Error ? error.name : typeof error;
      return signedOut(Reason.Unexpected, { detail: `@clerk/backend threw ${thrown}` });
    }
  }

  /** The answer about a request; none where its token names a key that the instance does not have. */
  private async ask(request: ClerkRequest, acceptsToken: AcceptsToken): Promise<Identity | ClerkState | undefined> {
    const question = new ClerkClientCall(this.client, requestOptions(this.options, request), acceptsToken);
    const token = tokenInHeader(request.headers.get('authorization'));
    if (token === undefined) {
      return question.acceptsSession
        ? this.browsers.ofCookies(request, question)
        : question.authenticate(request, NO_KEY);
    }
    const kind = opaqueKindOf(token);
    if (kind !== undefined && tokenTypesOf(acceptsToken).includes(kind)) {
      this.opaque ??= new OpaqueTokens(this.calls, this.now);
      return this.opaque.verify(token, kind, () => question.authenticate(request, NO_KEY));
    }
    const key = await this.keyFor(token, question, acceptsToken);
    if (key === null) return undefined;
    return question.acceptsSession ? this.browsers.ask(request, key, question) : question.authenticate(request, key);
  }

  /** The key that may verify the token of a header; `null` where the instance does not have it. */
  private async keyFor(
    token: string,
    { acceptsSession }: ClerkClientCall,
    acceptsToken: AcceptsToken,
  ): Promise<string | null> {
    const kid = keyIdOf(token);
    // Clerk refuses these by their looks: no key is needed, and none must be fetched.
    const isRefusedUnseen =
      acceptsToken === 'session_token' ? isMachineToken(token) : !acceptsSession && !isMachineToken(token);
    return kid === undefined || isRefusedUnseen ? NO_KEY : this.keys.find(kid);
  }
}
