import type { Authenticator } from './authenticator.js';
import { tokenInHeader, type Credentials } from '../identity/credentials.js';
import { hasHeaders, type Identity } from '../identity/identity.js';
import { isDocumentNavigation } from './navigation.js';
import type { HotCache } from '../cache/hot-cache.js';
import { digestOf, requestFingerprint, soleSessionToken } from '../cache/request-digest.js';
import { tokenTypesOf, type AcceptsToken } from '../identity/token-types.js';
import type { VerificationCache } from '../cache/verification-cache.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';

/** One request, and what it is known by; what takes time to find out is found out once. */
class CacheLookup {
  private read: string | undefined;
  private digest: string | undefined;

  /**
   * @param token The session token in the header, where Clerk would look at nothing else.
   * @param tokenDigest Its digest.
   */
  constructor(
    readonly credentials: Credentials,
    readonly acceptsToken: AcceptsToken,
    readonly token: string | undefined,
    readonly tokenDigest: string | undefined,
    private readonly options: ResolvedClerkOptions,
  ) {}

  /** Everything that Clerk reads of it. */
  get fingerprint(): string {
    return (this.read ??= requestFingerprint(this.credentials, this.options));
  }

  /** The digest of that. */
  get requestDigest(): string {
    return (this.digest ??= digestOf(this.fingerprint, this.acceptsToken));
  }

  get tokenInHeader(): string | undefined {
    return tokenInHeader(this.credentials.headers.authorization ?? null);
  }
}

/**
 * Answers at once for credentials that were verified a moment ago, and lets equal questions that come at the same time
 * share one answer. Only who is signed in is remembered; all else is asked anew each time.
 */
export class CachedAuthenticator implements Authenticator {
  private readonly inFlight = new Map<string, Promise<Identity>>();

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly hotCache: HotCache,
    private readonly cache: VerificationCache,
    private readonly next: Authenticator,
  ) {}

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    const { authorization, cookie } = credentials.headers;
    if (!authorization && !cookie) return this.next.authenticate(credentials, acceptsToken);

    // Stryker disable next-line ConditionalExpression,StringLiteral: the first half is a shortcut to the second.
    const acceptsSession = acceptsToken === 'session_token' || tokenTypesOf(acceptsToken).includes('session_token');
    const token = acceptsSession ? soleSessionToken(credentials, this.options) : undefined;
    const recent = token === undefined ? undefined : this.hotCache.get(token, acceptsToken);
    if (recent) return recent;

    const alone = token === undefined ? undefined : digestOf(token, acceptsToken);
    const question = new CacheLookup(credentials, acceptsToken, token, alone, this.options);
    // Stryker disable next-line ConditionalExpression,LogicalOperator: there are both or neither.
    const known = token !== undefined && alone !== undefined && this.cache.get(alone, token);
    if (known) {
      this.hotCache.set(known.token, acceptsToken, known);
      return known.identity;
    }
    // Where nothing but sessions is accepted, a token alone is known by itself or not at all.
    if (alone !== undefined && acceptsToken === 'session_token') return this.verifyByToken(question);
    return this.findByRequest(question) ?? this.verifyByToken(question);
  }

  close(): void {
    this.hotCache.close();
    this.cache.close();
  }

  /** Who was signed in by a request just like this one. */
  private findByRequest(question: CacheLookup): Identity | undefined {
    const { fingerprint: inputs, acceptsToken } = question;
    const recent = this.hotCache.get(inputs, acceptsToken);
    if (recent) return recent;
    const known = this.cache.get(question.requestDigest, question.tokenInHeader);
    if (known) this.hotCache.set(inputs, acceptsToken, known);
    return known?.identity;
  }

  private async verifyByToken(question: CacheLookup): Promise<Identity> {
    const { tokenDigest: alone } = question;
    if (alone === undefined) return this.verifyByRequest(question);
    const first = this.inFlight.get(alone);
    if (!first) return this.shareInFlight(alone, () => this.verify(question));
    const answer = await first;
    // Whoever is not signed in by the token may be told something else: to go to a handshake, say.
    return isCacheable(answer) ? answer : this.verifyByRequest(question);
  }

  /** A navigation may be answered with a redirect of its own; everything else shares with its like. */
  private verifyByRequest(question: CacheLookup): Promise<Identity> {
    const { method, headers } = question.credentials;
    const get = (name: string) => (headers[name] as string | undefined) ?? null;
    if (isDocumentNavigation({ method, headers: { get } })) return this.verify(question);
    return this.shareInFlight(question.requestDigest, () => this.verify(question));
  }

  private async verify(question: CacheLookup): Promise<Identity> {
    const { credentials, acceptsToken, token, tokenDigest: alone } = question;
    const identity = await this.next.authenticate(credentials, acceptsToken);
    if (!isCacheable(identity)) return identity;
    if (alone !== undefined && identity.tokenType === 'session_token') {
      this.cache.setToken(alone, identity, token as string);
    } else {
      await this.cache.setRequest(question.requestDigest, identity, question.tokenInHeader);
    }
    return identity;
  }

  private shareInFlight(key: string, ask: () => Promise<Identity>): Promise<Identity> {
    let answer = this.inFlight.get(key);
    if (!answer) {
      answer = ask().finally(() => this.inFlight.delete(key));
      this.inFlight.set(key, answer);
    }
    return answer;
  }
}

/** Somebody is signed in, and the client need not be told anything. */
function isCacheable(identity: Identity): boolean {
  return identity.status === 'signed-in' && !hasHeaders(identity);
}
