import type { SignedInAuthObject, TokenType } from '@clerk/backend/internal';

/** What Clerk's `has()` takes. */
export type HasParams = Parameters<SignedInAuthObject['has']>[0];

/** A permission name; narrowed to the application's own where it augments `ClerkAuthorization`. */
export type PermissionKey = Extract<HasParams, { permission: unknown }>['permission'];

/** At least one of the items must hold. Made with {@link anyOf}. */
export interface AnyOf<T> {
  readonly anyOf: readonly T[];
}

/** All of the items must hold. */
export interface AllOf<T> {
  readonly allOf: readonly T[];
}

/** What a session must fulfil: one question to Clerk's `has()`, or several of them combined. */
export type SessionCheck = { readonly has: HasParams } | AnyOf<SessionCheck> | AllOf<SessionCheck>;

/** One requirement decorator, as data. */
export interface Requirement {
  /** The decorator, for messages. */
  readonly decorator: string;
  /** The token types it speaks to; callers with another type are not held to it. */
  readonly speaksTo: readonly TokenType[];
  readonly check: SessionCheck;
}

/**
 * At least one of these must hold.
 * @example `@RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))`
 */
export function anyOf<T>(...items: readonly T[]): AnyOf<T> {
  return { anyOf: items };
}

/** Whether a value was made with {@link anyOf}. */
export function isAnyOf(value: unknown): value is AnyOf<unknown> {
  return typeof value === 'object' && value !== null && Array.isArray((value as AnyOf<unknown>).anyOf);
}
