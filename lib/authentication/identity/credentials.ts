import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { createClerkRequest, type ClerkRequest } from '@clerk/backend/internal';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';

import { tokenTypesOf, type AcceptsToken } from './token-types.js';

/** The parts of an HTTP request that are read before Clerk is called. */
export interface HttpInputs {
  readonly method: string;
  /** Path and query, exactly as the client sent them. */
  readonly target: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly isEncrypted: boolean;
}

/** The credentials that a caller presents, with the request that carries them. */
export interface Credentials extends HttpInputs {
  /** The fetch `Request` that Clerk reads; created lazily. */
  readonly request: Request;
  /** The platform's request object. */
  readonly source: object;
  /** The object that identifies the request in every later step. */
  readonly carrier: object;
}

/**
 * Returns the token of an Authorization header, by Clerk's rules: the part after `Bearer `, or the whole value if there
 * is no scheme. Clerk ignores every other scheme, including lower-case `bearer`.
 */
export function tokenInHeader(authorization: string | null): string | undefined {
  if (!authorization) return undefined;
  const [scheme, token] = authorization.split(' ', 2);
  if (!token) return scheme;
  return scheme === 'Bearer' ? token : undefined;
}

/** Computes the suffix that Clerk appends to its cookie names, so that several instances can share a domain. */
export function computeCookieSuffix(publishableKey: string): string {
  return createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
}

/** The session tokens in the cookies, under both names that Clerk uses for this instance. */
export function sessionTokens({ cookies }: ClerkRequest, cookieSuffix: string): string[] {
  return ['__session', `__session_${cookieSuffix}`].flatMap((name) => cookies.get(name) || []);
}

/** Whether Clerk would resolve a handshake for this request. */
export function carriesHandshake({ cookies, clerkUrl }: ClerkRequest): boolean {
  return [...cookies.keys(), ...clerkUrl.searchParams.keys()].some(isHandshakeName);
}

/** Whether a cookie or query parameter of this name belongs to a handshake. */
export function isHandshakeName(name: string): boolean {
  return name.startsWith('__clerk_handshake');
}

/** Whether the request carries a refresh token for an expired session. */
export function carriesRefreshToken({ cookies }: ClerkRequest): boolean {
  return [...cookies.keys()].some(isRefreshName);
}

/** Returns the request without its refresh tokens. */
export function withoutRefreshTokens(request: ClerkRequest): ClerkRequest {
  if (!carriesRefreshToken(request)) return request;
  const headers = new Headers(request.headers);
  const cookies = headers.get('cookie')?.split(';') ?? [];
  headers.set('cookie', cookies.filter((pair) => !isRefreshName(cookieName(pair))).join(';'));
  const stripped = createClerkRequest(new Request(request.url, { method: request.method, headers }));
  // Parse the result again: it is valid only if Clerk itself finds no refresh token in it.
  // Stryker disable next-line all: no known request gets here; the check guards against bypasses.
  if (carriesRefreshToken(stripped)) throw new TypeError('The refresh tokens could not be removed from the request');
  return stripped;
}

/** The name in a `name=value` pair of a `Cookie` header. */
export function cookieName(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  return name.trim();
}

function isRefreshName(name: string): boolean {
  return name.startsWith('__refresh');
}

/**
 * Whether the request carries a credential that Clerk reads for these token types.
 * @see RFC 6750, section 3.1
 */
export function carriesCredentials(request: ClerkRequest, acceptsToken: AcceptsToken, cookieSuffix: string): boolean {
  if (tokenInHeader(request.headers.get('authorization')) !== undefined) return true;
  return tokenTypesOf(acceptsToken).includes('session_token') && sessionTokens(request, cookieSuffix).length > 0;
}

/** Reads the `kid` of a JWT: `undefined` if the token cannot be parsed as a JWT, `null` if the JWT has no `kid`. */
export function readKeyId(token: string): string | null | undefined {
  if (token.split('.').length !== 3) return undefined;
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === 'string' ? kid : null;
  } catch {
    return undefined;
  }
}

/**
 * Reads the expiry of a JWT, in milliseconds since 1970: `undefined` if the token cannot be parsed, `NaN` if the JWT has
 * no `exp`.
 */
export function readExpiry(token: string): number | undefined {
  try {
    return (decodeJwt(token).exp ?? NaN) * 1000;
  } catch {
    return undefined;
  }
}
