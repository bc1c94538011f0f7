import type { ClerkClient } from '@clerk/backend';
import type { AuthenticateRequestOptions, ClerkRequest } from '@clerk/backend/internal';

import { throwOnFailure, type ClerkState } from './clerk-answers.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from '../identity/token-types.js';

/** What Clerk is asked about one request, but for the key: the only caller of a client's `authenticateRequest`. */
export class ClerkClientCall {
  readonly acceptsSession: boolean;

  constructor(
    readonly client: ClerkClient,
    private readonly settings: Omit<AuthenticateRequestOptions, 'acceptsToken' | 'jwtKey'>,
    private readonly acceptsToken: AcceptsToken,
  ) {
    this.acceptsSession = tokenTypesOf(acceptsToken).includes('session_token');
  }

  options(jwtKey: string): AuthenticateRequestOptions & { readonly acceptsToken: TokenType[] } {
    return { ...this.settings, jwtKey, acceptsToken: this.acceptsToken as TokenType[] };
  }

  /** @throws ClerkUnavailableError | ClerkKeyRefusedError where Clerk's answer is none about the request. */
  async authenticate(request: ClerkRequest, jwtKey: string): Promise<ClerkState> {
    const state = (await this.client.authenticateRequest(request, this.options(jwtKey))) as ClerkState;
    throwOnFailure(state);
    return state;
  }
}
