import type { AuthObject, InvalidTokenAuthObject, MachineAuthObject, SessionAuthObject } from '@clerk/backend';
import type {
  AuthenticatedMachineObject,
  AuthOptions,
  InferAuthObjectFromToken,
  InferAuthObjectFromTokenArray,
  SignedInAuthObject,
  TokenType,
} from '@clerk/backend/internal';

/**
 * The type of `@Auth()` on a strict handler that accepts these token types, given as one type, a union or a list.
 * Discriminated by `tokenType`.
 *
 * @example
 * ```ts
 * @AcceptsToken('session_token', 'api_key')
 * @Get()
 * list(@Auth() auth: AuthObjectFor<['session_token', 'api_key']>) {}
 * ```
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

type MachineObjectOf<T extends TokenType> = MachineAuthObject<Exclude<T, 'session_token'>>;

/** Clerk's `GetAuthFn`, except that every overload also accepts a missing source and may return `undefined`. */
export interface TryGetAuthFn<Source extends object> {
  <T extends TokenType[]>(
    source: Source | null | undefined,
    options: AuthOptions & { acceptsToken: T },
  ):
    | InferAuthObjectFromTokenArray<T, SessionAuthObject, MachineObjectOf<T[number]>>
    | InvalidTokenAuthObject
    | undefined;
  <T extends TokenType>(
    source: Source | null | undefined,
    options: AuthOptions & { acceptsToken: T },
  ): InferAuthObjectFromToken<T, SessionAuthObject, MachineObjectOf<T>> | undefined;
  (source: Source | null | undefined, options: AuthOptions & { acceptsToken: 'any' }): AuthObject | undefined;
  (source: Source | null | undefined, options?: Omit<AuthOptions, 'acceptsToken'>): SessionAuthObject | undefined;
}
