import type { AuthenticatedMachineObject, SignedInAuthObject } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { readExpiry } from '../identity/credentials.js';
import { ExpiringCache, type ValidityWindow } from './expiring-cache.js';
import { estimateBytes, flatCopy } from './flat-copy.js';
import type { Identity } from '../identity/identity.js';
import type { KeySet } from '../keys/key-set.js';
import type { SessionClaims } from '../identity/session-auth-objects.js';
import { machineIdentity, type MachineData, type SessionIdentities } from '../identity/session-identity.js';
import type { TokenType } from '../identity/token-types.js';

/** The maximum age of an entry, in milliseconds. */
const MAX_ENTRY_AGE_MS = 60_000;
/** The share of `maxBytes` for this cache; the rest is for the hot cache. */
const SHARE_OF_BYTES = 1 / 2;
/** The memory of an entry besides its text: its digest, its objects, and its slots in the cache. */
const ENTRY_OVERHEAD_BYTES = 400;
/** The memory of Clerk's auth object and everything built around it. */
const AUTH_OBJECT_BYTES = 8_000;
/** The maximum memory of one parsed JSON value, array or object. */
const JSON_VALUE_BYTES = 64;

/**
 * The result of a successful verification, kept as small as possible because many are cached. It holds flat strings
 * only, so an entry keeps nothing else of a request in memory.
 */
interface CacheEntry {
  /** What `text` contains: the claims of a session, its token, or the data of a machine token of this type. */
  readonly kind: 'claims' | 'token' | Exclude<TokenType, 'session_token'>;
  readonly text: string;
  /** The maximum memory of the identity that is rebuilt from the text, in bytes. */
  readonly bytes: number;
}

/** A verified identity and its validity window. */
export interface CachedIdentity extends ValidityWindow {
  readonly identity: Identity;
  /** The verified token, as a flat string that does not keep a header in memory. */
  readonly token: string;
  /** The maximum memory of the identity, in bytes. */
  readonly bytes: number;
}

/**
 * Recently verified identities, by token digest or request digest. Bounded, and never shared between Clerk instances.
 */
export class VerificationCache {
  private readonly entries: ExpiringCache<string, CacheEntry & ValidityWindow>;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly cache: Exclude<ResolvedClerkOptions['verificationCache'], false>,
    private readonly keys: KeySet,
    private readonly sessions: SessionIdentities,
    private readonly now: () => number,
  ) {
    const maxBytes = Math.ceil(cache.maxBytes * SHARE_OF_BYTES);
    this.entries = new ExpiringCache({ maxEntries: cache.maxEntries, maxBytes }, now);
  }

  /** The total size of the entries in bytes. */
  get bytes(): number {
    return this.entries.bytes;
  }

  /**
   * @param token The token in the header of the request. It equals the cached one, since the digest matches. The token of
   *   a cookie session is cached with it.
   */
  get(digest: string, token: string | undefined): CachedIdentity | undefined {
    const entry = this.entries.get(digest);
    if (!entry) return undefined;
    const { since, until, kind, text, bytes } = entry;
    const flat = kind === 'token' ? text : flatCopy(token ?? '');
    const json = kind === 'token' ? decodePayload(text) : text;
    return { identity: this.rebuild(kind, flat, json), token: flat, since, until, bytes: bytes + estimateBytes(flat) };
  }

  /**
   * Caches the session token of a header until it expires, including the `clockSkewInMs` tolerance that Clerk applies.
   */
  setToken(digest: string, identity: Identity, token: string): void {
    const expiry = claimsOf(identity).exp * 1000 + this.options.clockSkewInMs;
    const claims = decodePayload(token);
    this.set(
      digest,
      { kind: 'claims', text: claims, bytes: estimateParsedBytes(claims) },
      this.capToKeyFreshness(expiry),
    );
  }

  /** Caches a cookie session or a machine token. */
  async setRequest(digest: string, identity: Identity, tokenInHeader: string | undefined): Promise<void> {
    const { tokenType } = identity;
    if (tokenType === null) return;
    if (tokenType === 'session_token') {
      const token = await (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).getToken();
      // When one of several cookies expires, Clerk may pick another one, and it applies no clock skew to that choice.
      const until = this.capToKeyFreshness(claimsOf(identity).exp * 1000);
      if (!token) return;
      this.set(
        digest,
        { kind: 'token', text: flatCopy(token), bytes: estimateParsedBytes(decodePayload(token)) },
        until,
      );
    } else if (tokenInHeader !== undefined) {
      const auth = identity.toAuth() as AuthenticatedMachineObject;
      const expiry = readExpiry(tokenInHeader);
      const until = expiry === undefined ? this.now() + this.cache.machineTokens.ttl : this.capToKeyFreshness(expiry);
      // JSON leaves out the functions of the auth object, which hold references to the request.
      const text = JSON.stringify(auth);
      this.set(digest, { kind: tokenType, text, bytes: estimateParsedBytes(text) }, until);
    }
  }

  /** Removes all entries and ignores later calls of `setToken` and `setRequest`. */
  close(): void {
    this.entries.close();
  }

  private set(digest: string, { kind, text, bytes }: CacheEntry, validUntil: number): void {
    const since = this.now();
    const until = Math.min(validUntil, since + MAX_ENTRY_AGE_MS);
    // Also false if `until` is `NaN`.
    if (!(until > since)) return;
    this.entries.set(digest, { kind, text, bytes, since, until }, ENTRY_OVERHEAD_BYTES + estimateBytes(text));
  }

  /** A JWT is not cached for longer than its key is known to be current. */
  private capToKeyFreshness(until: number): number {
    return Math.min(until, this.keys.freshUntil());
  }

  private rebuild(kind: CacheEntry['kind'], token: string, json: string): Identity {
    return kind === 'claims' || kind === 'token'
      ? this.sessions.create(token, JSON.parse(json) as SessionClaims)
      : machineIdentity(kind, token, JSON.parse(json) as MachineData);
  }
}

function claimsOf(identity: Identity): SessionClaims {
  return (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).sessionClaims;
}

/** Decodes the payload of a JWT to JSON, which takes half the memory of the token and a third of the parsed object. */
function decodePayload(token: string): string {
  const [, payload = ''] = token.split('.');
  return Buffer.from(payload, 'base64url').toString();
}

/** Estimates the maximum memory of an auth object with this JSON in it, in bytes. */
function estimateParsedBytes(json: string): number {
  // Counts these characters inside strings too, so the estimate errs on the high side.
  let values = 0;
  for (let index = 0; index < json.length; index++) if (precedesValue(json.charCodeAt(index))) values += 1;
  return AUTH_OBJECT_BYTES + estimateBytes(json) + values * JSON_VALUE_BYTES;
}

/** Whether a character precedes a value, array or object: `,`, `:`, `[` or `{`. */
function precedesValue(character: number): boolean {
  return character === 0x2c || character === 0x3a || character === 0x5b || character === 0x7b;
}
