import type { ClerkRequest } from '@clerk/backend/internal';
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { SESSION_CATEGORIES } from '../identity/session-token.js';

/** The cookie and query parameter that hold a handshake's nonce. */
export const HANDSHAKE_NONCE = '__clerk_handshake_nonce';
const HANDSHAKE_TOKEN = '__clerk_handshake';

/** The nonce that stands for a handshake which Clerk still has to hand out; it counts before a token. */
export function handshakeNonce(request: ClerkRequest): string | undefined {
  return parameterOrCookie(request, HANDSHAKE_NONCE);
}

/** The token that a handshake is. */
export function handshakeToken(request: ClerkRequest): string | undefined {
  return parameterOrCookie(request, HANDSHAKE_TOKEN);
}

function parameterOrCookie({ clerkUrl, cookies }: ClerkRequest, name: string): string | undefined {
  return clerkUrl.searchParams.get(name) || cookies.get(name) || undefined;
}

/**
 * The `Set-Cookie` lines in a handshake token whose signature was verified, by Clerk's rules for such tokens; `undefined`
 * where it is none.
 */
export function directivesOf(token: string): string[] | undefined {
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

/** The session token that `Set-Cookie` lines bring, found as Clerk finds it. */
export function sessionTokenOf(directives: unknown): string | undefined {
  if (!Array.isArray(directives)) return undefined;
  const pairs = directives.map((line) => String(line).split(';', 1).join().split('='));
  return pairs.findLast(([name]) => name?.startsWith('__session'))?.[1] || undefined;
}
