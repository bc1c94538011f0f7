import {
  isMachineToken,
  type AuthenticateRequestOptions,
  type ClerkRequest,
  type RequestState,
  type SignedInState,
} from '@clerk/backend/internal';
import { decodeJwt } from 'jose/jwt/decode';

import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { ValueOrFunction } from '../../options/option-checks.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { hasAcceptedAudience, hasAuthorizedParty } from '../identity/claim-rules.js';
import { tokenInHeader } from '../identity/credentials.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

/**
 * Resolves the options that Clerk gets for one request.
 *
 * @throws ClerkRequestOptionsError if a function among the options throws, or if a satellite ends up without `domain`
 *   and `proxyUrl` or, with a development key, without an absolute `signInUrl`.
 */
export function resolveClerkRequestOptions(
  options: ResolvedClerkOptions,
  request: ClerkRequest,
): Omit<AuthenticateRequestOptions, 'acceptsToken'> {
  const { clerkUrl } = request;
  const { publishableKey, secretKey, machineSecretKey, clockSkewInMs, satelliteAutoSync } = options;
  const { signInUrl, signUpUrl, afterSignInUrl, afterSignUpUrl, organizationSyncOptions } = options;
  const domain = resolveValue('domain', options.domain, clerkUrl);
  const proxyUrl = resolveValue('proxyUrl', options.proxyUrl, clerkUrl) ?? resolveProxyPath(options, clerkUrl);
  const isSatellite = resolveValue('isSatellite', options.isSatellite, clerkUrl);
  if (isSatellite && !domain && !proxyUrl) {
    throw new ClerkRequestOptionsError('isSatellite returned true, but neither domain nor proxyUrl has a value');
  }
  if (isSatellite && secretKey.startsWith('sk_test_') && !signInUrl?.startsWith('http')) {
    throw new ClerkRequestOptionsError('isSatellite returned true, but signInUrl is not an absolute URL');
  }
  return {
    ...{ publishableKey, secretKey, machineSecretKey, clockSkewInMs },
    ...{ domain, proxyUrl, isSatellite, satelliteAutoSync },
    ...{ signInUrl, signUpUrl, afterSignInUrl, afterSignUpUrl, organizationSyncOptions },
    ...claimsForClerk(options, request),
  };
}

/** Returns the path under which Clerk's Frontend API is proxied for this URL; `undefined` if it is not proxied. */
export function resolveProxyPath({ frontendApiProxy }: ResolvedClerkOptions, url: URL): string | undefined {
  if (!frontendApiProxy) return undefined;
  return resolveValue('frontendApiProxy', frontendApiProxy.enabled, url) ? frontendApiProxy.path : undefined;
}

function resolveValue<T>(name: string, option: ValueOrFunction<T> | undefined, url: URL): T | undefined {
  if (typeof option !== 'function') return option;
  try {
    return (option as (url: URL) => T)(url);
  } catch (cause) {
    throw new ClerkRequestOptionsError(`The function of the option ${name} threw`, { cause });
  }
}

/** The `aud` and `azp` that Clerk should require. They depend on the token type, which Clerk does not consider. */
function claimsForClerk(
  { audience, authorizedParties, allowMissingAzp }: ResolvedClerkOptions,
  request: ClerkRequest,
): Pick<AuthenticateRequestOptions, 'audience' | 'authorizedParties'> {
  const token = tokenInHeader(request.headers.get('authorization'));
  // Machine JWTs have no `azp`: with a list of authorized parties, Clerk would reject all of them.
  if (token !== undefined && isMachineToken(token)) return { audience: audience[detectMachineTokenType(token)] };
  // Clerk cannot allow a missing `azp`: `findRejectionReason` then checks the `azp` of the verified token instead.
  return {
    audience: audience.session_token,
    authorizedParties: allowMissingAzp ? undefined : authorizedParties?.slice(),
  };
}

/** Returns the type of a machine JWT, by Clerk's own rule. Opaque tokens have no claims, so either type will do. */
function detectMachineTokenType(token: string): 'm2m_token' | 'oauth_token' {
  try {
    return decodeJwt(token).sub?.startsWith('mch_') ? 'm2m_token' : 'oauth_token';
  } catch {
    return 'oauth_token';
  }
}

/**
 * Checks the verified claims of a session against options that Clerk does not support.
 *
 * @returns Clerk's reason code if the session is rejected, otherwise `undefined`.
 */
export function findRejectionReason(
  options: ResolvedClerkOptions,
  state: RequestState<TokenType | null>,
): string | undefined {
  const { requireAudience, allowMissingAzp } = options;
  // Without these options, Clerk has checked everything.
  if (!requireAudience && !allowMissingAzp) return undefined;
  if (state.status !== 'signed-in' || state.tokenType !== 'session_token') return undefined;

  const { aud, azp } = (state as SignedInState).toAuth({ treatPendingAsSignedOut: false }).sessionClaims;
  // Clerk skips its own check if `aud` is missing, empty, or neither a string nor a list of strings.
  if (requireAudience && !hasAcceptedAudience(aud, options)) return Reason.NotVerified;
  return hasAuthorizedParty(azp, options) ? undefined : Reason.InvalidAuthorizedParty;
}
