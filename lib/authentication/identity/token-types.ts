import type { TokenType } from '@clerk/backend/internal';

export type { TokenType };

/** Every token type Clerk knows, in the order in which lists of them are written. */
export const TOKEN_TYPES = [
  'session_token',
  'api_key',
  'm2m_token',
  'oauth_token',
] as const satisfies readonly TokenType[];

/** What `@AcceptsToken()` takes. */
export type AcceptedToken = TokenType | 'any';

/** Accepted types as Clerk's `authenticateRequest` takes them: one alone as a string, all of them as `any`. */
export type AcceptsToken = TokenType | TokenType[] | 'any';

export function isTokenType(value: unknown): value is TokenType {
  return (TOKEN_TYPES as readonly unknown[]).includes(value);
}

/**
 * Clerk's spelling of a set of types. One alone must be a plain string: only the literal `'m2m_token'`, not
 * `['m2m_token']`, lets Clerk verify with a machine secret.
 */
export function toAcceptsToken(types: readonly TokenType[]): AcceptsToken {
  const distinct = TOKEN_TYPES.filter((type) => types.includes(type));
  const [only] = distinct;
  if (distinct.length === 1 && only) return only;
  return distinct.length === TOKEN_TYPES.length ? 'any' : distinct;
}

/** The types behind Clerk's spelling. */
export function tokenTypesOf(acceptsToken: AcceptsToken): readonly TokenType[] {
  if (acceptsToken === 'any') return TOKEN_TYPES;
  return typeof acceptsToken === 'string' ? [acceptsToken] : acceptsToken;
}
