import { isMachineTokenByPrefix } from '@clerk/backend/internal';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { dependsOnUrl, findSoleSessionToken } from '../cache/request-digest.js';
import { verifyClaims, type Verification } from '../identity/claim-rules.js';
import type { Credentials } from '../identity/credentials.js';
import type { Identity } from '../identity/identity.js';
import { isRejectedForTime, Reason, sessionReasonFor } from '../identity/reasons.js';
import type { SessionIdentities } from '../identity/session-identity.js';
import {
  decodeToken,
  hasOtherCategory,
  hasUsualHeader,
  isMachineJwt,
  isSignedBy,
  UNDECODABLE,
  type DecodedToken,
} from '../identity/session-token.js';
import type { SignedOutIdentities } from '../identity/signed-out-identities.js';
import { tokenTypesOf, type AcceptsToken } from '../identity/token-types.js';
import type { KeySet } from '../keys/key-set.js';
import type { Authenticator } from './authenticator.js';
import { isNavigationInput } from './navigation.js';

/**
 * Verifies session tokens in the Authorization header without Clerk's SDK, at a fraction of the cost. It accepts and
 * rejects only tokens for which Clerk's result is certain, and passes everything else to the next authenticator.
 * Rejected tokens are not cached.
 */
export class DirectAuthenticator implements Authenticator {
  constructor(
    private readonly options: ResolvedClerkOptions,
    private readonly keys: KeySet,
    private readonly sessions: SessionIdentities,
    private readonly signedOut: SignedOutIdentities,
    private readonly next: Authenticator,
    private readonly now: () => number,
  ) {}

  authenticate(credentials: Credentials, acceptsToken: AcceptsToken): Identity | Promise<Identity> {
    return this.identify(credentials, acceptsToken) ?? this.next.authenticate(credentials, acceptsToken);
  }

  private identify(credentials: Credentials, acceptsToken: AcceptsToken): Identity | undefined {
    if (!tokenTypesOf(acceptsToken).includes('session_token')) return undefined;
    // Clerk reads an empty token as a token named "Bearer".
    const token = findSoleSessionToken(credentials, this.options);
    if (!token) return undefined;
    const verification = this.verify(token, acceptsToken);
    if (!verification) return undefined;
    if ('claims' in verification) return this.sessions.create(token, verification.claims);
    return this.reject(verification.reason, credentials, acceptsToken);
  }

  /** The result of Clerk's checks, in Clerk's order; `undefined` if it is not certain. */
  private verify(token: string, acceptsToken: AcceptsToken): Verification | undefined {
    const onlySessions = acceptsToken === 'session_token';
    if (!onlySessions && isMachineTokenByPrefix(token)) return undefined;
    const decoded = decodeToken(token);
    if (decoded === undefined) return undefined;
    if (decoded === UNDECODABLE) return { reason: Reason.InvalidToken };
    // Where other types are accepted, it may be valid.
    if (isMachineJwt(decoded)) return onlySessions ? { reason: Reason.TypeMismatch } : undefined;
    if (hasOtherCategory(decoded)) return { reason: Reason.TypeMismatch };
    return this.verifySignature(token, decoded);
  }

  private verifySignature(token: string, decoded: DecodedToken): Verification | undefined {
    const { alg, typ, kid } = decoded.header;
    const keyId = typeof kid === 'string' ? kid : null;
    if (this.keys.isUnknown(keyId)) return { reason: Reason.UnknownKey };
    const key = this.keys.getCached(keyId);
    if (!key) return undefined;
    if (typ !== undefined && typ !== 'JWT') return { reason: Reason.InvalidToken };
    if (alg !== 'RS256') return OTHER_ALGORITHMS.includes(alg) ? undefined : { reason: Reason.InvalidAlgorithm };
    if (!isSignedBy(token, key, decoded.signature)) return { reason: Reason.WrongKey };
    const verification = verifyClaims(decoded.payload, this.options, this.now());
    return verification && 'claims' in verification && !hasUsualHeader(decoded) ? undefined : verification;
  }

  /** Passes on requests that Clerk may redirect to a handshake, or whose session it may refresh. */
  private reject(reason: string, credentials: Credentials, acceptsToken: AcceptsToken): Identity | undefined {
    const { method, headers } = credentials;
    // A function among the options may throw.
    if (dependsOnUrl(this.options)) return undefined;
    const mayBeRenewed = () => isNavigationInput(credentials) || headers.cookie?.includes('__refresh');
    if (isRejectedForTime(reason) && mayBeRenewed()) return undefined;
    return this.signedOut.get(sessionReasonFor(reason, method), acceptsToken, true);
  }
}

/** Clerk supports these, but its keys are for RS256. */
const OTHER_ALGORITHMS: readonly unknown[] = ['RS384', 'RS512'];
