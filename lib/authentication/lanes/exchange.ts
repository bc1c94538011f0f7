import type { ClerkClient } from '@clerk/backend';
import { createAuthenticateRequest, type AuthenticateRequestOptions, type ClerkRequest } from '@clerk/backend/internal';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkState } from './clerk-state.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { HANDSHAKE_NONCE, findSessionToken } from './handshake.js';

type RefreshSession = ClerkClient['sessions']['refreshSession'];
type ApiClient = Parameters<typeof createAuthenticateRequest>[0]['apiClient'];

/** The part of Clerk's client that spends single-use credentials of a browser: a handshake nonce, a refresh token. */
export type ExchangeApi = Pick<ClerkClient, 'clients' | 'sessions'>;

/** Whether a client can exchange credentials. A test double may implement less. */
export function canExchange(client: Partial<ExchangeApi>): client is ExchangeApi {
  const { clients, sessions } = client;
  return typeof clients?.getHandshakePayload === 'function' && typeof sessions?.refreshSession === 'function';
}

/**
 * The calls to Clerk's Backend API that exchange the credentials of one request. Each call is made at most once,
 * however often Clerk's code runs over the request: the exchange spends the credential, and only its response shows
 * which key verifies it. The concurrency limit applies here, where the calls are made, instead of predicting when Clerk
 * makes them.
 */
export class Exchange {
  private payload: Promise<{ directives: string[] }> | undefined;
  private refreshed: ReturnType<RefreshSession> | undefined;
  private failure: ClerkUnavailableError | undefined;
  private isOpened = false;
  private readonly authenticateRequest: ReturnType<typeof createAuthenticateRequest>['authenticateRequest'];

  constructor(
    { apiUrl, apiVersion }: Pick<ResolvedClerkOptions, 'apiUrl' | 'apiVersion'>,
    private readonly client: ExchangeApi,
    private readonly calls: ClerkCalls,
  ) {
    const clients = { getHandshakePayload: ({ nonce }: { nonce: string }) => this.fetchPayload(nonce) };
    const sessions = { refreshSession: (...args: Parameters<RefreshSession>) => this.refresh(args) };
    // Clerk's code uses nothing else of the client.
    const apiClient = { clients, sessions } as unknown as ApiClient;
    this.authenticateRequest = createAuthenticateRequest({
      options: { apiUrl, apiVersion },
      apiClient,
    }).authenticateRequest;
  }

  /**
   * Runs Clerk's own authentication with these calls.
   * @throws ClerkUnavailableError if the concurrency limit is reached or a call times out.
   */
  async authenticate(request: ClerkRequest, options: AuthenticateRequestOptions): Promise<ClerkState> {
    // Clerk reads the content of an opened handshake as if it came from a nonce. This placeholder nonce is never sent.
    if (this.isOpened) request.cookies.set(HANDSHAKE_NONCE, 'opened');
    const state = (await this.authenticateRequest(request, options)) as ClerkState;
    // Clerk treats every error of a call as a problem of the browser's credentials.
    if (this.failure) throw this.failure;
    return state;
  }

  /** Uses the content of a handshake token with a verified signature as if it came from a nonce. */
  open(directives: string[]): void {
    this.isOpened = true;
    this.payload = Promise.resolve({ directives });
  }

  /**
   * Exchanges a nonce for the session token it stands for; `undefined` if the nonce is invalid.
   * @throws ClerkUnavailableError if the concurrency limit is reached or a call times out.
   */
  async exchangeNonce(nonce: string): Promise<string | undefined> {
    try {
      return findSessionToken((await this.fetchPayload(nonce)).directives);
    } catch {
      if (this.failure) throw this.failure;
      return undefined;
    }
  }

  /** Returns the cookies that the refresh sets; empty if there was no refresh or it was rejected. */
  async cookies(): Promise<readonly string[]> {
    try {
      const refreshed = (await this.refreshed) as { readonly cookies?: unknown } | undefined;
      return Array.isArray(refreshed?.cookies) ? refreshed.cookies.map(String) : [];
    } catch {
      return [];
    }
  }

  private fetchPayload(nonce: string): Promise<{ directives: string[] }> {
    return (this.payload ??= this.callWithLimit(() => this.client.clients.getHandshakePayload({ nonce })));
  }

  private refresh(args: Parameters<RefreshSession>): ReturnType<RefreshSession> {
    return (this.refreshed ??= this.callWithLimit(() => this.client.sessions.refreshSession(...args)));
  }

  private async callWithLimit<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.calls.withConcurrencyLimit(call, 'browser');
    } catch (error) {
      if (error instanceof ClerkUnavailableError) this.failure = error;
      throw error;
    }
  }
}
