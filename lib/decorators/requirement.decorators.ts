import { policyDecorator, PolicyMetadata } from '../policy/metadata.js';
import {
  isAnyOf,
  type AnyOf,
  type HasParams,
  type PermissionKey,
  type Requirement,
  type SessionCheck,
} from '../policy/requirement.js';

/**
 * The caller's active organization must grant all of these custom permissions. Several decorators add up, on class
 * and handler. Implies `@RequireAuth()`.
 *
 * @param permissions Names such as `org:invoices:read`; inside `anyOf(…)` one of them is enough.
 * @example
 * `@RequirePermission('org:invoices:create')`
 * `@RequirePermission(anyOf('org:invoices:read', 'org:invoices:manage'))`
 * @see https://clerk.com/docs/guides/organizations/control-access/roles-and-permissions
 */
export const RequirePermission = (
  ...permissions: [PermissionKey | AnyOf<PermissionKey>, ...(PermissionKey | AnyOf<PermissionKey>)[]]
) =>
  policyDecorator(PolicyMetadata.Requirements, {
    decorator: 'RequirePermission',
    speaksTo: ['session_token'],
    check: { allOf: permissions.map(permissionCheck) },
  } satisfies Requirement);

function permissionCheck(permission: PermissionKey | AnyOf<PermissionKey>): SessionCheck {
  if (isAnyOf(permission)) return { anyOf: (permission.anyOf as readonly PermissionKey[]).map(permissionCheck) };
  return { has: { permission } as HasParams };
}
