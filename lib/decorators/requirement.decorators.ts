import type { AuthObject } from '@clerk/backend';
import type { ExecutionContext } from '@nestjs/common';

import { TOKEN_TYPES, type TokenType } from '../authentication/identity/token-types.js';
import { policyDecorator, PolicyMetadata } from '../policy/metadata.js';
import {
  conditionOf,
  type AllOf,
  type AnyOf,
  type Condition,
  type FeatureKey,
  type HasParams,
  type PermissionKey,
  type PlanKey,
  type PredicateRef,
  type Requirement,
  type RequireParams,
  type ReverificationConfig,
  type RoleKey,
} from '../policy/requirement.js';

const SESSIONS: readonly TokenType[] = ['session_token'];
const MACHINES: readonly TokenType[] = TOKEN_TYPES.filter((type) => type !== 'session_token');

/**
 * Requires that Clerk's `has()` returns true for the caller. Like every requirement it implies `@RequireAuth()`, and it
 * combines with the other requirements of class and handler.
 *
 * @param params What `has()` takes: `role`, `permission`, `feature`, `plan`, `reverification`; or `anyOf(…)` and
 * `allOf(…)` of these, nested to any depth.
 * @example
 * ```ts
 * @Require({ permission: 'org:invoices:create' })
 * @Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:invoices:create' }, { plan: 'org:pro' })))
 * ```
 * @see https://clerk.com/docs/guides/secure/authorization-checks
 */
export const Require = (params: RequireParams) =>
  requirement(
    'Require',
    SESSIONS,
    conditionOf<HasParams>([params as HasParams], (has) => ({ has })),
  );

/**
 * Requires that the caller has all of these custom permissions in the active organization.
 *
 * @param permissions Names such as `org:invoices:read`. With `anyOf(…)`, one of them is enough.
 * @example
 * ```ts
 * @RequirePermission('org:invoices:create')
 * @RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))
 * ```
 * @see https://clerk.com/docs/guides/organizations/control-access/roles-and-permissions
 */
export const RequirePermission = (...permissions: OneOrMore<PermissionKey>) =>
  requirement('RequirePermission', SESSIONS, conditionOf<PermissionKey>(permissions, hasOf('permission')));

/**
 * Requires that the caller has this role in the active organization. A member has one role, so use `anyOf(…)` for
 * several.
 *
 * @param role A name such as `org:admin`, or `anyOf(…)` of several.
 * @example
 * ```ts
 * @RequireRole('org:admin')
 * @RequireRole(anyOf('org:admin', 'org:billing_manager'))
 * ```
 * @see https://clerk.com/docs/guides/organizations/control-access/roles-and-permissions
 */
export const RequireRole = (...role: [RoleKey | AnyOf<RoleKey>]) =>
  requirement('RequireRole', SESSIONS, conditionOf<RoleKey>(role, hasOf('role')));

/**
 * Requires that the plan of the active organization (`org:name`) or the user (`user:name`) includes all of these
 * features.
 *
 * @param features Names such as `org:reports`. With `anyOf(…)`, one of them is enough.
 * @example
 * ```ts
 * @RequireFeature('org:reports')
 * ```
 * @see https://clerk.com/docs/guides/billing/overview
 */
export const RequireFeature = (...features: OneOrMore<FeatureKey>) =>
  requirement('RequireFeature', SESSIONS, conditionOf<FeatureKey>(features, hasOf('feature')));

/**
 * Requires that the active organization (`org:name`) or the user (`user:name`) has this plan. Use `anyOf(…)` for
 * several.
 *
 * @param plan A name such as `org:pro`, or `anyOf(…)` of several.
 * @example
 * ```ts
 * @RequirePlan('org:pro')
 * ```
 * @see https://clerk.com/docs/guides/billing/overview
 */
export const RequirePlan = (...plan: [PlanKey | AnyOf<PlanKey>]) =>
  requirement('RequirePlan', SESSIONS, conditionOf<PlanKey>(plan, hasOf('plan')));

/**
 * Requires that the caller has recently verified a factor. The 403 has Clerk's own body, so `useReverification()` in
 * the frontend asks for the factor and retries.
 *
 * @param config `'strict'`, `'moderate'`, `'lax'`, `'strict_mfa'`, or a level and an age in minutes.
 * @example
 * ```ts
 * @RequireReverification('strict')
 * @RequireReverification({ level: 'first_factor', afterMinutes: 5 })
 * ```
 * @see https://clerk.com/docs/guides/secure/reverification
 */
export const RequireReverification = (config: ReverificationConfig) =>
  requirement('RequireReverification', SESSIONS, conditionOf([config], hasOf('reverification')));

/**
 * Requires that the caller's machine or OAuth token has all of these scopes.
 *
 * It does not apply to sessions, which have no scopes: if the handler accepts them too, they need a requirement of
 * their own. The scopes of an M2M token are the machines that it may call.
 *
 * @param scopes Names such as `invoices:write`. With `anyOf(…)`, one of them is enough.
 * @example
 * ```ts
 * @AcceptsToken('api_key', 'oauth_token')
 * @RequireScope('invoices:write')
 * ```
 * @see RFC 6750, section 3.1, for the error `insufficient_scope`
 */
export const RequireScope = (...scopes: OneOrMore<string>) =>
  requirement(
    'RequireScope',
    MACHINES,
    conditionOf<string>(scopes, (scope) => ({ scope })),
  );

/** A custom check. The call is denied if it throws or returns anything but `true`. */
export type AuthPredicate = (auth: AuthObject, context: ExecutionContext) => boolean | Promise<boolean>;

/** A custom check as a class, with dependency injection. */
export interface AuthPredicateClass {
  check: AuthPredicate;
}

/**
 * Requires that a custom check passes: a function, or a class with a `check` method. The class is a provider of the
 * application; otherwise Nest injects its dependencies from the controller's module.
 *
 * The check applies to every accepted token type unless `appliesTo` names some, and only runs for callers who meet all
 * other requirements.
 *
 * If the handler also has a requirement for some token types (a permission, a scope), the check only counts as the
 * requirement of another type if `appliesTo` names that type. A predicate that narrows what sessions may do does not
 * admit API keys.
 *
 * @param predicate Returns `true` to allow the call.
 * @param options `appliesTo`: the token types that the check applies to.
 * @example
 * ```ts
 * @RequireThat((auth) => auth.tokenType === 'session_token' && auth.orgSlug === 'acme')
 * @RequireThat(OwnsInvoice)
 * @RequirePermission('org:invoices:create') @RequireThat(isKnownKey, { appliesTo: ['api_key'] })
 * ```
 */
export const RequireThat = (
  predicate: AuthPredicate | (new (...args: never[]) => AuthPredicateClass),
  options?: RequireThatOptions,
) =>
  policyDecorator(PolicyMetadata.Requirements, {
    decorator: 'RequireThat',
    // Options without types are a mistake, which the boot reports.
    appliesTo: options === undefined ? 'any' : [options?.appliesTo].flat(),
    predicate: predicate as PredicateRef,
  } satisfies Requirement);

/** The options of `@RequireThat()`. */
export interface RequireThatOptions {
  /** The token types that the check applies to. */
  readonly appliesTo: readonly [TokenType, ...TokenType[]];
}

type OneOrMore<T> = [Item<T>, ...Item<T>[]];
type Item<T> = T | AnyOf<T> | AllOf<T>;

const requirement = (decorator: string, appliesTo: readonly TokenType[], condition: Condition) =>
  policyDecorator(PolicyMetadata.Requirements, { decorator, appliesTo, condition } satisfies Requirement);

const hasOf =
  (name: keyof HasParams) =>
  (value: unknown): Condition => ({ has: { [name]: value } as HasParams });
