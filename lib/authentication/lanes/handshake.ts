import type { ClerkRequest } from '@clerk/backend/internal';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';

import { SESSION_CATEGORIES } from '../identity/session-token.js';

/** The name of the cookie and of the query parameter with the nonce of a handshake. */
export const HANDSHAKE_NONCE = '__clerk_handshake_nonce';
const HANDSHAKE_TOKEN = '__clerk_handshake';

/**
 * Returns the nonce of a handshake whose content must still be fetched from Clerk. It takes precedence over a handshake
 * token.
 */
export function handshakeNonce(request: ClerkRequest): string | undefined {
  return parameterOrCookie(request, HANDSHAKE_NONCE);
}

/** Returns the handshake token, if there is one. */
export function handshakeToken(request: ClerkRequest): string | undefined {
  return parameterOrCookie(request, HANDSHAKE_TOKEN);
}

function parameterOrCookie({ clerkUrl, cookies }: ClerkRequest, name: string): string | undefined {
  return clerkUrl.searchParams.get(name) || cookies.get(name) || undefined;
}

/**
 * Reads the `Set-Cookie` lines in a handshake token with a verified signature; `undefined` if it is not a handshake token by
 * Clerk's rules.
 */
export function readDirectives(token: string): string[] | undefined {
  try {
    const { alg, typ = 'JWT', cat } = decodeProtectedHeader(token);
    const { handshake } = decodeJwt(token);
    if (alg !== 'RS256' || typ !== 'JWT' || !SESSION_CATEGORIES.includes(cat) || !Array.isArray(handshake)) {
      return undefined;
    }
    return handshake.every((line) => typeof line === 'string') ? handshake : undefined;
  } catch {
    return undefined;
  }
}

/** Finds the session token in `Set-Cookie` lines, by Clerk's rules. */
export function findSessionToken(directives: unknown): string | undefined {
  if (!Array.isArray(directives)) return undefined;
  const pairs = directives.map((line) => (String(line).split(';', 1)[0] ?? '').split('='));
  return pairs.findLast(([name]) => name?.startsWith('__session'))?.[1] || undefined;
}
