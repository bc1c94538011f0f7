import type { Authenticator } from './authenticator.js';
import { tokenInHeader, type Credentials } from '../identity/credentials.js';
import { hasHeaders, type Identity } from '../identity/identity.js';
import { isNavigationInput } from './navigation.js';
import type { HotCache } from '../cache/hot-cache.js';
import { computeDigest, fingerprintRequest, findSoleSessionToken } from '../cache/request-digest.js';
import { tokenTypesOf, type AcceptsToken } from '../identity/token-types.js';
import type { VerificationCache } from '../cache/verification-cache.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';

/** A request and its cache keys, which are computed lazily and at most once. */
class CacheLookup {
  private cachedFingerprint: string | undefined;
  private cachedDigest: string | undefined;

  /**
   * @param token The session token in the Authorization header, if Clerk looks at nothing else.
   * @param tokenDigest The digest of `token`.
   */
  constructor(
    readonly credentials: Credentials,
    readonly acceptsToken: AcceptsToken,
    readonly token: string | undefined,
    readonly tokenDigest: string | undefined,
    private readonly options: ResolvedClerkOptions,
  ) {}

  /** Everything that Clerk reads of the request. */
  get fingerprint(): string {
    return (this.cachedFingerprint ??= fingerprintRequest(this.credentials, this.options));
  }

  /** The digest of the fingerprint. */
  get requestDigest(): string {
    return (this.cachedDigest ??= computeDigest(this.fingerprint, this.acceptsToken));
  }

  get tokenInHeader(): string | undefined {
    return tokenInHeader(this.credentials.headers.authorization ?? null);
  }
}

/**
 * Returns cached identities for recently verified credentials, and shares one verification between concurrent requests
 * with equal credentials. Only signed-in identities are cached; everything else is verified on every request.
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
    // The first comparison is a shortcut for the most common case.
    const acceptsSession = acceptsToken === 'session_token' || tokenTypesOf(acceptsToken).includes('session_token');
    const token = acceptsSession ? findSoleSessionToken(credentials, this.options) : undefined;
    const hot = token === undefined ? undefined : this.hotCache.get(token, acceptsToken);
    if (hot) return hot;

    const tokenDigest = token === undefined ? undefined : computeDigest(token, acceptsToken);
    const lookup = new CacheLookup(credentials, acceptsToken, token, tokenDigest, this.options);
    const cached = token !== undefined && tokenDigest !== undefined && this.cache.get(tokenDigest, token);
    if (cached) {
      this.hotCache.set(cached.token, acceptsToken, cached);
      return cached.identity;
    }
    // If only sessions are accepted, a token from the header is cached by its own digest and never by the whole
    // request.
    if (tokenDigest !== undefined && acceptsToken === 'session_token') return this.verifyByToken(lookup);
    return this.findByRequest(lookup) ?? this.verifyByToken(lookup);
  }

  close(): void {
    this.hotCache.close();
    this.cache.close();
  }

  /** Returns the cached identity of an equal request. */
  private findByRequest(lookup: CacheLookup): Identity | undefined {
    const { fingerprint, acceptsToken } = lookup;
    const hot = this.hotCache.get(fingerprint, acceptsToken);
    if (hot) return hot;
    const cached = this.cache.get(lookup.requestDigest, lookup.tokenInHeader);
    if (cached) this.hotCache.set(fingerprint, acceptsToken, cached);
    return cached?.identity;
  }

  private verifyByToken(lookup: CacheLookup): Identity | Promise<Identity> {
    const { tokenDigest } = lookup;
    if (tokenDigest === undefined) return this.verifyByRequest(lookup);
    const pending = this.inFlight.get(tokenDigest);
    if (!pending) return this.shareInFlight(tokenDigest, this.verify(lookup));
    // The response for a caller who is not signed in depends on the whole request (for example, a redirect to a
    // handshake), so it is not shared.
    return pending.then((identity) => (isCacheable(identity) ? identity : this.verifyByRequest(lookup)));
  }

  /**
   * A document navigation may need its own redirect. All other requests share the verification of an equal request in
   * flight.
   */
  private verifyByRequest(lookup: CacheLookup): Identity | Promise<Identity> {
    if (isNavigationInput(lookup.credentials)) return this.verify(lookup);
    return this.inFlight.get(lookup.requestDigest) ?? this.shareInFlight(lookup.requestDigest, this.verify(lookup));
  }

  /** Synchronous if the next authenticator is, which is the case for most session tokens in headers. */
  private verify(lookup: CacheLookup): Identity | Promise<Identity> {
    const identity = this.next.authenticate(lookup.credentials, lookup.acceptsToken);
    return 'then' in identity
      ? identity.then((verified) => this.store(lookup, verified))
      : this.store(lookup, identity);
  }

  private store(lookup: CacheLookup, identity: Identity): Identity | Promise<Identity> {
    if (!isCacheable(identity)) return identity;
    const { token, tokenDigest } = lookup;
    if (token !== undefined && tokenDigest !== undefined && identity.tokenType === 'session_token') {
      this.cache.setToken(tokenDigest, identity, token);
      return identity;
    }
    return this.cache.setRequest(lookup.requestDigest, identity, lookup.tokenInHeader).then(() => identity);
  }

  private shareInFlight(key: string, identity: Identity | Promise<Identity>): Identity | Promise<Identity> {
    if (!('then' in identity)) return identity;
    const shared = identity.finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, shared);
    return shared;
  }
}

/** Only signed-in identities that add no response headers are cached or shared. */
function isCacheable(identity: Identity): boolean {
  return identity.status === 'signed-in' && !hasHeaders(identity);
}
