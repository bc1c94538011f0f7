import type { ClerkClient } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type ClerkRequest, type RequestState } from '@clerk/backend/internal';

import { ClerkKeyRefusedError, ClerkRequestOptionsError, ClerkUnavailableError } from '../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { backendCallFor } from './backend-call.js';
import { retryInMs, type ClerkCalls } from './clerk-calls.js';
import {
  carriesCredential,
  carriesHandshake,
  cookieSuffixOf,
  handshakeTokens,
  keyIdOf,
  sessionTokens,
  tokenInHeader,
  type Credentials,
} from './credentials.js';
import { identityFromState, signedOutIdentity, type Identity } from './identity.js';
import type { InstanceKeys } from './instance-keys.js';
import { withoutHandshake } from './navigation.js';
import { relativizeLocation } from './own-location.js';
import { refusedClaims, requestOptions } from './request-options.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from './token-types.js';

/**
 * A key that verifies nothing: its modulus is empty, so it cannot even be imported, and every signature is refused.
 * Clerk is always given some key, so that it never fetches any by itself; where a request needs none, it is this one.
 */
const NO_KEY = '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----';

/** Clerk's own words, for what we find out before Clerk is asked. */
const Reason = {
  UnknownKey: 'jwk-kid-mismatch',
  WrongKey: 'token-invalid-signature',
  KeysUnavailable: 'jwk-remote-failed-to-load',
  KeyRefused: 'secret-key-invalid',
  Unexpected: 'unexpected-error',
} as const;

type State = RequestState<TokenType | null>;

/** Asks Clerk: the only caller of `authenticateRequest`, and the truth about every request. */
export class ClerkAuthenticator implements Authenticator {
  private readonly cookieSuffix: string;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly client: ClerkClient,
    private readonly keys: InstanceKeys,
    private readonly calls: ClerkCalls,
  ) {
    this.cookieSuffix = cookieSuffixOf(options.publishableKey);
  }

  async authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Promise<Identity> {
    let credentialSent = true;
    const signedOut = (reason: string, why?: Pick<Identity, 'failure' | 'detail'>) =>
      signedOutIdentity(reason, acceptsToken, credentialSent, why);
    try {
      const sent = createClerkRequest(credentials.request);
      credentialSent = carriesCredential(sent, acceptsToken, this.cookieSuffix);
      const request = withoutHandshake(sent, this.options.enableHandshake);
      const state = await this.calls.inTime(this.ask(request, acceptsToken));
      if (state === undefined) return signedOut(Reason.UnknownKey);
      const refusal = refusedClaims(this.options, state);
      if (refusal) return signedOut(refusal);
      const identity = identityFromState(state, credentialSent);
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

  /** Clerk's answer; none where the token names a key that the instance does not have. */
  private async ask(request: ClerkRequest, acceptsToken: AcceptsToken): Promise<State | undefined> {
    const options = requestOptions(this.options, request);
    const backendCall = backendCallFor(request, acceptsToken, this.cookieSuffix);
    let state: State | undefined;
    for (const jwtKey of await this.keysFor(request, acceptsToken)) {
      const question = { ...options, jwtKey, acceptsToken: acceptsToken as TokenType[] };
      const ask = async () => {
        const answer = (await this.client.authenticateRequest(request, question)) as State;
        throwOnFailure(answer);
        if (backendCall === 'verify') throwOnNobody(answer);
        return answer;
      };
      const call = backendCall ? () => this.calls.counted(ask) : ask;
      state = await (backendCall === 'verify' ? this.calls.repeatedly(call) : call());
      // Which of several cookies counts is for Clerk to decide, and only shows by the key that it did not fit.
      if (state.reason !== Reason.WrongKey) break;
    }
    return state;
  }

  /** The keys that may verify this request; none where its header token names one that the instance does not have. */
  private async keysFor(request: ClerkRequest, acceptsToken: AcceptsToken): Promise<readonly string[]> {
    const token = tokenInHeader(request.headers.get('authorization'));
    const acceptsSession = tokenTypesOf(acceptsToken).includes('session_token');
    if (token !== undefined) {
      const kid = keyIdOf(token);
      // Clerk refuses these by their looks: no key is needed, and none must be fetched.
      const refusedUnseen =
        acceptsToken === 'session_token' ? isMachineToken(token) : !acceptsSession && !isMachineToken(token);
      return kid === undefined || refusedUnseen ? [NO_KEY] : this.known([kid]);
    }
    if (!acceptsSession) return [NO_KEY];

    // Cookies of other applications on the same domain come along; only keys of ours count.
    const kids = [...handshakeTokens(request), ...sessionTokens(request, this.cookieSuffix)].map(keyIdOf);
    const known = await this.known(kids.filter((kid) => kid !== undefined));
    if (known.length > 0) return known;
    return kids.length > 0 || carriesHandshake(request) ? [await this.keys.current()] : [NO_KEY];
  }

  private async known(kids: readonly (string | null)[]): Promise<string[]> {
    const keys = await Promise.all([...new Set(kids)].map((kid) => this.keys.find(kid)));
    return [...new Set(keys.filter((key) => key !== null))];
  }
}

/** Statuses by which the Backend API says that a token is none; any other says nothing about it. */
const VERDICTS: readonly unknown[] = [400, 404, 410, 422];

/**
 * Finds the failures in Clerk's signed-out answers. For opaque tokens Clerk asks its Backend API and reports the
 * status only inside `message`; a status that cannot be read counts as an outage.
 */
function throwOnFailure({ reason, message, tokenType }: State): void {
  if (reason === Reason.KeyRefused) throw new ClerkKeyRefusedError('The Backend API refused the secret key');
  if (reason === Reason.KeysUnavailable) throw new ClerkUnavailableError('Clerk could not load its keys');
  if (reason !== Reason.Unexpected || tokenType === null || tokenType === 'session_token') return;
  const status = Number(/\bstatus=(\d{3})\)$/.exec(String(message))?.[1]) || undefined;
  if (VERDICTS.includes(status)) return;
  if (status === 403) throw new ClerkKeyRefusedError('The Backend API does not let the secret key verify this token');
  throw new ClerkUnavailableError(`The Backend API did not verify the token (status ${status ?? 'unknown'})`, {
    retryInMs: retryInMs(status, undefined),
  });
}

/**
 * Clerk takes whatever comes under status 200 for a token that is good, be it a page of HTML: that is nobody's token.
 */
function throwOnNobody(state: State): void {
  if (state.status !== 'signed-in') return;
  const { id, subject } = ownerOf(state);
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (!isText(id) || !isText(subject)) {
    throw new ClerkUnavailableError('The Backend API did not verify the token: it answered something else');
  }
}

function ownerOf(state: State): { readonly id?: unknown; readonly subject?: unknown } {
  try {
    return state.toAuth() as object;
  } catch {
    return {};
  }
}
