import type { AuthenticatedMachineObject, SignedInAuthObject, TokenType } from '@clerk/backend/internal';

/**
 * What `@Auth()` gives on a strict handler, for a list or a union of accepted token types. Discriminated by
 * `tokenType`.
 *
 * @example
 * `@AcceptsToken('session_token', 'api_key')`
 * `list(@Auth() auth: AuthObjectFor<['session_token', 'api_key']>) {}`
 */
export type AuthObjectFor<T extends TokenType | 'any' | readonly TokenType[]> = T extends readonly (infer Each)[]
  ? AuthObjectOf<Each>
  : AuthObjectOf<T>;

type AuthObjectOf<T> = T extends 'any'
  ? AuthObjectOf<TokenType>
  : T extends 'session_token'
    ? SignedInAuthObject
    : T extends Exclude<TokenType, 'session_token'>
      ? AuthenticatedMachineObject<T>
      : never;
