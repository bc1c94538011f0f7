import type { AuthenticateRequestOptions } from '@clerk/backend/internal';
import { isMachineToken } from '@clerk/backend/internal';
import { decodeJwt } from 'jose';

import { ClerkRequestOptionsError } from '../errors/clerk.errors.js';
import type { ValueOrFunction } from '../options/option-types.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { tokenInHeader, tokensInCookies } from './credentials.js';

/**
 * What Clerk is asked with for one request.
 *
 * @param clerkUrl The URL as the browser sees it, forwarded headers considered.
 * @throws ClerkRequestOptionsError where a function among the options throws, or leaves a satellite without address.
 */
export function requestOptions(
  options: ResolvedClerkOptions,
  request: Request,
  clerkUrl: URL,
): Omit<AuthenticateRequestOptions, 'acceptsToken'> {
  const { publishableKey, secretKey, machineSecretKey, clockSkewInMs, satelliteAutoSync } = options;
  const { signInUrl, signUpUrl, afterSignInUrl, afterSignUpUrl, organizationSyncOptions } = options;
  const domain = valueFor('domain', options.domain, clerkUrl);
  const proxyUrl = valueFor('proxyUrl', options.proxyUrl, clerkUrl);
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
  request: Request,
): Pick<AuthenticateRequestOptions, 'audience' | 'authorizedParties'> {
  const token = tokenInHeader(request.headers.get('authorization'));
  if (token !== undefined && isMachineToken(token)) {
    // Machine JWTs carry no `azp`: held to a list of parties, every one of them would be refused.
    const kind = claim(token, 'sub')?.toString().startsWith('mch_') ? 'm2m_token' : 'oauth_token';
    return { audience: audience[kind], authorizedParties: undefined };
  }
  const sessions = token === undefined ? tokensInCookies(request.headers.get('cookie')) : [token];
  // Only where no token of the request names a party: which cookie counts is for Clerk to decide.
  const excused = allowMissingAzp && sessions.every((session) => claim(session, 'azp') === undefined);
  return { audience: audience.session_token, authorizedParties: excused ? undefined : authorizedParties?.slice() };
}

/** A claim of a token whose signature nobody has checked yet. */
function claim(token: string, name: 'azp' | 'sub'): unknown {
  try {
    return decodeJwt(token)[name] || undefined;
  } catch {
    return undefined;
  }
}
