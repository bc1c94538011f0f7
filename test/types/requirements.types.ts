/** Compiled, never run: what requirement decorators take. With an application's own names, see `augmented/`. */
import { expectTypeOf } from 'expect-type';
import type { ExecutionContext } from '@nestjs/common';

import {
  AcceptsToken,
  allOf,
  anyOf,
  Auth,
  CurrentUser,
  Require,
  RequireFeature,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  type AuthObject,
  type AuthPredicate,
  type AuthPredicateClass,
  type PermissionKey,
  type ReverificationConfig,
  type RoleKey,
  type User,
} from '../../lib/index.js';

// Where the application names no permissions and roles of its own, any text is one.
expectTypeOf<string>().toExtend<PermissionKey>();
expectTypeOf<string>().toExtend<RoleKey>();

// Every decorator stands on classes and on methods.
for (const decorate of [
  Require({ permission: 'org:a:read' }),
  RequirePermission('org:a:read'),
  RequireRole('org:admin'),
  RequireFeature('org:reports'),
  RequirePlan('user:pro'),
  RequireReverification('strict'),
  RequireScope('a:read'),
  RequireThat(() => true),
]) {
  expectTypeOf(decorate).toExtend<ClassDecorator & MethodDecorator>();
}

// What has() takes, alone and combined in any depth.
Require({ permission: 'org:a:read' });
Require({ role: 'org:admin', reverification: 'strict' });
Require({ feature: 'org:reports' });
Require({ plan: 'user:pro' });
Require({ reverification: { level: 'first_factor', afterMinutes: 5 } });
Require(anyOf({ role: 'org:admin' }, allOf({ permission: 'org:a:read' }, anyOf({ plan: 'org:pro' }))));
// @ts-expect-error misspelt
Require({ permision: 'org:a:read' });
// @ts-expect-error misspelt, within a combination
Require({ anyOf: [{ rol: 'org:admin' }] });
// @ts-expect-error misspelt, within a combination
Require(anyOf({ permision: 'org:a:read' }));
// @ts-expect-error misspelt, deep within
Require(anyOf({ role: 'org:admin' }, allOf({ permision: 'org:a:read' })));
// @ts-expect-error a role and a permission at once, which has() takes but Clerk's types do not
Require({ role: 'org:admin', permission: 'org:a:read' });
// @ts-expect-error nothing
Require();
// @ts-expect-error a name by itself
Require('org:admin');
// @ts-expect-error no text
Require({ permission: 5 });
// @ts-expect-error a list
Require({ role: ['org:admin', 'org:owner'] });
// @ts-expect-error a list
Require([{ role: 'org:admin' }]);
// @ts-expect-error a scope, which has() does not know
Require({ scope: 'a:read' });

// Permissions: one or more, and combinations.
RequirePermission('org:a:read', 'org:b:read');
RequirePermission(allOf('org:a:read', 'org:b:read'));
// @ts-expect-error none
RequirePermission();
// @ts-expect-error a list
RequirePermission(['org:a:read', 'org:b:read']);
// @ts-expect-error no text
RequirePermission(anyOf(5));
// @ts-expect-error what has() takes
RequirePermission({ permission: 'org:a:read' });

// Roles and plans: one, or any of several, since nobody has two.
RequireRole(anyOf('org:admin', 'org:owner'));
RequirePlan(anyOf('org:pro', 'org:max'));
// @ts-expect-error none
RequireRole();
// @ts-expect-error several
RequireRole('org:admin', 'org:owner');
// @ts-expect-error a list
RequireRole(['org:admin', 'org:owner']);
// @ts-expect-error all of several
RequireRole(allOf('org:admin', 'org:owner'));
// @ts-expect-error several
RequirePlan('org:pro', 'org:max');
// @ts-expect-error a list
RequirePlan(['org:pro']);
// @ts-expect-error a list
RequireFeature(['org:reports']);
// @ts-expect-error none
RequireFeature();

// Reverification.
RequireReverification('strict_mfa');
RequireReverification('moderate');
RequireReverification('lax');
RequireReverification({ level: 'multi_factor', afterMinutes: 1 });
expectTypeOf<Parameters<typeof RequireReverification>[0]>().toEqualTypeOf<ReverificationConfig>();
// @ts-expect-error misspelt
RequireReverification('strickt');
// @ts-expect-error no such level
RequireReverification({ level: 'third_factor', afterMinutes: 5 });
// @ts-expect-error no age
RequireReverification({ level: 'first_factor' });
// @ts-expect-error the age in text
RequireReverification({ level: 'first_factor', afterMinutes: '5' });
// @ts-expect-error unknown
RequireReverification({ level: 'first_factor', afterMinutes: 5, afterSeconds: 5 });
// @ts-expect-error nothing
RequireReverification();

// Scopes.
RequireScope('a:read', anyOf('b:read', 'c:read'));
// @ts-expect-error none
RequireScope();
// @ts-expect-error a list
RequireScope(['a:read']);

// Predicates: functions, and classes with check().
class OwnsInvoice implements AuthPredicateClass {
  constructor(readonly ledger: Map<string, string>) {}
  async check(auth: AuthObject, context: ExecutionContext) {
    return auth.isAuthenticated && context.getType() === 'http' && this.ledger.size > 0;
  }
}
class NoCheck {}
class WrongCheck {
  check() {
    return 'yes';
  }
}
RequireThat(OwnsInvoice);
RequireThat(async (auth) => auth.tokenType === 'session_token' && auth.orgSlug === 'acme');
RequireThat(OwnsInvoice, { appliesTo: ['session_token', 'api_key'] });
// @ts-expect-error a token type that there is not
RequireThat(OwnsInvoice, { appliesTo: ['apikey'] });
// @ts-expect-error names no type
RequireThat(OwnsInvoice, { appliesTo: [] });
// @ts-expect-error all types are named, or none
RequireThat(OwnsInvoice, { appliesTo: 'any' });
RequireThat((auth, context) => {
  expectTypeOf(auth).toEqualTypeOf<AuthObject>();
  expectTypeOf(context).toEqualTypeOf<ExecutionContext>();
  return true;
});
expectTypeOf<OwnsInvoice['check']>().toExtend<AuthPredicate>();
// @ts-expect-error no check()
RequireThat(NoCheck);
// @ts-expect-error answers text
RequireThat(WrongCheck);
// @ts-expect-error an instance
RequireThat(new OwnsInvoice(new Map()));
// @ts-expect-error answers text
RequireThat(() => 'yes');
// @ts-expect-error answers nothing
RequireThat(() => {});
// @ts-expect-error nothing
RequireThat();

// Token types.
AcceptsToken('session_token', 'api_key', 'm2m_token', 'oauth_token');
// @ts-expect-error a list
AcceptsToken(['session_token', 'api_key']);
// @ts-expect-error misspelt
AcceptsToken('session_token', 'm2m');
// @ts-expect-error by its old name
AcceptsToken('machine_token');
// @ts-expect-error no text
AcceptsToken(null);

// Parameters.
export class Handlers {
  me(@CurrentUser() user: User, @Auth('orgRole') role: string, @Auth('scopes') scopes: string[]) {
    return { user, role, scopes };
  }
}
// @ts-expect-error no property of any auth object
Auth('email');
// @ts-expect-error misspelt
Auth('orgID');
// @ts-expect-error several
Auth(['userId', 'orgId']);
// @ts-expect-error no property of the user, only pipes
CurrentUser('firstName');
