import { createClerkRequest, type ClerkRequest } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkState } from './clerk-state.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { ClerkClientCall } from './clerk-client-call.js';
import {
  carriesHandshake,
  carriesRefreshToken,
  readKeyId,
  sessionTokens,
  withoutRefreshTokens,
} from '../identity/credentials.js';
import { canExchange, Exchange, type ExchangeApi } from './exchange.js';
import { readDirectives, handshakeNonce, handshakeToken, findSessionToken } from './handshake.js';
import { NO_KEY, type KeySet } from '../keys/key-set.js';
import { hasExpired, Reason } from '../identity/reasons.js';
import { isSignedBy } from '../identity/session-token.js';

/** Clerk's reasons for a readable token whose key does not match. */
const KEY_MISMATCH_REASONS: readonly unknown[] = [
  Reason.WrongKey,
  Reason.NotVerified,
  Reason.InvalidToken,
  Reason.InvalidAlgorithm,
];

/** The content of a handshake request, as far as it must be read before Clerk is called. */
interface Handshake {
  /** Set if the content was fetched or extracted; Clerk must then be called through this exchange. */
  readonly exchange?: Exchange;
  /** The keys that may verify the session token of the handshake. */
  readonly keys: readonly (string | null)[];
}

/**
 * Authenticates sessions whose tokens may be signed by different keys. Clerk takes one key at a time and does not fetch
 * keys by itself here. Clerk still decides which of several cookies counts, and when a nonce or refresh token is
 * exchanged.
 */
export class CookieSessions {
  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'apiUrl' | 'apiVersion'>,
    private readonly keys: KeySet,
    private readonly calls: ClerkCalls,
    private readonly cookieSuffix: string,
  ) {}

  /**
   * Authenticates the cookies of a request and its handshake, if it has one. Returns `undefined` if the token that
   * counts names a key that the instance does not have.
   */
  async authenticateCookies(request: ClerkRequest, clerkCall: ClerkClientCall): Promise<ClerkState | undefined> {
    const tokens = sessionTokens(request, this.cookieSuffix);
    // Cookies of other applications on the same domain are sent too; only keys of this instance count.
    const tokenKeys = await Promise.all(tokens.map((token) => this.findKey(token)));
    const { exchange, keys } = await this.readHandshake(request, clerkCall, tokenKeys);
    const known = [...new Set([...keys, ...tokenKeys].filter((key) => typeof key === 'string'))];
    const isUnreadable = tokens.some((token) => readKeyId(token) === undefined);
    const candidates = known.length > 0 ? known : [isUnreadable ? await this.keys.current() : NO_KEY];

    let result: ClerkState | undefined;
    for (const key of candidates) {
      result = await this.authenticateWithKey(request, key, clerkCall, exchange);
      // Only a key mismatch shows which of several tokens counts.
      if (result.reason !== Reason.WrongKey) break;
    }
    const state = result as ClerkState;
    if (!tokenKeys.includes(null)) return state;
    const matchesNoKey =
      known.length > 0 ? state.reason === Reason.WrongKey : KEY_MISMATCH_REASONS.includes(state.reason);
    const othersAreGenuine = tokens.every((token, index) => tokenKeys[index] === null || this.hasValidSignature(token));
    return matchesNoKey && othersAreGenuine ? undefined : state;
  }

  /** Authenticates a request with this key, and refreshes an expired session. */
  async authenticateWithKey(
    request: ClerkRequest,
    jwtKey: string,
    clerkCall: ClerkClientCall,
    exchange?: Exchange,
  ): Promise<ClerkState> {
    const { client } = clerkCall;
    if (!canExchange(client)) {
      const isExchanging = clerkCall.acceptsSession && (carriesHandshake(request) || carriesRefreshToken(request));
      const authenticate = () => clerkCall.authenticate(request, jwtKey);
      return isExchanging ? this.calls.withConcurrencyLimit(authenticate, 'browser') : authenticate();
    }
    // With the refresh token removed, Clerk's client has nothing to spend.
    const withoutRefresh = withoutRefreshTokens(request);
    const state = await (exchange
      ? exchange.authenticate(withoutRefresh, clerkCall.options(jwtKey))
      : clerkCall.authenticate(withoutRefresh, jwtKey));
    if (withoutRefresh === request || !hasExpired(state) || request.method !== 'GET') return state;
    return this.refresh(request, jwtKey, clerkCall, exchange ?? this.exchange(client));
  }

  /**
   * Authenticates with a refresh. The fresh token is verified with the key that it names, even if that is another key.
   */
  private async refresh(
    request: ClerkRequest,
    jwtKey: string,
    clerkCall: ClerkClientCall,
    exchange: Exchange,
  ): Promise<ClerkState> {
    const state = await exchange.authenticate(request, clerkCall.options(jwtKey));
    const cookies = await exchange.cookies();
    const token = findSessionToken(cookies);
    if (state.status === 'signed-in' || token === undefined) return state;
    const key = await this.findKey(token);
    if (typeof key !== 'string' || key === jwtKey) return state;

    // Clerk now sees an ordinary session token.
    const headers = { authorization: `Bearer ${token}` };
    const fresh = await clerkCall.authenticate(createClerkRequest(new Request(request.url, { headers })), key);
    if (fresh.status !== 'signed-in') return state;
    for (const cookie of cookies) fresh.headers.append('set-cookie', cookie);
    return fresh;
  }

  /**
   * Reads the handshake of a request and finds its keys. A nonce is exchanged.
   * @param tokenKeys The keys of the session tokens in the same request.
   */
  private async readHandshake(
    request: ClerkRequest,
    { client }: ClerkClientCall,
    tokenKeys: readonly (string | null | undefined)[],
  ): Promise<Handshake> {
    const nonce = handshakeNonce(request);
    if (nonce !== undefined) {
      // Get the key first: if that fails, the nonce is not spent.
      const current = await this.keys.current();
      if (!canExchange(client)) return { keys: [current] };
      const exchange = this.exchange(client);
      return { exchange, keys: [await this.findKey(await exchange.exchangeNonce(nonce))].flatMap((key) => key ?? []) };
    }
    const token = handshakeToken(request);
    const key = await this.findKey(token);
    if (typeof key !== 'string' || token === undefined) return { keys: [] };

    const directives = this.hasValidSignature(token) ? readDirectives(token) : undefined;
    const innerKey = await this.findKey(findSessionToken(directives));
    const others = [innerKey, ...tokenKeys].filter((other) => other !== key && typeof other === 'string');
    // If one key verifies everything, Clerk needs no help.
    if (directives === undefined || others.length === 0 || !canExchange(client)) return { keys: [key] };
    const exchange = this.exchange(client);
    exchange.open(directives);
    return { exchange, keys: [innerKey].flatMap((found) => found ?? []) };
  }

  private exchange(client: ExchangeApi): Exchange {
    return new Exchange(this.options, client, this.calls);
  }

  /** Finds the key that a token names: `null` if the instance lacks it, `undefined` if there is no readable token. */
  private async findKey(token: string | undefined): Promise<string | null | undefined> {
    const kid = token === undefined ? undefined : readKeyId(token);
    return kid === undefined ? undefined : this.keys.find(kid);
  }

  private hasValidSignature(token: string): boolean {
    const kid = readKeyId(token);
    const key = typeof kid === 'string' ? this.keys.getCached(kid) : null;
    return key !== null && isSignedBy(token, key);
  }
}
