import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { createClerkRequest, type ClerkRequest } from '@clerk/backend/internal';
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/** What is read of a request before Clerk is asked. */
export interface HttpInputs {
  readonly method: string;
  /** Path and query, as the client wrote them. */
  readonly target: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly isEncrypted: boolean;
}

/** What a caller presents. */
export interface Credentials extends HttpInputs {
  /** The fetch `Request` that Clerk reads; made when it is first asked for. */
  readonly request: Request;
  /** The request as the platform gives it. */
  readonly source: object;
  /** What stands for the request wherever it is met again. */
  readonly carrier: object;
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

/** What Clerk adds to the names of its cookies, so that several instances can share a domain. */
export function cookieSuffixOf(publishableKey: string): string {
  return createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
}

/** The session tokens that the cookies hold, under both names that Clerk knows for this instance. */
export function sessionTokens({ cookies }: ClerkRequest, cookieSuffix: string): string[] {
  return ['__session', `__session_${cookieSuffix}`]
    .map((name) => cookies.get(name))
    .filter((token) => !!token) as string[];
}

/** Whether Clerk would resolve a handshake for this request. */
export function carriesHandshake({ cookies, clerkUrl }: ClerkRequest): boolean {
  return [...cookies.keys(), ...clerkUrl.searchParams.keys()].some(isHandshakeName);
}

/** The names of cookies and query parameters that belong to a handshake. */
export function isHandshakeName(name: string): boolean {
  return name.startsWith('__clerk_handshake');
}

/** Whether the request carries what an expired session can be refreshed with. */
export function carriesRefreshToken({ cookies }: ClerkRequest): boolean {
  return [...cookies.keys()].some(isRefreshName);
}

/** The same request without what an expired session can be refreshed with. */
export function withoutRefreshTokens(request: ClerkRequest): ClerkRequest {
  if (!carriesRefreshToken(request)) return request;
  const headers = new Headers(request.headers);
  const cookies = (headers.get('cookie') as string).split(';');
  headers.set('cookie', cookies.filter((pair) => !isRefreshName((pair.split('=', 1)[0] as string).trim())).join(';'));
  const stripped = createClerkRequest(new Request(request.url, { method: request.method, headers }));
  // Clerk's own reading of the result decides whether anything was left.
  // Stryker disable next-line all: nothing is known that is, but it would be a way around this.
  if (carriesRefreshToken(stripped)) throw new TypeError('a refresh token could not be taken from the request');
  return stripped;
}

function isRefreshName(name: string): boolean {
  return name.startsWith('__refresh');
}

/** Whether the request carries a credential that Clerk would look at for these token types. @see RFC 6750, section 3.1 */
export function carriesCredential(request: ClerkRequest, acceptsToken: AcceptsToken, cookieSuffix: string): boolean {
  if (tokenInHeader(request.headers.get('authorization')) !== undefined) return true;
  return tokenTypesOf(acceptsToken).includes('session_token') && sessionTokens(request, cookieSuffix).length > 0;
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

/** When a JWT says that it expires, in milliseconds since 1970; `undefined` where it is no readable JWT. */
export function expiryOf(token: string): number | undefined {
  try {
    return (decodeJwt(token).exp ?? NaN) * 1000;
  } catch {
    return undefined;
  }
}
