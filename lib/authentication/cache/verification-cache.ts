import type { AuthenticatedMachineObject, SignedInAuthObject } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { expiryOf } from '../identity/credentials.js';
import { ExpiringCache, type ValidityWindow } from './expiring-cache.js';
import { bytesOf, flatCopy } from './flat-copy.js';
import type { Identity } from '../identity/identity.js';
import type { KeySet } from '../keys/key-set.js';
import {
  machineIdentity,
  sessionIdentity,
  type MachineData,
  type SessionClaims,
} from '../identity/session-identity.js';
import type { TokenType } from '../identity/token-types.js';

/** The longest that a verdict is relied on. */
const MAX_ENTRY_AGE_MS = 60_000;
/** Which part of the bytes of the cache is for verdicts; the other is for the callers that are kept ready. */
const SHARE_OF_BYTES = 1 / 2;
/** What an entry takes besides its text: its digest, its objects, its places in the cache. */
const ENTRY_OVERHEAD_BYTES = 400;
/** What Clerk's auth object takes, with all that is built around it. */
const AUTH_OBJECT_BYTES = 8_000;
/** What a value, a list or an object of JSON takes at most once it is parsed, and what each comes after. */
const JSON_VALUE_BYTES = 64;
const BEFORE_VALUES: ReadonlySet<number> = new Set([...',:[{'].map((character) => character.charCodeAt(0)));

/**
 * That somebody was signed in, as small as can be: many are kept. It is all text, and none of it part of a longer one:
 * nothing that a request holds besides stays in memory.
 */
interface CacheEntry {
  /** What the text is: the claims of a session, its token, or what Clerk knows of a machine token of this type. */
  readonly kind: 'claims' | 'token' | Exclude<TokenType, 'session_token'>;
  readonly text: string;
  /** How much memory the identity takes at most that is made of it. */
  readonly bytes: number;
}

/** Somebody who was signed in, and for how long that holds. */
export interface CachedIdentity extends ValidityWindow {
  readonly identity: Identity;
  /** The token that signed them in: a text of its own, which no header stays in memory for. */
  readonly token: string;
  /** How much memory the identity takes at most. */
  readonly bytes: number;
}

/** Who was signed in lately, by digests of what they sent. Belongs to one Clerk instance, and is bounded. */
export class VerificationCache {
  private readonly entries: ExpiringCache<string, CacheEntry & ValidityWindow>;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly cache: Exclude<ResolvedClerkOptions['verificationCache'], false>,
    private readonly keys: KeySet,
    private readonly now: () => number,
  ) {
    const maxBytes = Math.ceil(cache.maxBytes * SHARE_OF_BYTES);
    this.entries = new ExpiringCache({ maxEntries: cache.maxEntries, maxBytes }, now);
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.entries.bytes;
  }

  /** @param token the token that the caller shows now; the same as then, or the digest would be another. */
  get(digest: string, token: string | undefined): CachedIdentity | undefined {
    const verdict = this.entries.get(digest);
    if (!verdict) return undefined;
    const { since, until, kind, text, bytes } = verdict;
    const shown = kind === 'token' ? text : flatCopy(token ?? '');
    const json = kind === 'token' ? payloadOf(text) : text;
    return { identity: this.rebuild(kind, shown, json), token: shown, since, until, bytes: bytes + bytesOf(shown) };
  }

  /** Remembers the session token of a header until it expires, by the clock that Clerk goes by. */
  setToken(digest: string, identity: Identity, token: string): void {
    const expiry = claimsOf(identity).exp * 1000 + this.options.clockSkewInMs;
    const claims = payloadOf(token);
    this.set(digest, { kind: 'claims', text: claims, bytes: bytesParsed(claims) }, this.capToKeyFreshness(expiry));
  }

  /** Remembers a session of cookies, or a machine token. */
  async setRequest(digest: string, identity: Identity, tokenInHeader: string | undefined): Promise<void> {
    const { tokenType } = identity;
    if (tokenType === null) return;
    if (tokenType === 'session_token') {
      const token = await (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).getToken();
      // Which of several cookies counts changes when one of them expires, and that knows no tolerance.
      const until = this.capToKeyFreshness(claimsOf(identity).exp * 1000);
      if (!token) return;
      this.set(digest, { kind: 'token', text: flatCopy(token), bytes: bytesParsed(payloadOf(token)) }, until);
    } else if (tokenInHeader !== undefined) {
      const auth = identity.toAuth() as AuthenticatedMachineObject;
      const expiry = expiryOf(tokenInHeader);
      const until = expiry === undefined ? this.now() + this.cache.machineTokens.ttl : this.capToKeyFreshness(expiry);
      // Its functions, which JSON leaves out, hold on to the request that Clerk was asked with.
      const text = JSON.stringify(auth);
      this.set(digest, { kind: tokenType, text, bytes: bytesParsed(text) }, until);
    }
  }

  /** Forgets everything, and remembers nothing from now on. */
  close(): void {
    this.entries.close();
  }

  private set(digest: string, verdict: CacheEntry, goodUntil: number): void {
    const since = this.now();
    const until = Math.min(goodUntil, since + MAX_ENTRY_AGE_MS);
    // Not the case either where a date is no number.
    if (until > since)
      this.entries.set(digest, { ...verdict, since, until }, ENTRY_OVERHEAD_BYTES + bytesOf(verdict.text));
  }

  /** A JWT is relied on no longer than the key that signed it is known to be one. */
  private capToKeyFreshness(until: number): number {
    return Math.min(until, this.keys.freshUntil());
  }

  private rebuild(kind: CacheEntry['kind'], token: string, json: string): Identity {
    return kind === 'claims' || kind === 'token'
      ? sessionIdentity(this.options, token, JSON.parse(json) as SessionClaims)
      : machineIdentity(kind, token, JSON.parse(json) as MachineData);
  }
}

function claimsOf(identity: Identity): SessionClaims {
  return (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).sessionClaims;
}

/** The payload of a JWT as text: half as large as the token, and a third of what it takes when parsed. */
function payloadOf(token: string): string {
  return Buffer.from(token.split('.')[1] as string, 'base64url').toString();
}

/** How much memory an auth object with this JSON in it takes at most. */
function bytesParsed(json: string): number {
  // Such characters inside of texts count as well: rather too much than too little.
  let values = 0;
  for (let index = 0; index < json.length; index++) if (BEFORE_VALUES.has(json.charCodeAt(index))) values += 1;
  return AUTH_OBJECT_BYTES + bytesOf(json) + values * JSON_VALUE_BYTES;
}
