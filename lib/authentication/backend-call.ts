import { isMachineTokenByPrefix, type ClerkRequest } from '@clerk/backend/internal';

import { carriesHandshake, expiryOf, sessionTokens, tokenInHeader } from './credentials.js';
import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/**
 * What Clerk needs its Backend API for, if at all, to tell who sent a request: to `verify` an opaque token, or to
 * `exchange` a handshake's nonce or a refresh token, which are spent by it.
 */
export function backendCallFor(
  request: ClerkRequest,
  acceptsToken: AcceptsToken,
  cookieSuffix: string,
): 'verify' | 'exchange' | undefined {
  const accepted = tokenTypesOf(acceptsToken);
  const token = tokenInHeader(request.headers.get('authorization'));
  if (token !== undefined) {
    return isMachineTokenByPrefix(token) && accepted.some((type) => type !== 'session_token') ? 'verify' : undefined;
  }
  if (!accepted.includes('session_token')) return undefined;
  return carriesHandshake(request) || mayBeRefreshed(request, cookieSuffix) ? 'exchange' : undefined;
}

/** Whether the session of a browser has expired, and there is what it can be refreshed with. */
function mayBeRefreshed(request: ClerkRequest, cookieSuffix: string): boolean {
  if (request.method !== 'GET' || ![...request.cookies.keys()].some((name) => name.startsWith('__refresh'))) {
    return false;
  }
  return sessionTokens(request, cookieSuffix).some((token) => (expiryOf(token) ?? NaN) <= Date.now());
}
