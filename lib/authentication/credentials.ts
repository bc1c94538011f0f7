import { decodeProtectedHeader } from 'jose';

import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/** What a caller presents, as the fetch `Request` that Clerk reads. */
export interface Credentials {
  readonly request: Request;
}

/**
 * The token of an Authorization header, read as Clerk reads it: after `Bearer `, or the whole value where there is no
 * scheme. Any other scheme (lower-case `bearer` too) is no credential to Clerk.
 */
export function tokenInHeader(authorization: string | null): string | undefined {
  if (!authorization) return undefined;
  const [scheme, token] = authorization.split(' ', 2);
  if (!token) return scheme;
  return scheme === 'Bearer' ? token : undefined;
}

/** Values of the cookies that hold session or handshake tokens; also with the suffix of a publishable key. */
export function tokensInCookies(cookie: string | null): string[] {
  if (!cookie) return [];
  return cookie
    .split(';')
    .map((pair) => /^\s*(?:__session(?:_[^=]*)?|__clerk_handshake)=(.+)$/.exec(pair)?.[1]?.trim())
    .filter((token) => token !== undefined);
}

/** Whether Clerk is about to resolve a handshake for this request. */
export function carriesHandshake(request: Request): boolean {
  return (
    /[?&]__clerk_handshake/.test(request.url) || /(?:^|;\s*)__clerk_handshake/.test(request.headers.get('cookie') ?? '')
  );
}

/** Whether the request carries a credential that Clerk would look at for these token types. @see RFC 6750, section 3.1 */
export function carriesCredential(request: Request, acceptsToken: AcceptsToken): boolean {
  if (tokenInHeader(request.headers.get('authorization')) !== undefined) return true;
  return (
    tokenTypesOf(acceptsToken).includes('session_token') && tokensInCookies(request.headers.get('cookie')).length > 0
  );
}

/** The `kid` a JWT names; `undefined` where it is no readable JWT, `null` where it is one that names none. */
export function keyIdOf(token: string): string | null | undefined {
  if (token.split('.').length !== 3) return undefined;
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' ? kid : null;
  } catch {
    return undefined;
  }
}
