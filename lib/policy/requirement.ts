import type { SignedInAuthObject, TokenType } from '@clerk/backend/internal';

/** What Clerk's `has()` takes. */
export type HasParams = Parameters<SignedInAuthObject['has']>[0];

/** A permission name; narrowed to your own permissions if you augment `ClerkAuthorization`. */
export type PermissionKey = Extract<HasParams, { permission: unknown }>['permission'];

/** A role name; narrowed to your own roles if you augment `ClerkAuthorization`. */
export type RoleKey = Extract<HasParams, { role: unknown }>['role'];

/** A feature, `user:name` or `org:name`. */
export type FeatureKey = Extract<HasParams, { feature: unknown }>['feature'];

/** A billing plan, `user:name` or `org:name`. */
export type PlanKey = Extract<HasParams, { plan: unknown }>['plan'];

/** How recently which factors must have been verified. @see https://clerk.com/docs/guides/secure/reverification */
export type ReverificationConfig = NonNullable<HasParams['reverification']>;

/** At least one of the items must be fulfilled. Created with {@link anyOf}. */
export interface AnyOf<T> {
  readonly anyOf: readonly T[];
}

/** All of the items must be fulfilled. Created with {@link allOf}. */
export interface AllOf<T> {
  readonly allOf: readonly T[];
}

/** Parameters of Clerk's `has()`, combined in any depth. */
export type RequireParams = HasParams | AnyOf<RequireParams> | AllOf<RequireParams>;

/** What a caller must fulfil: parameters of Clerk's `has()`, a scope of the token, or a combination of them. */
export type Condition = { readonly has: HasParams } | { readonly scope: string } | AnyOf<Condition> | AllOf<Condition>;

/** A function or class passed to `@RequireThat()`. The policy only identifies it; the guard calls it. */
export type PredicateRef = (abstract new (...args: never[]) => object) | ((...args: never[]) => unknown);

/** One requirement decorator, as data. */
export type Requirement = {
  /** The decorator, for messages. */
  readonly decorator: string;
  /**
   * The token types it applies to; other callers need not fulfil it. `any` for a predicate that names no types.
   */
  readonly appliesTo: readonly TokenType[] | 'any';
} & ({ readonly condition: Condition } | { readonly predicate: PredicateRef });

/** A requirement that the application checks itself. */
export type PredicateRequirement = Extract<Requirement, { predicate: unknown }>;

/**
 * At least one of these must be fulfilled.
 *
 * @example
 * ```ts
 * @RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))
 * ```
 */
export function anyOf<T>(...items: readonly T[]): AnyOf<T>;
// For items of several types, such as a role and an allOf(…): TypeScript infers no common T.
export function anyOf<const T extends readonly unknown[]>(...items: T): AnyOf<T[number]>;
export function anyOf<T>(...items: readonly T[]): AnyOf<T> {
  return { anyOf: items };
}

/**
 * All of these must be fulfilled. For use inside {@link anyOf}, since decorators and their arguments add up anyway.
 *
 * @example
 * ```ts
 * @Require(anyOf({ role: 'org:admin' }, allOf({ role: 'org:member' }, { plan: 'org:pro' })))
 * ```
 */
export function allOf<T>(...items: readonly T[]): AllOf<T>;
export function allOf<const T extends readonly unknown[]>(...items: T): AllOf<T[number]>;
export function allOf<T>(...items: readonly T[]): AllOf<T> {
  return { allOf: items };
}

/**
 * The kind and items of a combination; `undefined` for anything else. That includes a combination with other properties,
 * which would be ignored: it is treated as parameters of `has()` and reported.
 */
export function combinationOf(
  value: unknown,
): { readonly kind: 'anyOf' | 'allOf'; readonly items: readonly unknown[] } | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const { anyOf: any, allOf: all } = value as Partial<AnyOf<unknown> & AllOf<unknown>>;
  if (Array.isArray(any)) return { kind: 'anyOf', items: any };
  return Array.isArray(all) ? { kind: 'allOf', items: all } : undefined;
}

/** The arguments of a decorator as one condition: all of them must be fulfilled; combinations are kept. */
export function conditionOf<T>(items: readonly (T | AnyOf<T> | AllOf<T>)[], of: (item: T) => Condition): Condition {
  const one = (item: unknown): Condition => {
    const combination = combinationOf(item);
    if (!combination) return of(item as T);
    const conditions = combination.items.map(one);
    return combination.kind === 'anyOf' ? { anyOf: conditions } : { allOf: conditions };
  };
  const [first, ...others] = items;
  return first !== undefined && others.length === 0 ? one(first) : { allOf: items.map(one) };
}
