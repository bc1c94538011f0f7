import {
  isMachineToken,
  type AuthenticateRequestOptions,
  type ClerkRequest,
  type RequestState,
  type SignedInState,
} from '@clerk/backend/internal';
import { decodeJwt } from 'jose';

import { ClerkRequestOptionsError } from '../../errors/clerk.errors.js';
import type { ValueOrFunction } from '../../options/option-types.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { tokenInHeader } from '../identity/credentials.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

/**
 * What Clerk is asked with for one request.
 *
 * @throws ClerkRequestOptionsError where a function among the options throws, or leaves a satellite without address.
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
    throw new ClerkRequestOptionsError('isSatellite answered true, and neither domain nor proxyUrl has a value');
  }
  if (isSatellite && secretKey.startsWith('sk_test_') && !signInUrl?.startsWith('http')) {
    throw new ClerkRequestOptionsError('isSatellite answered true, and signInUrl is no absolute URL');
  }
  return {
    ...{ publishableKey, secretKey, machineSecretKey, clockSkewInMs },
    ...{ domain, proxyUrl, isSatellite, satelliteAutoSync },
    ...{ signInUrl, signUpUrl, afterSignInUrl, afterSignUpUrl, organizationSyncOptions },
    ...claimsFor(options, request),
  };
}

/** The path that Clerk's Frontend API is proxied under for this URL, if it is. */
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

/** Which `aud` and `azp` Clerk is to demand: that depends on the kind of token, and Clerk does not tell them apart. */
function claimsFor(
  { audience, authorizedParties, allowMissingAzp }: ResolvedClerkOptions,
  request: ClerkRequest,
): Pick<AuthenticateRequestOptions, 'audience' | 'authorizedParties'> {
  const token = tokenInHeader(request.headers.get('authorization'));
  // Machine JWTs carry no `azp`: held to a list of parties, every one of them would be refused.
  if (token !== undefined && isMachineToken(token)) return { audience: audience[machineKindOf(token)] };
  // Where a missing `azp` is excused, the verified token is judged: see `refusedClaims`.
  return {
    audience: audience.session_token,
    authorizedParties: allowMissingAzp ? undefined : authorizedParties?.slice(),
  };
}

/** The kind of a machine JWT by Clerk's own rule; opaque tokens have no claims to demand anything of. */
function machineKindOf(token: string): 'm2m_token' | 'oauth_token' {
  try {
    // Stryker disable next-line OptionalChaining: by an error it is no machine's either.
    return decodeJwt(token).sub?.startsWith('mch_') ? 'm2m_token' : 'oauth_token';
  } catch {
    return 'oauth_token';
  }
}

/**
 * Why a session is refused that Clerk accepted, by what only our options demand of its verified claims.
 * @returns Clerk's word for such a refusal, or `undefined`.
 */
export function rejectionReason(
  { audience, requireAudience, authorizedParties, allowMissingAzp }: ResolvedClerkOptions,
  state: RequestState<TokenType | null>,
): string | undefined {
  const demandedAudience = requireAudience ? audience.session_token : undefined;
  const demandsParty = allowMissingAzp && authorizedParties !== undefined;
  if (demandedAudience === undefined && !demandsParty) return undefined;
  if (state.status !== 'signed-in' || state.tokenType !== 'session_token') return undefined;

  const { aud, azp } = (state as SignedInState).toAuth({ treatPendingAsSignedOut: false }).sessionClaims;
  if (demandedAudience !== undefined && !namesOneOf(demandedAudience, aud)) return Reason.NotVerified;
  return demandsParty && azp && !authorizedParties.includes(azp) ? Reason.InvalidAuthorizedParty : undefined;
}

/** Where `aud` is neither text nor a list of texts, or an empty one, Clerk judges it as little as one that is missing. */
function namesOneOf(audience: string | readonly string[], aud: unknown): boolean {
  const accepted: readonly unknown[] = [audience].flat();
  return [aud].flat().some((one) => accepted.includes(one));
}
