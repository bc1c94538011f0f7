import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { Reason } from './reasons.js';
import type { SessionClaims } from './session-auth-objects.js';

type ClaimOptions = Pick<
  ResolvedClerkOptions,
  'clockSkewInMs' | 'audience' | 'requireAudience' | 'authorizedParties' | 'allowMissingAzp'
>;

/** What Clerk certainly says of a token: the claims of a session, or its reason for rejecting the token. */
export type Verification = { readonly claims: SessionClaims } | { readonly reason: string };

/**
 * Whether the `aud` of a verified session token satisfies `audience` and `requireAudience`. A token whose `aud` names
 * several audiences satisfies them with any of these.
 */
export function hasAcceptedAudience(
  aud: unknown,
  { audience, requireAudience }: Pick<ClaimOptions, 'audience' | 'requireAudience'>,
): boolean {
  if (audience.session_token === undefined) return true;
  const accepted: readonly unknown[] = [audience.session_token].flat();
  if (accepted.length === 0) return true;
  if (aud === undefined) return !requireAudience;
  return [aud].flat().some((value) => accepted.includes(value));
}

/**
 * Whether the `azp` of a verified session token satisfies `authorizedParties` and `allowMissingAzp`. As in Clerk's SDK,
 * an empty `azp` counts as missing.
 */
export function hasAuthorizedParty(
  azp: unknown,
  { authorizedParties, allowMissingAzp }: Pick<ClaimOptions, 'authorizedParties' | 'allowMissingAzp'>,
): boolean {
  if (!authorizedParties || authorizedParties.length === 0) return true;
  if (!azp) return allowMissingAzp;
  return (authorizedParties as readonly unknown[]).includes(azp);
}

/** Only dates that `Date` can represent; Clerk decides about other values. */
const isTimestamp = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Math.abs(value as number) < 8e12;
const isMissingOrTimestamp = (value: unknown) => value === undefined || isTimestamp(value);
/** Clerk decides about an empty text or another type, such as a list of audiences. */
const isMissingOrText = (value: unknown) => value === undefined || (typeof value === 'string' && value !== '');

/**
 * Checks the claims of a token with a valid signature by Clerk's rules and the application's options. Returns `undefined`
 * if the result is not certain: claims of unusual types, or no session (a token of a JWT template has none).
 * @param now The current time, in milliseconds since 1970.
 */
export function verifyClaims(
  claims: Readonly<Record<string, unknown>>,
  options: ClaimOptions,
  now: number,
): Verification | undefined {
  const { sub, sid, aud, azp, exp, nbf, iat } = claims;
  const isUsual = typeof sub === 'string' && isMissingOrText(aud) && isMissingOrText(azp) && isTimestamp(exp);
  if (!isUsual || !isMissingOrTimestamp(nbf) || !isMissingOrTimestamp(iat)) return undefined;
  const reason = findRejection({ aud, azp, exp, nbf, iat } as CheckedClaims, options, now);
  if (reason !== undefined) return { reason };
  return typeof sid === 'string' && sid ? { claims: claims as unknown as SessionClaims } : undefined;
}

interface CheckedClaims {
  readonly aud: string | undefined;
  readonly azp: string | undefined;
  readonly exp: number;
  readonly nbf: number | undefined;
  readonly iat: number | undefined;
}

/** Clerk's reason for rejecting these claims. The checks are in Clerk's order, those of our own options are last. */
function findRejection(
  { aud, azp, exp, nbf, iat }: CheckedClaims,
  options: ClaimOptions,
  now: number,
): string | undefined {
  const { clockSkewInMs: skew, allowMissingAzp } = options;
  const isAccepted = hasAcceptedAudience(aud, options);
  const isAuthorized = hasAuthorizedParty(azp, options);
  if (!isAccepted && aud !== undefined) return Reason.NotVerified;
  if (!isAuthorized && !allowMissingAzp) return Reason.InvalidAuthorizedParty;
  if (exp * 1000 <= now - skew) return Reason.Expired;
  if (nbf !== undefined && nbf * 1000 > now + skew) return Reason.NotActiveYet;
  if (iat !== undefined && iat * 1000 > now + skew) return Reason.IssuedInFuture;
  if (!isAccepted) return Reason.NotVerified;
  return isAuthorized ? undefined : Reason.InvalidAuthorizedParty;
}
