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
 * The caller must fulfil this, by Clerk's own `has()`. Like every requirement it implies `@RequireAuth()`, and adds up
 * with the others of class and handler.
 *
 * @param params What `has()` takes: `role`, `permission`, `feature`, `plan`, `reverification`; or `anyOf(…)` and
 * `allOf(…)` of such, nested at will.
 * @example
 * `@Require({ permission: 'org:invoices:create' })`
 * `@Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:invoices:create' }, { plan: 'org:pro' })))`
 * @see https://clerk.com/docs/guides/secure/authorization-checks
 */
export const Require = (params: RequireParams) =>
  requirement(
    'Require',
    SESSIONS,
    conditionOf<HasParams>([params as HasParams], (has) => ({ has })),
  );

/**
 * The active organization must grant the caller all of these custom permissions.
 *
 * @param permissions Names such as `org:invoices:read`; inside `anyOf(…)` one of them is enough.
 * @example
 * `@RequirePermission('org:invoices:create')`
 * `@RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))`
 * @see https://clerk.com/docs/guides/organizations/control-access/roles-and-permissions
 */
export const RequirePermission = (...permissions: OneOrMore<PermissionKey>) =>
  requirement('RequirePermission', SESSIONS, conditionOf<PermissionKey>(permissions, hasOf('permission')));

/**
 * The caller must have this role in the active organization. A member has one role, so several stand in `anyOf(…)`.
 * @example
 * `@RequireRole('org:admin')`
 * `@RequireRole(anyOf('org:admin', 'org:billing_manager'))`
 */
export const RequireRole = (...role: [RoleKey | AnyOf<RoleKey>]) =>
  requirement('RequireRole', SESSIONS, conditionOf<RoleKey>(role, hasOf('role')));

/**
 * The active organization (`org:name`) or the user (`user:name`) must have all of these features by its plan.
 * @see https://clerk.com/docs/guides/billing/overview
 */
export const RequireFeature = (...features: OneOrMore<FeatureKey>) =>
  requirement('RequireFeature', SESSIONS, conditionOf<FeatureKey>(features, hasOf('feature')));

/**
 * The active organization (`org:name`) or the user (`user:name`) must have this plan. Several stand in `anyOf(…)`.
 * @see https://clerk.com/docs/guides/billing/overview
 */
export const RequirePlan = (...plan: [PlanKey | AnyOf<PlanKey>]) =>
  requirement('RequirePlan', SESSIONS, conditionOf<PlanKey>(plan, hasOf('plan')));

/**
 * The caller must have verified a factor recently. The 403 is Clerk's own, so that `useReverification()` in the frontend
 * asks for the factor and tries again.
 *
 * @param config `'strict'`, `'moderate'`, `'lax'`, `'strict_mfa'`, or a level and an age in minutes.
 * @example
 * `@RequireReverification('strict')`
 * `@RequireReverification({ level: 'first_factor', afterMinutes: 5 })`
 * @see https://clerk.com/docs/guides/secure/reverification
 */
export const RequireReverification = (config: ReverificationConfig) =>
  requirement('RequireReverification', SESSIONS, conditionOf([config], hasOf('reverification')));

/**
 * The caller's machine or OAuth token must have all of these scopes. Sessions have no scopes and are not held to it: where
 * they are accepted too, they need a requirement of their own. Of an M2M token the scopes are the machines it may call.
 *
 * @example
 * `@AcceptsToken('api_key', 'oauth_token') @RequireScope('invoices:write')`
 * @see RFC 6750, section 3.1, for the answer: `insufficient_scope`
 */
export const RequireScope = (...scopes: OneOrMore<string>) =>
  requirement(
    'RequireScope',
    MACHINES,
    conditionOf<string>(scopes, (scope) => ({ scope })),
  );

/** A check of the application's own. Returning anything but `true`, or throwing, denies. */
export type AuthPredicate = (auth: AuthObject, context: ExecutionContext) => boolean | Promise<boolean>;

/** The same as a class, into which Nest injects what it needs. */
export interface AuthPredicateClass {
  check: AuthPredicate;
}

/**
 * Anything else: a function, or a class with a `check` method that is a provider of the application, or has its
 * dependencies injected as if it were one of the controller's module. It applies to every accepted token type unless it
 * names some, and is only asked about callers who fulfil all other requirements.
 *
 * Beside a requirement for some token types (a permission, a scope), it counts as the requirement of another type only
 * where it names that type: a predicate that narrows what sessions may do is no reason to let API keys in.
 *
 * @param predicate Answers `true` for callers who may pass.
 * @param options `appliesTo`: the token types that it is meant for; callers with another type are not held to it.
 * @example
 * `@RequireThat((auth) => auth.tokenType === 'session_token' && auth.orgSlug === 'acme')`
 * `@RequireThat(OwnsInvoice)`
 * `@RequirePermission('org:invoices:create') @RequireThat(isKnownKey, { appliesTo: ['api_key'] })`
 */
export const RequireThat = (
  predicate: AuthPredicate | (new (...args: never[]) => AuthPredicateClass),
  options?: RequireThatOptions,
) =>
  policyDecorator(PolicyMetadata.Requirements, {
    decorator: 'RequireThat',
    // Options that name no types are a mistake, to be reported as one.
    appliesTo: options === undefined ? 'any' : [options?.appliesTo].flat(),
    predicate: predicate as PredicateRef,
  } satisfies Requirement);

/** What `@RequireThat()` takes beside the predicate. */
export interface RequireThatOptions {
  /** The token types that the predicate is meant for. */
  readonly appliesTo: readonly [TokenType, ...TokenType[]];
}

type OneOrMore<T> = [Item<T>, ...Item<T>[]];
type Item<T> = T | AnyOf<T> | AllOf<T>;

const requirement = (decorator: string, appliesTo: readonly TokenType[], condition: Condition) =>
  policyDecorator(PolicyMetadata.Requirements, { decorator, appliesTo, condition } satisfies Requirement);

const hasOf =
  (name: keyof HasParams) =>
  (value: unknown): Condition => ({ has: { [name]: value } as HasParams });
