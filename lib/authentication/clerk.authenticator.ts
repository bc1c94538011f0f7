import type { ClerkClient } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type RequestState, type SignedInState } from '@clerk/backend/internal';

import { ClerkKeyRefusedError, ClerkRequestOptionsError, ClerkUnavailableError } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import {
  carriesCredential,
  carriesHandshake,
  keyIdOf,
  tokenInHeader,
  tokensInCookies,
  type Credentials,
} from './credentials.js';
import { withDeadline } from './deadline.js';
import { identityFromState, signedOutIdentity, type Identity } from './identity.js';
import type { InstanceKeys } from './instance-keys.js';
import { withoutHandshake } from './navigation.js';
import { requestOptions } from './request-options.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from './token-types.js';

/**
 * A key that verifies nothing. Clerk is always given a key, so that it never fetches any by itself; where a request
 * needs none, or ours has none for it, it is this one.
 */
const NO_KEY = '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----';

/** Clerk's own words, for what we find out before Clerk is asked. */
const Reason = {
  UnknownKey: 'jwk-kid-mismatch',
  AudienceMissing: 'token-verification-failed',
  KeysUnavailable: 'jwk-remote-failed-to-load',
  KeyRefused: 'secret-key-invalid',
  Unexpected: 'unexpected-error',
} as const;

type Refusal = typeof Reason.UnknownKey | typeof Reason.AudienceMissing;

/** Asks Clerk: the only caller of `authenticateRequest`, and the truth about every request. */
export class ClerkAuthenticator implements Authenticator {
  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly client: ClerkClient,
    private readonly keys: InstanceKeys,
  ) {}

  async authenticate({ request: sent }: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    const credentialSent = carriesCredential(sent, acceptsToken);
    const signedOut = (reason: string, why?: Pick<Identity, 'failure' | 'detail'>) =>
      signedOutIdentity(reason, acceptsToken, credentialSent, why);
    try {
      const request = withoutHandshake(sent, this.options.enableHandshake);
      const state = await withDeadline(this.ask(request, acceptsToken), this.options.timeoutInMs);
      return typeof state === 'string' ? signedOut(state) : identityFromState(state, acceptsToken, credentialSent);
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

  /** Clerk's answer, or the reason for a refusal that needs none. */
  private async ask(request: Request, acceptsToken: AcceptsToken): Promise<RequestState<TokenType | null> | Refusal> {
    const clerkRequest = createClerkRequest(request);
    const options = requestOptions(this.options, request, clerkRequest.clerkUrl);
    const jwtKey = await this.keyFor(request, tokenInHeader(request.headers.get('authorization')), acceptsToken);
    if (jwtKey === null) return Reason.UnknownKey;

    const state: RequestState<TokenType | null> = await this.client.authenticateRequest(clerkRequest, {
      ...options,
      jwtKey,
      acceptsToken: acceptsToken as TokenType[],
    });
    throwOnFailure(state);
    return this.lacksAudience(state) ? Reason.AudienceMissing : state;
  }

  /** Clerk lets a session token without `aud` pass, whatever the audience. */
  private lacksAudience(state: RequestState<TokenType | null>): boolean {
    if (!this.options.requireAudience || !this.options.audience.session_token) return false;
    if (state.status !== 'signed-in' || state.tokenType !== 'session_token') return false;
    return !(state as SignedInState).toAuth({ treatPendingAsSignedOut: false }).sessionClaims.aud;
  }

  /** The key to verify this request with; `null` where its header token names a key that the instance does not have. */
  private async keyFor(
    request: Request,
    token: string | undefined,
    acceptsToken: AcceptsToken,
  ): Promise<string | null> {
    const acceptsSession = tokenTypesOf(acceptsToken).includes('session_token');
    if (token !== undefined) {
      const kid = keyIdOf(token);
      // Clerk refuses these by their looks: no key is needed, and none must be fetched.
      const refusedUnseen =
        acceptsToken === 'session_token' ? isMachineToken(token) : !acceptsSession && !isMachineToken(token);
      return kid === undefined || refusedUnseen ? NO_KEY : this.keys.find(kid);
    }
    if (!acceptsSession) return NO_KEY;

    const kids = tokensInCookies(request.headers.get('cookie')).map(keyIdOf);
    for (const kid of new Set(kids)) {
      // Cookies of other applications on the same domain come along; the one of ours is the one whose key is ours.
      const key = kid === undefined ? null : await this.keys.find(kid);
      if (key !== null) return key;
    }
    return kids.length > 0 || carriesHandshake(request) ? this.keys.current() : NO_KEY;
  }
}

/**
 * Finds the failures in Clerk's signed-out answers. For opaque tokens Clerk asks its Backend API and reports the
 * status only inside `message`; a status that cannot be read counts as an outage.
 */
function throwOnFailure({ reason, message, tokenType }: RequestState<TokenType | null>): void {
  if (reason === Reason.KeyRefused) throw new ClerkKeyRefusedError('The Backend API refused the secret key');
  if (reason === Reason.KeysUnavailable) throw new ClerkUnavailableError('Clerk could not load its keys');
  if (reason !== Reason.Unexpected || tokenType === null || tokenType === 'session_token') return;
  const status = Number(/\bstatus=(\d{3})\)$/.exec(message ?? '')?.[1]);
  if (status >= 400 && status < 500 && status !== 429) return;
  throw new ClerkUnavailableError(`The Backend API did not verify the token (status ${status || 'unknown'})`);
}
