import { assertTokenOwner, type ClerkState } from './clerk-state.js';
import type { ClerkCalls } from '../../client/clerk-calls.js';
import { isValidAt, type ValidityWindow } from '../cache/expiring-cache.js';
import { identityFromState, signedOutIdentity, type Identity } from '../identity/identity.js';
import { createLru } from '../cache/segmented-lru.js';
import { computeDigest } from '../cache/request-digest.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

type MachineTokenType = Exclude<TokenType, 'session_token'>;

/**
 * How long a rejected token is rejected again without calling Clerk, in milliseconds. This also delays a token that is
 * created in the meantime.
 */
const REJECTED_FOR_MS = 5_000;
const MAX_REJECTED = 1_000;
/**
 * The maximum number of verified tokens that get a concurrency slot regardless of unverified ones. Digests are small.
 */
const MAX_KNOWN = 10_000;

const TYPES_BY_PREFIX: readonly (readonly [prefix: string, type: MachineTokenType])[] = [
  ['mt_', 'm2m_token'],
  ['oat_', 'oauth_token'],
  ['ak_', 'api_key'],
];
/** Matches what Clerk treats as a JWT, whatever its prefix. Clerk rejects such tokens by their format. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Letters, digits, `-` and `_` after the prefix, up to far more characters than Clerk issues. */
const SHAPE = /^[a-z]+_[\w-]{1,512}$/;

/** Returns the type of a token that only the Backend API can verify, by Clerk's own rule; `undefined` for all others. */
export function detectOpaqueTokenType(token: string): MachineTokenType | undefined {
  if (JWT.test(token)) return undefined;
  return TYPES_BY_PREFIX.find(([prefix]) => token.startsWith(prefix))?.[1];
}

/**
 * Verifies opaque tokens at the Backend API so that callers with invented tokens cannot block callers with valid ones:
 * a malformed token causes no call, a recently rejected one no second call, and unverified tokens never take all
 * concurrency slots. Bounded, and never shared between Clerk instances.
 */
export class OpaqueTokens {
  private readonly rejected = createLru<ValidityWindow & { readonly reason: string }>(MAX_REJECTED);
  /** Tokens that were valid at their last verification, each with whether a privileged call is in flight. */
  private readonly known = createLru<{ isCalling: boolean }>(MAX_KNOWN);

  constructor(
    private readonly calls: ClerkCalls,
    private readonly now: () => number,
  ) {}

  /** @param authenticate Calls Clerk, which calls its Backend API. */
  async verify(token: string, tokenType: MachineTokenType, authenticate: () => Promise<ClerkState>): Promise<Identity> {
    // Clerk reports a malformed token as unknown, too.
    if (!SHAPE.test(token)) return signedOutIdentity(Reason.InvalidToken, tokenType, true);
    const digest = computeDigest(token, tokenType);
    const rejection = this.rejected.get(digest);
    if (rejection && isValidAt(rejection, this.now())) return signedOutIdentity(rejection.reason, tokenType, true);

    const state = await this.callClerk(digest, async () => {
      const state = await authenticate();
      assertTokenOwner(state);
      return state;
    });
    this.recordResult(digest, state);
    return identityFromState(state, true);
  }

  /**
   * A previously verified token gets a slot even if unverified tokens flood the limit, but only for one call at a time.
   */
  private async callClerk(digest: string, authenticate: () => Promise<ClerkState>): Promise<ClerkState> {
    const known = this.known.get(digest);
    const isPrivileged = known?.isCalling === false;
    if (isPrivileged) known.isCalling = true;
    try {
      return await this.calls.withRetry(() =>
        this.calls.withConcurrencyLimit(authenticate, isPrivileged ? 'known' : 'unverified'),
      );
    } finally {
      if (isPrivileged) known.isCalling = false;
    }
  }

  private recordResult(digest: string, { status, reason }: ClerkState): void {
    if (status === 'signed-in') {
      if (!this.known.has(digest)) this.known.set(digest, { isCalling: false });
      this.rejected.delete(digest);
    } else if (reason === Reason.InvalidToken || reason === Reason.Unexpected) {
      // Every other failure is an outage or a problem with the key of this application, and was thrown before.
      const since = this.now();
      this.known.delete(digest);
      this.rejected.set(digest, { reason, since, until: since + REJECTED_FOR_MS });
    }
  }
}
