import type { ClerkClient } from '@clerk/backend';
import type { AuthenticateRequestOptions, ClerkRequest } from '@clerk/backend/internal';

import { throwOnFailure, type ClerkState } from './clerk-state.js';
import { tokenTypesOf, type AcceptsToken, type TokenType } from '../identity/token-types.js';

/**
 * The arguments of Clerk's `authenticateRequest` for one request, except the key. Nothing else calls
 * `authenticateRequest` of a client.
 */
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

  /**
   * @throws ClerkUnavailableError if Clerk could not verify the request.
   * @throws ClerkKeyRejectedError if Clerk rejects the key of this application.
   */
  async authenticate(request: ClerkRequest, jwtKey: string): Promise<ClerkState> {
    const state = (await this.client.authenticateRequest(request, this.options(jwtKey))) as ClerkState;
    throwOnFailure(state);
    return state;
  }
}
