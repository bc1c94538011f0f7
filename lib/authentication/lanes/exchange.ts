import type { ClerkClient } from '@clerk/backend';
import { createAuthenticateRequest, type AuthenticateRequestOptions, type ClerkRequest } from '@clerk/backend/internal';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkState } from './clerk-answers.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { HANDSHAKE_NONCE, sessionTokenOf } from './handshake.js';

type RefreshSession = ClerkClient['sessions']['refreshSession'];
type ApiClient = Parameters<typeof createAuthenticateRequest>[0]['apiClient'];

/** The part of Clerk's client that spends what a browser sends: a handshake's nonce, a refresh token. */
export type ExchangeApi = Pick<ClerkClient, 'clients' | 'sessions'>;

/** Whether a client has what an exchange takes; one that stands in for Clerk's in a test may have no more than it needs. */
export function canExchange(client: Partial<ExchangeApi>): client is ExchangeApi {
  const { clients, sessions } = client;
  return typeof clients?.getHandshakePayload === 'function' && typeof sessions?.refreshSession === 'function';
}

/**
 * What one request exchanges at Clerk's Backend API. Each call is made at most once, however often Clerk's code is run
 * over the request: what is exchanged is spent by it, and which key verifies the answer only shows by the answer. The
 * calls are bounded here, where they are made, and not by foreseeing when Clerk makes them.
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
    const clients = { getHandshakePayload: ({ nonce }: { nonce: string }) => this.payloadOf(nonce) };
    const sessions = { refreshSession: (...asked: Parameters<RefreshSession>) => this.refresh(asked) };
    // Clerk's code calls nothing else of the client that it is given.
    const apiClient = { clients, sessions } as unknown as ApiClient;
    this.authenticateRequest = createAuthenticateRequest({
      options: { apiUrl, apiVersion },
      apiClient,
    }).authenticateRequest;
  }

  /**
   * Clerk's answer, by its own code over these calls.
   * @throws ClerkUnavailableError where there is no place for a call.
   */
  async ask(request: ClerkRequest, options: AuthenticateRequestOptions): Promise<ClerkState> {
    // Of an opened handshake Clerk reads the content as if a nonce had brought it; what is set is never sent.
    if (this.isOpened) request.cookies.set(HANDSHAKE_NONCE, 'opened');
    const state = (await this.authenticateRequest(request, options)) as ClerkState;
    // Clerk takes every error of a call for an answer about the browser.
    if (this.failure) throw this.failure;
    return state;
  }

  /** Takes the content of a handshake token, whose signature was verified, for that of a nonce. */
  open(directives: string[]): void {
    this.isOpened = true;
    this.payload = Promise.resolve({ directives });
  }

  /**
   * The session token that a nonce stands for, or `undefined` where it is good for nothing.
   * @throws ClerkUnavailableError where there is no place for a call.
   */
  async sessionOfNonce(nonce: string): Promise<string | undefined> {
    try {
      return sessionTokenOf((await this.payloadOf(nonce)).directives);
    } catch {
      if (this.failure) throw this.failure;
      return undefined;
    }
  }

  /** The cookies that a refresh brought; none where there was none, or it was refused. */
  async cookies(): Promise<readonly string[]> {
    try {
      const { cookies } = (await this.refreshed) as { readonly cookies?: unknown };
      return Array.isArray(cookies) ? (cookies as string[]) : [];
    } catch {
      return [];
    }
  }

  private payloadOf(nonce: string): Promise<{ directives: string[] }> {
    return (this.payload ??= this.limited(() => this.client.clients.getHandshakePayload({ nonce })));
  }

  private refresh(asked: Parameters<RefreshSession>): ReturnType<RefreshSession> {
    return (this.refreshed ??= this.limited(() => this.client.sessions.refreshSession(...asked)));
  }

  private async limited<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.calls.withConcurrencyLimit(call, 'browser');
    } catch (error) {
      if (error instanceof ClerkUnavailableError) this.failure = error;
      throw error;
    }
  }
}
