import type { TokenType } from '@clerk/backend/internal';

export type { TokenType };

/** Every token type of Clerk, in the order in which lists of them are written. */
export const TOKEN_TYPES = [
  'session_token',
  'api_key',
  'm2m_token',
  'oauth_token',
] as const satisfies readonly TokenType[];

/** A token type that `@AcceptsToken()` accepts; `any` stands for all of them. */
export type AcceptedToken = TokenType | 'any';

/**
 * Accepted types in the form that Clerk's `authenticateRequest` expects: a single type as a string, all types as `any`.
 */
export type AcceptsToken = TokenType | TokenType[] | 'any';

export function isTokenType(value: unknown): value is TokenType {
  return (TOKEN_TYPES as readonly unknown[]).includes(value);
}

/**
 * Converts token types to Clerk's form. A single type must be a plain string: Clerk verifies with a machine secret only
 * for the literal `'m2m_token'`, not for `['m2m_token']`.
 */
export function toAcceptsToken(types: readonly TokenType[]): AcceptsToken {
  const distinct = TOKEN_TYPES.filter((type) => types.includes(type));
  const [only] = distinct;
  if (distinct.length === 1 && only) return only;
  return distinct.length === TOKEN_TYPES.length ? 'any' : distinct;
}

/** Converts Clerk's form back to a list of token types. */
export function tokenTypesOf(acceptsToken: AcceptsToken): readonly TokenType[] {
  if (acceptsToken === 'any') return TOKEN_TYPES;
  return typeof acceptsToken === 'string' ? [acceptsToken] : acceptsToken;
}
