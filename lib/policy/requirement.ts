import type { SignedInAuthObject, TokenType } from '@clerk/backend/internal';

/** What Clerk's `has()` takes. */
export type HasParams = Parameters<SignedInAuthObject['has']>[0];

/** A permission name; narrowed to the application's own where it augments `ClerkAuthorization`. */
export type PermissionKey = Extract<HasParams, { permission: unknown }>['permission'];

/** A role name; narrowed to the application's own where it augments `ClerkAuthorization`. */
export type RoleKey = Extract<HasParams, { role: unknown }>['role'];

/** A feature, `user:name` or `org:name`. */
export type FeatureKey = Extract<HasParams, { feature: unknown }>['feature'];

/** A billing plan, `user:name` or `org:name`. */
export type PlanKey = Extract<HasParams, { plan: unknown }>['plan'];

/** How recently which factors must have been verified. @see https://clerk.com/docs/guides/secure/reverification */
export type ReverificationConfig = NonNullable<HasParams['reverification']>;

/** At least one of the items must hold. Made with {@link anyOf}. */
export interface AnyOf<T> {
  readonly anyOf: readonly T[];
}

/** All of the items must hold. Made with {@link allOf}. */
export interface AllOf<T> {
  readonly allOf: readonly T[];
}

/** Questions to Clerk's `has()`, combined in any depth. */
export type RequireParams = HasParams | AnyOf<RequireParams> | AllOf<RequireParams>;

/** What a caller must fulfil: a question to Clerk's `has()`, a scope of its token, or several of them combined. */
export type Condition = { readonly has: HasParams } | { readonly scope: string } | AnyOf<Condition> | AllOf<Condition>;

/** A function or class of the application that `@RequireThat()` was given. Here it is a name; the guard asks it. */
export type PredicateRef = (abstract new (...args: never[]) => object) | ((...args: never[]) => unknown);

/** One requirement decorator, as data. */
export type Requirement = {
  /** The decorator, for messages. */
  readonly decorator: string;
  /**
   * The token types it applies to; callers with another type are not held to it. `any` is said by a predicate that names
   * no types.
   */
  readonly appliesTo: readonly TokenType[] | 'any';
} & ({ readonly condition: Condition } | { readonly predicate: PredicateRef });

/** A requirement that Clerk's auth object answers. */
export type ConditionRequirement = Extract<Requirement, { condition: unknown }>;

/** A requirement that the application decides by itself. */
export type PredicateRequirement = Extract<Requirement, { predicate: unknown }>;

/**
 * At least one of these must hold.
 * @example `@RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))`
 */
export function anyOf<T>(...items: readonly T[]): AnyOf<T>;
// Of several kinds, such as a role and an allOf(…), of which TypeScript infers no T by itself.
export function anyOf<const T extends readonly unknown[]>(...items: T): AnyOf<T[number]>;
export function anyOf<T>(...items: readonly T[]): AnyOf<T> {
  return { anyOf: items };
}

/**
 * All of these must hold; for use inside {@link anyOf}, since decorators and their arguments add up anyway.
 * @example `@Require(anyOf({ role: 'org:admin' }, allOf({ role: 'org:member' }, { plan: 'org:pro' })))`
 */
export function allOf<T>(...items: readonly T[]): AllOf<T>;
export function allOf<const T extends readonly unknown[]>(...items: T): AllOf<T[number]>;
export function allOf<T>(...items: readonly T[]): AllOf<T> {
  return { allOf: items };
}

/**
 * The items of a combination, and which one it is; `undefined` for anything else. That includes an object that asks for
 * something beside it, which would be forgotten; as a question to `has()` it is reported.
 */
export function combinationOf(
  value: unknown,
): { readonly kind: 'anyOf' | 'allOf'; readonly items: readonly unknown[] } | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const { anyOf: any, allOf: all } = value as Partial<AnyOf<unknown> & AllOf<unknown>>;
  if (Array.isArray(any)) return { kind: 'anyOf', items: any };
  return Array.isArray(all) ? { kind: 'allOf', items: all } : undefined;
}

/** The items of a decorator as one condition: all of them, with combinations of the same kept as they are. */
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
