import type { AuthenticatedMachineObject, SignedInAuthObject } from '@clerk/backend/internal';
import { LRUCache } from 'lru-cache';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { expiryOf } from './credentials.js';
import type { Identity } from './identity.js';
import type { InstanceKeys } from './instance-keys.js';
import { machineIdentity, sessionIdentity, type MachineData, type SessionClaims } from './session-identity.js';
import type { TokenType } from './token-types.js';

/** The longest that a verdict is relied on. */
const MAX_AGE_MS = 60_000;

/** From when to when something holds, in milliseconds since 1970. A clock that is set back makes it void. */
export interface Term {
  readonly since: number;
  readonly until: number;
}

/** That somebody was signed in, as small as can be: many are kept. */
type Verdict = Term &
  (
    | { readonly payload: string; readonly token: string | undefined }
    | { readonly tokenType: Exclude<TokenType, 'session_token'>; readonly data: MachineData }
  );

/** Somebody who was signed in, and for how long that holds. */
export interface Recalled extends Term {
  readonly identity: Identity;
}

/** Who was signed in lately, by digests of what they sent. Belongs to one Clerk instance, and is bounded. */
export class Verdicts {
  private readonly kept: LRUCache<string, Verdict>;

  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly cache: Exclude<ResolvedClerkOptions['verificationCache'], false>,
    private readonly keys: InstanceKeys,
    private readonly now: () => number,
  ) {
    this.kept = new LRUCache({ max: cache.maxEntries });
  }

  /** @param token the token that the caller shows now; the same as then, or the digest would be another. */
  recall(digest: string, token: string | undefined): Recalled | undefined {
    const verdict = this.kept.get(digest);
    if (!verdict) return undefined;
    const { since, until } = verdict;
    if (holds(verdict, this.now())) return { identity: this.rebuild(verdict, token), since, until };
    this.kept.delete(digest);
    return undefined;
  }

  /** Remembers the session token of a header until it expires, by the clock that Clerk goes by. */
  rememberToken(digest: string, identity: Identity, token: string): void {
    const expiry = claimsOf(identity).exp * 1000 + this.options.clockSkewInMs;
    this.keep(digest, { payload: payloadOf(token), token: undefined }, this.whileKeysHold(expiry));
  }

  /** Remembers a session of cookies, or a machine token. */
  async rememberRequest(digest: string, identity: Identity, tokenInHeader: string | undefined): Promise<void> {
    const { tokenType } = identity;
    if (tokenType === null) return;
    if (tokenType === 'session_token') {
      const token = await (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).getToken();
      // Which of several cookies counts changes when one of them expires, and that knows no tolerance.
      const until = this.whileKeysHold(claimsOf(identity).exp * 1000);
      if (token) this.keep(digest, { payload: payloadOf(token), token }, until);
    } else if (tokenInHeader !== undefined) {
      const auth = identity.toAuth() as AuthenticatedMachineObject;
      const expiry = expiryOf(tokenInHeader);
      const until = expiry === undefined ? this.now() + this.cache.machineTokens.ttl : this.whileKeysHold(expiry);
      this.keep(digest, { tokenType, data: auth as unknown as MachineData }, until);
    }
  }

  private keep(digest: string, verdict: DistributiveOmit<Verdict, keyof Term>, goodUntil: number): void {
    const since = this.now();
    const until = Math.min(goodUntil, since + MAX_AGE_MS);
    // Not the case either where a date is no number.
    if (until > since) this.kept.set(digest, { ...verdict, since, until });
  }

  /** A JWT is relied on no longer than the key that signed it is known to be one. */
  private whileKeysHold(until: number): number {
    return Math.min(until, this.keys.freshUntil());
  }

  private rebuild(verdict: Verdict, token = ''): Identity {
    return 'payload' in verdict
      ? sessionIdentity(this.options, verdict.token ?? token, JSON.parse(verdict.payload) as SessionClaims)
      : machineIdentity(verdict.tokenType, token, verdict.data);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export function holds({ since, until }: Term, now: number): boolean {
  return since <= now && now < until;
}

function claimsOf(identity: Identity): SessionClaims {
  return (identity.toAuth({ treatPendingAsSignedOut: false }) as SignedInAuthObject).sessionClaims;
}

/** The payload of a JWT as text: half as large as the token, and a third of what it takes when parsed. */
function payloadOf(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
}
