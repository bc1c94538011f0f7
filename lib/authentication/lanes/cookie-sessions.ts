import { createClerkRequest, type ClerkRequest } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { ClerkState } from './clerk-answers.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import type { ClerkClientCall } from './clerk-client-call.js';
import {
  carriesHandshake,
  carriesRefreshToken,
  keyIdOf,
  sessionTokens,
  withoutRefreshTokens,
} from '../identity/credentials.js';
import { canExchange, Exchange, type ExchangeApi } from './exchange.js';
import { directivesOf, handshakeNonce, handshakeToken, sessionTokenOf } from './handshake.js';
import { NO_KEY, type KeySet } from '../keys/key-set.js';
import { hasExpired, Reason } from '../identity/reasons.js';
import { isSignedBy } from '../identity/session-token.js';

/** Clerk's words for a token that it could read, where it was given a key that fits none. */
const UNFIT: readonly unknown[] = [Reason.WrongKey, Reason.NotVerified, Reason.InvalidToken, Reason.InvalidAlgorithm];

/** A handshake that a browser comes back with, as far as it has to be looked into before Clerk can be asked. */
interface Handshake {
  /** Set where its content was exchanged, or taken out: Clerk is to be asked over this. */
  readonly exchange?: Exchange;
  /** Those that may verify what it brings. */
  readonly keys: readonly (string | null)[];
}

/**
 * Asks Clerk about sessions whose tokens may be signed by several keys: Clerk takes one key at a time, and fetches none
 * by itself. Which of several cookies counts, and what is to be exchanged when, is for Clerk to decide.
 */
export class CookieSessions {
  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'apiUrl' | 'apiVersion'>,
    private readonly keys: KeySet,
    private readonly calls: ClerkCalls,
    private readonly cookieSuffix: string,
  ) {}

  /**
   * Clerk's answer about the cookies of a request, and the handshake that it comes back from; `undefined` where the token
   * that counts names a key that the instance does not have.
   */
  async ofCookies(request: ClerkRequest, question: ClerkClientCall): Promise<ClerkState | undefined> {
    const tokens = sessionTokens(request, this.cookieSuffix);
    // Cookies of other applications on the same domain come along; only keys of ours count.
    const ofTokens = await Promise.all(tokens.map((token) => this.keyFor(token)));
    const { exchange, keys } = await this.handshakeOf(request, question, ofTokens);
    const known = [...new Set([...keys, ...ofTokens].filter((key) => typeof key === 'string'))];
    const isUnreadable = tokens.some((token) => keyIdOf(token) === undefined);
    const candidates = known.length > 0 ? known : [isUnreadable ? await this.keys.current() : NO_KEY];

    let answer: ClerkState | undefined;
    for (const key of candidates) {
      answer = await this.ask(request, key, question, exchange);
      // Which of several tokens counts only shows by the key that it did not fit.
      if (answer.reason !== Reason.WrongKey) break;
    }
    const state = answer as ClerkState;
    if (!ofTokens.includes(null)) return state;
    const fitsNone = known.length > 0 ? state.reason === Reason.WrongKey : UNFIT.includes(state.reason);
    const isAnother = tokens.every((token, index) => ofTokens[index] === null || this.isSigned(token));
    return fitsNone && isAnother ? undefined : state;
  }

  /** Clerk's answer about a request whose tokens this key verifies; what has expired is refreshed. */
  async ask(
    request: ClerkRequest,
    jwtKey: string,
    question: ClerkClientCall,
    exchange?: Exchange,
  ): Promise<ClerkState> {
    const { client } = question;
    if (!canExchange(client)) {
      const spends = question.acceptsSession && (carriesHandshake(request) || carriesRefreshToken(request));
      const ask = () => question.authenticate(request, jwtKey);
      return spends ? this.calls.withConcurrencyLimit(ask, 'browser') : ask();
    }
    // Without a refresh token there is nothing that Clerk's client could spend.
    const sent = withoutRefreshTokens(request);
    const state = await (exchange ? exchange.ask(sent, question.options(jwtKey)) : question.authenticate(sent, jwtKey));
    if (sent === request || !hasExpired(state) || request.method !== 'GET') return state;
    return this.refresh(request, jwtKey, question, exchange ?? this.exchange(client));
  }

  /** Clerk's answer with a refresh; the fresh token is verified by the key that it names, be it another one. */
  private async refresh(
    request: ClerkRequest,
    jwtKey: string,
    question: ClerkClientCall,
    exchange: Exchange,
  ): Promise<ClerkState> {
    const state = await exchange.ask(request, question.options(jwtKey));
    const cookies = await exchange.cookies();
    const token = sessionTokenOf(cookies);
    if (state.status === 'signed-in' || token === undefined) return state;
    const key = await this.keyFor(token);
    if (typeof key !== 'string' || key === jwtKey) return state;

    // To Clerk it is now a session token like any other.
    const headers = { authorization: `Bearer ${token}` };
    const fresh = await question.authenticate(createClerkRequest(new Request(request.url, { headers })), key);
    if (fresh.status !== 'signed-in') return state;
    for (const cookie of cookies) fresh.headers.append('set-cookie', cookie);
    return fresh;
  }

  /** @param ofTokens the keys of the session tokens beside it */
  private async handshakeOf(
    request: ClerkRequest,
    { client }: ClerkClientCall,
    ofTokens: readonly (string | null | undefined)[],
  ): Promise<Handshake> {
    const nonce = handshakeNonce(request);
    if (nonce !== undefined) {
      // Keys that cannot be had must not cost the nonce.
      const current = await this.keys.current();
      if (!canExchange(client)) return { keys: [current] };
      const exchange = this.exchange(client);
      return { exchange, keys: [await this.keyFor(await exchange.sessionOfNonce(nonce))].flatMap((key) => key ?? []) };
    }
    const token = handshakeToken(request);
    const key = await this.keyFor(token);
    if (typeof key !== 'string' || token === undefined) return { keys: [] };

    const directives = this.isSigned(token) ? directivesOf(token) : undefined;
    const inner = await this.keyFor(sessionTokenOf(directives));
    const others = [inner, ...ofTokens].filter((other) => other !== key && typeof other === 'string');
    // Where one key verifies everything, Clerk does it all by itself.
    if (directives === undefined || others.length === 0 || !canExchange(client)) return { keys: [key] };
    const exchange = this.exchange(client);
    exchange.open(directives);
    return { exchange, keys: [inner].flatMap((found) => found ?? []) };
  }

  private exchange(client: ExchangeApi): Exchange {
    return new Exchange(this.options, client, this.calls);
  }

  /** The key that a token names: `null` where the instance has none like it, `undefined` where no token can be read. */
  private async keyFor(token: string | undefined): Promise<string | null | undefined> {
    const kid = token === undefined ? undefined : keyIdOf(token);
    return kid === undefined ? undefined : this.keys.find(kid);
  }

  private isSigned(token: string): boolean {
    const kid = keyIdOf(token);
    const key = typeof kid === 'string' ? this.keys.getCached(kid) : null;
    return key !== null && isSignedBy(token, key);
  }
}
