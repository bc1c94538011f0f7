import type { ResolvedClerkOptions } from '../../options/resolved-options.js';

/**
 * Whether the `aud` of a verified session token satisfies `audience` and `requireAudience`. A token whose `aud` names
 * several audiences satisfies them with any of these.
 */
export function hasAcceptedAudience(
  aud: unknown,
  { audience, requireAudience }: Pick<ResolvedClerkOptions, 'audience' | 'requireAudience'>,
): boolean {
  const accepted: readonly unknown[] = [audience.session_token ?? []].flat();
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
  { authorizedParties, allowMissingAzp }: Pick<ResolvedClerkOptions, 'authorizedParties' | 'allowMissingAzp'>,
): boolean {
  if (!authorizedParties || authorizedParties.length === 0) return true;
  if (!azp) return allowMissingAzp;
  return (authorizedParties as readonly unknown[]).includes(azp);
}
