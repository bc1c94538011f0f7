import type { Authenticator } from './authenticator.js';
import { tokenInHeader, type Credentials } from '../identity/credentials.js';
import { hasHeaders, type Identity } from '../identity/identity.js';
import { isDocumentNavigation } from './navigation.js';
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

  private async verifyByToken(lookup: CacheLookup): Promise<Identity> {
    const { tokenDigest } = lookup;
    if (tokenDigest === undefined) return this.verifyByRequest(lookup);
    const pending = this.inFlight.get(tokenDigest);
    if (!pending) return this.shareInFlight(tokenDigest, () => this.verify(lookup));
    const identity = await pending;
    // The response for a caller who is not signed in depends on the whole request (for example, a redirect to a
    // handshake), so it is not shared.
    return isCacheable(identity) ? identity : this.verifyByRequest(lookup);
  }

  /**
   * A document navigation may need its own redirect. All other requests share the verification of an equal request in
   * flight.
   */
  private verifyByRequest(lookup: CacheLookup): Promise<Identity> {
    const { method, headers } = lookup.credentials;
    // Node never makes a list of the headers that this reads.
    const get = (name: string) => (headers[name] as string | undefined) ?? null;
    if (isDocumentNavigation({ method, headers: { get } })) return this.verify(lookup);
    return this.shareInFlight(lookup.requestDigest, () => this.verify(lookup));
  }

  private async verify(lookup: CacheLookup): Promise<Identity> {
    const { credentials, acceptsToken, token, tokenDigest } = lookup;
    const identity = await this.next.authenticate(credentials, acceptsToken);
    if (!isCacheable(identity)) return identity;
    if (token !== undefined && tokenDigest !== undefined && identity.tokenType === 'session_token') {
      this.cache.setToken(tokenDigest, identity, token);
    } else {
      await this.cache.setRequest(lookup.requestDigest, identity, lookup.tokenInHeader);
    }
    return identity;
  }

  private shareInFlight(key: string, verify: () => Promise<Identity>): Promise<Identity> {
    let identity = this.inFlight.get(key);
    if (!identity) {
      identity = verify().finally(() => this.inFlight.delete(key));
      this.inFlight.set(key, identity);
    }
    return identity;
  }
}

/** Only signed-in identities that add no response headers are cached or shared. */
function isCacheable(identity: Identity): boolean {
  return identity.status === 'signed-in' && !hasHeaders(identity);
}
