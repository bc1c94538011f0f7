import { LRUCache } from 'lru-cache';

import { throwOnNobody, type State } from './clerk-answers.js';
import type { ClerkCalls } from './clerk-calls.js';
import { isValidAt, type ValidityWindow } from './expiring-cache.js';
import { identityFromState, signedOutIdentity, type Identity } from './identity.js';
import { digestOf } from './request-key.js';
import { Reason } from './reasons.js';
import type { TokenType } from './token-types.js';

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/** How long what Clerk has just refused is refused again without asking. A key that is made meanwhile has to wait as well. */
const REFUSED_FOR_MS = 5_000;
const MAX_REFUSED = 1_000;
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
  private readonly refused = new LRUCache<string, ValidityWindow & { readonly reason: string }>({ max: MAX_REFUSED });
  /** Those that were good when they were last asked about, each with whether it is being asked about just now. */
  private readonly known = new LRUCache<string, { isAsked: boolean }>({ max: MAX_KNOWN });

  constructor(
    private readonly calls: ClerkCalls,
    private readonly now: () => number,
  ) {}

  /** @param ask Asks Clerk, which then asks its Backend API. */
  async verify(token: string, kind: MachineTokenType, ask: () => Promise<State>): Promise<Identity> {
    // To Clerk it is a token that is unknown.
    if (!SHAPE.test(token)) return signedOutIdentity(Reason.InvalidToken, kind, true);
    const digest = digestOf(token, kind);
    const refused = this.refused.get(digest);
    if (refused && isValidAt(refused, this.now())) return signedOutIdentity(refused.reason, kind, true);

    const state = await this.asked(digest, async () => {
      const answer = await ask();
      throwOnNobody(answer);
      return answer;
    });
    this.learn(digest, state);
    return identityFromState(state, true);
  }

  /** One who was good before has a place whatever strangers send, though not for any number of calls at once. */
  private async asked(digest: string, ask: () => Promise<State>): Promise<State> {
    const known = this.known.get(digest);
    const isPrivileged = known?.isAsked === false;
    if (isPrivileged) known.isAsked = true;
    try {
      return await this.calls.repeatedly(() => this.calls.counted(ask, isPrivileged ? 'known' : 'stranger'));
    } finally {
      if (isPrivileged) known.isAsked = false;
    }
  }

  private learn(digest: string, { status, reason }: State): void {
    if (status === 'signed-in') {
      if (!this.known.has(digest)) this.known.set(digest, { isAsked: false });
      this.refused.delete(digest);
    } else if (reason === Reason.InvalidToken || reason === Reason.Unexpected) {
      // Whatever else was wrong has been found to be an outage, or our own key.
      const since = this.now();
      this.known.delete(digest);
      this.refused.set(digest, { reason, since, until: since + REFUSED_FOR_MS });
    }
  }
}
