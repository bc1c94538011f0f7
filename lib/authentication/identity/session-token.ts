import { verify, type KeyObject } from 'node:crypto';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { hasAcceptedAudience, hasAuthorizedParty } from './claim-rules.js';
import type { SessionClaims } from './session-identity.js';

/** A session token issued by Clerk, parsed but not verified. */
export interface SessionToken {
  readonly kid: string;
  readonly claims: SessionClaims;
}

/** The `cat` values that Clerk accepts for a session. The last one is on every kind of token of some instances. */
export const SESSION_CATEGORIES: readonly unknown[] = [undefined, 'cl_B7d4PD111AAA', 'cl_I7d4PD111III'];
const HEADER_FIELDS: readonly string[] = ['alg', 'cat', 'kid', 'typ'];

/**
 * Parses a token that is certainly a session token in the encoding that Clerk uses. Returns `undefined` for anything
 * else, including unusual encodings; the caller then passes the token to Clerk.
 */
export function readSessionToken(token: string): SessionToken | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (!header || !payload || !signature || rest.length > 0) return undefined;
  // Base64url is not canonical: Clerk rejects some encodings of a signature that libraries accept.
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) return undefined;
  const fields = parse(header);
  const claims = parse(payload);
  if (!fields || !claims) return undefined;
  const { alg, typ, kid, cat } = fields;
  const isClerkHeader = alg === 'RS256' && typ === 'JWT' && SESSION_CATEGORIES.includes(cat);
  if (!isClerkHeader || typeof kid !== 'string' || !Object.keys(fields).every((name) => HEADER_FIELDS.includes(name))) {
    return undefined;
  }
  const { sub, sid } = claims;
  // M2M tokens are recognized by their subject. Tokens from JWT templates have no session.
  if (typeof sub !== 'string' || sub.startsWith('mch_') || typeof sid !== 'string' || !sid) return undefined;
  return { kid, claims: claims as unknown as SessionClaims };
}

function parse(part: string): Record<string, unknown> | null | undefined {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) return undefined;
  try {
    // A JSON value that is not an object has none of the fields that the caller reads.
    return JSON.parse(bytes.toString()) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
}

/** Whether the token is signed with this key. Always checks RS256, whatever algorithm the header names. */
export function isSignedBy(token: string, key: KeyObject): boolean {
  const lastDot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(lastDot + 1), 'base64url');
  // Synchronous on purpose: WebCrypto (as in jose) runs on the thread pool and takes twice the time.
  return verify('RSA-SHA256', Buffer.from(token.slice(0, lastDot)), key, signature);
}

/** Accepts only dates that `Date` can represent; Clerk verifies tokens with other values. */
const isTimestamp = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Math.abs(value as number) < 8e12;

/** Clerk verifies tokens with an empty text or another type, such as a list of audiences. */
const isMissingOrText = (value: unknown) => value === undefined || (typeof value === 'string' && value !== '');

/**
 * Whether the claims of a token with a valid signature are certainly valid by Clerk's rules and the application's
 * options. Otherwise Clerk must verify the token.
 * @param now The current time, in milliseconds since 1970.
 */
export function areClaimsValid(
  { exp, nbf, iat, aud, azp }: SessionClaims,
  options: Pick<
    ResolvedClerkOptions,
    'clockSkewInMs' | 'audience' | 'requireAudience' | 'authorizedParties' | 'allowMissingAzp'
  >,
  now: number,
): boolean {
  const { clockSkewInMs: skew } = options;
  if (!isTimestamp(exp) || exp * 1000 <= now - skew) return false;
  for (const notBefore of [nbf, iat]) {
    if (notBefore !== undefined && (!isTimestamp(notBefore) || notBefore * 1000 > now + skew)) return false;
  }
  return [aud, azp].every(isMissingOrText) && hasAcceptedAudience(aud, options) && hasAuthorizedParty(azp, options);
}
