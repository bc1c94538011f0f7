import { LRUCache } from 'lru-cache';

import { assertTokenOwner, type ClerkState } from './clerk-answers.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { isValidAt, type ValidityWindow } from '../cache/expiring-cache.js';
import { identityFromState, signedOutIdentity, type Identity } from '../identity/identity.js';
import { digestOf } from '../cache/request-digest.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/** How long what Clerk has just refused is refused again without asking. A key that is made meanwhile has to wait as well. */
const REJECTED_FOR_MS = 5_000;
const MAX_REJECTED = 1_000;
/** How many tokens that Clerk took for good have a place of their own. Digests are small. */
const MAX_KNOWN = 10_000;

const KINDS: readonly (readonly [prefix: string, kind: MachineTokenType])[] = [
  ['mt_', 'm2m_token'],
  ['oat_', 'oauth_token'],
  ['ak_', 'api_key'],
];
/** What Clerk takes for a JWT, whatever it begins with: it is refused by its looks. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Letters, digits, `-` and `_` after the prefix, and far more of them than Clerk ever made. */
const SHAPE = /^[a-z]+_[\w-]{1,512}$/;

/** The kind of a token that only the Backend API can verify, by Clerk's own rule; `undefined` for all others. */
export function opaqueKindOf(token: string): MachineTokenType | undefined {
  if (JWT.test(token)) return undefined;
  return KINDS.find(([prefix]) => token.startsWith(prefix))?.[1];
}

/**
 * Verifies opaque tokens at the Backend API, such that whoever makes them up cannot keep those out whose tokens are
 * good: what cannot be a token costs no call, what was just refused no second one, and ever new ones never get all the
 * places. Belongs to one Clerk instance, and is bounded.
 */
export class OpaqueTokens {
  private readonly rejected = new LRUCache<string, ValidityWindow & { readonly reason: string }>({ max: MAX_REJECTED });
  /** Those that were good when they were last asked about, each with whether it is being asked about just now. */
  private readonly known = new LRUCache<string, { isAsked: boolean }>({ max: MAX_KNOWN });

  constructor(
    private readonly calls: ClerkCalls,
    private readonly now: () => number,
  ) {}

  /** @param ask Asks Clerk, which then asks its Backend API. */
  async verify(token: string, kind: MachineTokenType, ask: () => Promise<ClerkState>): Promise<Identity> {
    // To Clerk it is a token that is unknown.
    if (!SHAPE.test(token)) return signedOutIdentity(Reason.InvalidToken, kind, true);
    const digest = digestOf(token, kind);
    const refused = this.rejected.get(digest);
    if (refused && isValidAt(refused, this.now())) return signedOutIdentity(refused.reason, kind, true);

    const state = await this.askClerk(digest, async () => {
      const answer = await ask();
      assertTokenOwner(answer);
      return answer;
    });
    this.recordResult(digest, state);
    return identityFromState(state, true);
  }

  /** One who was good before has a place whatever strangers send, though not for any number of calls at once. */
  private async askClerk(digest: string, ask: () => Promise<ClerkState>): Promise<ClerkState> {
    const known = this.known.get(digest);
    const isPrivileged = known?.isAsked === false;
    if (isPrivileged) known.isAsked = true;
    try {
      return await this.calls.withRetry(() =>
        this.calls.withConcurrencyLimit(ask, isPrivileged ? 'known' : 'stranger'),
      );
    } finally {
      if (isPrivileged) known.isAsked = false;
    }
  }

  private recordResult(digest: string, { status, reason }: ClerkState): void {
    if (status === 'signed-in') {
      if (!this.known.has(digest)) this.known.set(digest, { isAsked: false });
      this.rejected.delete(digest);
    } else if (reason === Reason.InvalidToken || reason === Reason.Unexpected) {
      // Whatever else was wrong has been found to be an outage, or our own key.
      const since = this.now();
      this.known.delete(digest);
      this.rejected.set(digest, { reason, since, until: since + REJECTED_FOR_MS });
    }
  }
}
