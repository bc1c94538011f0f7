import { verify, type KeyObject } from 'node:crypto';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { SessionClaims } from './session-identity.js';

/** A session token as Clerk makes them, taken apart but not verified. */
export interface SessionToken {
  readonly kid: string;
  readonly claims: SessionClaims;
}

/** Categories that Clerk accepts for a session; the other is on every kind of token of some instances. */
export const SESSION_CATEGORIES: readonly unknown[] = [undefined, 'cl_B7d4PD111AAA', 'cl_I7d4PD111III'];
const HEADER_FIELDS: readonly string[] = ['alg', 'cat', 'kid', 'typ'];

/**
 * Reads what is without doubt a session token, spelt as Clerk spells them. About all else, odd spelling included, Clerk
 * itself is asked.
 */
export function readSessionToken(token: string): SessionToken | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (!header || !payload || !signature || rest.length > 0) return undefined;
  // A signature has several spellings in base64, of which Clerk refuses some that libraries accept.
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) return undefined;
  const fields = parse(header);
  const claims = parse(payload);
  if (!fields || !claims) return undefined;
  const { alg, typ, kid, cat } = fields;
  const usual = alg === 'RS256' && typ === 'JWT' && SESSION_CATEGORIES.includes(cat);
  if (!usual || typeof kid !== 'string' || !Object.keys(fields).every((name) => HEADER_FIELDS.includes(name))) {
    return undefined;
  }
  const { sub, sid } = claims;
  // M2M tokens are told by their subject; templates have no session.
  if (typeof sub !== 'string' || sub.startsWith('mch_') || typeof sid !== 'string' || !sid) return undefined;
  return { kid, claims: claims as unknown as SessionClaims };
}

function parse(part: string): Record<string, unknown> | null | undefined {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) return undefined;
  try {
    // What is no object has none of the fields that are asked for.
    return JSON.parse(bytes.toString()) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
}

/** Whether a key of the instance signed the token: RS256, whatever the token says. */
export function isSignedBy(token: string, key: KeyObject): boolean {
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  // Node's own: on the thread pool, as jose's WebCrypto has it, the same takes twice the time.
  return verify('RSA-SHA256', Buffer.from(token.slice(0, end)), key, signature);
}

/** Dates that `Date` can hold; what it cannot is for Clerk to judge. */
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Math.abs(value as number) < 8e12;

/**
 * Whether the claims of a signed token are good beyond doubt, by Clerk's rules and the application's options.
 * @param now In milliseconds since 1970.
 */
export function areClaimsGood(
  { exp, nbf, iat, aud, azp }: SessionClaims,
  options: Pick<
    ResolvedClerkOptions,
    'clockSkewInMs' | 'audience' | 'requireAudience' | 'authorizedParties' | 'allowMissingAzp'
  >,
  now: number,
): boolean {
  const { clockSkewInMs: skew, audience, requireAudience, authorizedParties, allowMissingAzp } = options;
  if (!isTime(exp) || exp * 1000 <= now - skew) return false;
  for (const since of [nbf, iat]) {
    if (since !== undefined && (!isTime(since) || since * 1000 > now + skew)) return false;
  }
  const audiences = [audience.session_token ?? []].flat();
  if (audiences.length > 0) {
    if (aud === undefined) {
      if (requireAudience) return false;
    } else if (typeof aud !== 'string' || !audiences.includes(aud)) return false;
  }
  if (!authorizedParties || authorizedParties.length === 0) return true;
  return azp === undefined ? allowMissingAzp : typeof azp === 'string' && authorizedParties.includes(azp);
}
