import {
  isMachineToken,
  type AuthenticateRequestOptions,
  type ClerkRequest,
  type RequestState,
  type SignedInState,
} from '@clerk/backend/internal';
import { decodeJwt } from 'jose';

import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { ValueOrFunction } from '../../options/option-checks.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { tokenInHeader } from '../identity/credentials.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

/**
 * Resolves the options that Clerk gets for one request.
 *
 * @throws ClerkRequestOptionsError if a function among the options throws, or if a satellite ends up without `domain`
 *   and `proxyUrl` or, with a development key, without an absolute `signInUrl`.
 */
export function requestOptions(
  options: ResolvedClerkOptions,
  request: ClerkRequest,
): Omit<AuthenticateRequestOptions, 'acceptsToken'> {
  const { clerkUrl } = request;
  const { publishableKey, secretKey, machineSecretKey, clockSkewInMs, satelliteAutoSync } = options;
  const { signInUrl, signUpUrl, afterSignInUrl, afterSignUpUrl, organizationSyncOptions } = options;
  const domain = valueFor('domain', options.domain, clerkUrl);
  const proxyUrl = valueFor('proxyUrl', options.proxyUrl, clerkUrl) ?? proxyPathFor(options, clerkUrl);
  const isSatellite = valueFor('isSatellite', options.isSatellite, clerkUrl);
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
    ...claimsFor(options, request),
  };
}

/** The path under which Clerk's Frontend API is proxied for this URL; `undefined` if it is not proxied. */
export function proxyPathFor({ frontendApiProxy }: ResolvedClerkOptions, url: URL): string | undefined {
  if (!frontendApiProxy) return undefined;
  return valueFor('frontendApiProxy', frontendApiProxy.enabled, url) ? frontendApiProxy.path : undefined;
}

function valueFor<T>(name: string, option: ValueOrFunction<T> | undefined, url: URL): T | undefined {
  if (typeof option !== 'function') return option;
  try {
    return (option as (url: URL) => T)(url);
  } catch (cause) {
    throw new ClerkRequestOptionsError(`The function of the option ${name} threw`, { cause });
  }
}

/** The `aud` and `azp` that Clerk should require. They depend on the kind of token, which Clerk does not consider. */
function claimsFor(
  { audience, authorizedParties, allowMissingAzp }: ResolvedClerkOptions,
  request: ClerkRequest,
): Pick<AuthenticateRequestOptions, 'audience' | 'authorizedParties'> {
  const token = tokenInHeader(request.headers.get('authorization'));
  // Machine JWTs have no `azp`: with a list of authorized parties, Clerk would reject all of them.
  if (token !== undefined && isMachineToken(token)) return { audience: audience[machineKindOf(token)] };
  // If a missing `azp` is allowed, `rejectionReason` checks the `azp` of the verified token instead.
  return {
    audience: audience.session_token,
    authorizedParties: allowMissingAzp ? undefined : authorizedParties?.slice(),
  };
}

/** The kind of a machine JWT, by Clerk's own rule. Opaque tokens have no claims to check, so any kind fits. */
function machineKindOf(token: string): 'm2m_token' | 'oauth_token' {
  try {
    // Stryker disable next-line OptionalChaining: a thrown error also ends in `oauth_token`.
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
export function rejectionReason(
  { audience, requireAudience, authorizedParties, allowMissingAzp }: ResolvedClerkOptions,
  state: RequestState<TokenType | null>,
): string | undefined {
  const requiredAudience = requireAudience ? audience.session_token : undefined;
  const checksParty = allowMissingAzp && authorizedParties !== undefined;
  if (requiredAudience === undefined && !checksParty) return undefined;
  if (state.status !== 'signed-in' || state.tokenType !== 'session_token') return undefined;

  const { aud, azp } = (state as SignedInState).toAuth({ treatPendingAsSignedOut: false }).sessionClaims;
  if (requiredAudience !== undefined && !namesOneOf(requiredAudience, aud)) return Reason.NotVerified;
  return checksParty && azp && !authorizedParties.includes(azp) ? Reason.InvalidAuthorizedParty : undefined;
}

/**
 * Clerk skips its own check if `aud` is missing, empty, or neither a string nor a list of strings. Such a value matches
 * no audience here.
 */
function namesOneOf(audience: string | readonly string[], aud: unknown): boolean {
  const accepted: readonly unknown[] = [audience].flat();
  return [aud].flat().some((value) => accepted.includes(value));
}
