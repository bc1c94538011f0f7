/**
 * Compiled, never run: requirements of an application that names its permissions and roles, as Clerk's documents have it.
 * A program of its own, since what is declared here holds for every file beside it.
 * @see https://clerk.com/docs/guides/development/override-clerk-types-interfaces
 */
import { expectTypeOf } from 'expect-type';

import {
  allOf,
  anyOf,
  Require,
  RequirePermission,
  RequireRole,
  type PermissionKey,
  type RoleKey,
} from '../../../lib/index.js';

declare global {
  interface ClerkAuthorization {
    permission: 'org:invoices:read' | 'org:invoices:create';
    role: 'org:admin' | 'org:member';
  }
}

expectTypeOf<PermissionKey>().toEqualTypeOf<'org:invoices:read' | 'org:invoices:create'>();
expectTypeOf<RoleKey>().toEqualTypeOf<'org:admin' | 'org:member'>();

RequirePermission('org:invoices:read', 'org:invoices:create');
RequirePermission(anyOf('org:invoices:read', 'org:invoices:create'));
RequireRole('org:admin');
RequireRole(anyOf('org:admin', 'org:member'));
Require({ permission: 'org:invoices:read' });
Require({ role: 'org:admin' });
Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:invoices:read' }, { plan: 'org:pro' })));

// @ts-expect-error misspelt
RequirePermission('org:invoices:reed');
// @ts-expect-error the second misspelt
RequirePermission('org:invoices:read', 'org:invoice:create');
// @ts-expect-error without its prefix
RequirePermission('invoices:read');
// @ts-expect-error a role
RequirePermission('org:admin');
// @ts-expect-error misspelt, within a combination
RequirePermission(anyOf('org:invoices:read', 'org:invoices:reed'));
// @ts-expect-error a system permission, which is never in a session token
RequirePermission('org:sys_memberships:read');

// @ts-expect-error misspelt
RequireRole('org:admn');
// @ts-expect-error misspelt, within a combination
RequireRole(anyOf('org:admin', 'org:admn'));
// @ts-expect-error a permission
RequireRole('org:invoices:read');
// @ts-expect-error a list, of good names
RequireRole(['org:admin', 'org:member']);

// @ts-expect-error misspelt
Require({ permission: 'org:invoices:reed' });
// @ts-expect-error misspelt
Require({ role: 'org:admn' });
// @ts-expect-error misspelt, within a combination
Require(anyOf({ role: 'org:admn' }));
// @ts-expect-error misspelt, deep within
Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:invoices:reed' })));
