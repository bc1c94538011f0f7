import 'reflect-metadata';

import { ParseIntPipe, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';

import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { Auth } from '../../../lib/decorators/auth.decorator.js';
import { CurrentUser } from '../../../lib/decorators/current-user.decorator.js';
import * as protection from '../../../lib/decorators/protection.decorators.js';
import * as requirement from '../../../lib/decorators/requirement.decorators.js';
import { GuardRequired } from '../../../lib/policy/guard-required.js';
import { allOf, anyOf } from '../../../lib/policy/requirement.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';

/** All metadata of a class or method. */
const metadataOf = (target: object) =>
  Object.fromEntries(Reflect.getMetadataKeys(target).map((key) => [key, Reflect.getMetadata(key, target) as unknown]));

const SESSIONS = ['session_token'];
const MACHINES = ['api_key', 'm2m_token', 'oauth_token'];
const check = () => true;
const RESTRICTING = ['accepts-token', 'requirements'];

class Other implements CanActivate {
  canActivate() {
    return true;
  }
}

describe('metadata on class and method', () => {
  it.each<[string, ClassDecorator & MethodDecorator, key: string, value: unknown]>([
    ['@Public()', protection.Public(), 'protection', 'lax'],
    ['@RequireAuth()', protection.RequireAuth(), 'protection', 'strict'],
    ['@SkipAuth()', protection.SkipAuth(), 'protection', 'skip'],
    ['@AllowPendingSession()', protection.AllowPendingSession(), 'allow-pending-session', true],
    ['@RedirectToSignIn()', protection.RedirectToSignIn(), 'redirect-to-sign-in', true],
    ['@AcceptsToken()', protection.AcceptsToken('api_key', 'm2m_token'), 'accepts-token', ['api_key', 'm2m_token']],
    ...(
      [
        ['Require', requirement.Require({ role: 'org:a' }), SESSIONS, { has: { role: 'org:a' } }],
        [
          'Require',
          requirement.Require(anyOf({ role: 'org:a' }, allOf({ plan: 'org:p' }, { feature: 'org:f' }))),
          SESSIONS,
          {
            anyOf: [{ has: { role: 'org:a' } }, { allOf: [{ has: { plan: 'org:p' } }, { has: { feature: 'org:f' } }] }],
          },
        ],
        [
          'RequirePermission',
          requirement.RequirePermission('org:a:b', anyOf('org:c:d', 'org:e:f')),
          SESSIONS,
          {
            allOf: [
              { has: { permission: 'org:a:b' } },
              { anyOf: [{ has: { permission: 'org:c:d' } }, { has: { permission: 'org:e:f' } }] },
            ],
          },
        ],
        ['RequireRole', requirement.RequireRole('org:a'), SESSIONS, { has: { role: 'org:a' } }],
        ['RequireFeature', requirement.RequireFeature('org:a'), SESSIONS, { has: { feature: 'org:a' } }],
        ['RequirePlan', requirement.RequirePlan('org:a'), SESSIONS, { has: { plan: 'org:a' } }],
        [
          'RequireReverification',
          requirement.RequireReverification('strict'),
          SESSIONS,
          { has: { reverification: 'strict' } },
        ],
        ['RequireScope', requirement.RequireScope('a', 'b'), MACHINES, { allOf: [{ scope: 'a' }, { scope: 'b' }] }],
      ] as const
    ).map(
      ([decorator, made, appliesTo, condition]) =>
        [
          `@${decorator}() with ${JSON.stringify(condition)}`,
          made,
          'requirements',
          { decorator, appliesTo, condition },
        ] as const,
    ),
    [
      '@RequireThat()',
      requirement.RequireThat(check),
      'requirements',
      { decorator: 'RequireThat', appliesTo: 'any', predicate: check },
    ],
    [
      '@RequireThat() with appliesTo',
      requirement.RequireThat(check, { appliesTo: ['api_key', 'oauth_token'] }),
      'requirements',
      { decorator: 'RequireThat', appliesTo: ['api_key', 'oauth_token'], predicate: check },
    ],
  ] as [string, ClassDecorator & MethodDecorator, string, unknown][])(
    'is written by %s',
    (_, decorator, key, value) => {
      class Controller {
        @decorator handler() {}
      }
      decorator(Controller);
      // A decorator that restricts a handler also adds the guard that denies calls if no ClerkGuard runs.
      const guards = RESTRICTING.includes(key) || value === 'strict' ? { __guards__: [GuardRequired] } : {};
      expect(metadataOf(Controller.prototype.handler)).toEqual({ [`nest-clerk:${key}`]: [value], ...guards });
      expect(metadataOf(Controller)).toEqual({ [`nest-clerk:${key}`]: [value], ...guards });
    },
  );

  it('has GuardRequired only once if several decorators restrict a handler or class', () => {
    @requirement.RequirePermission('org:a')
    @protection.RequireAuth()
    class Base {
      @requirement.RequireRole('org:a') @protection.AcceptsToken('any') @UseGuards(Other) handler() {}
    }
    @requirement.RequireRole('org:a')
    class Derived extends Base {}
    expect(Reflect.getMetadata('__guards__', Base)).toEqual([GuardRequired]);
    expect(Reflect.getMetadata('__guards__', Derived)).toEqual([GuardRequired]);
    expect(Reflect.getMetadata('__guards__', Base.prototype.handler)).toEqual([Other, GuardRequired]);
  });
});

describe('a parameter decorator', () => {
  class Controller {
    whole(@Auth() _auth: unknown) {}
    userId(@Auth('userId') _userId: unknown) {}
    piped(@Auth('userId', ParseIntPipe) _userId: unknown) {}
    me(@CurrentUser() _user: unknown) {}
    myPiped(@CurrentUser(ParseIntPipe) _user: unknown) {}
  }
  interface Parameter {
    readonly index: number;
    readonly data: unknown;
    readonly pipes: unknown[];
    factory(data: unknown, context: ExecutionContext): unknown;
  }
  /** The metadata of the parameter, as Nest reads it. */
  function parameterOf(name: keyof Controller): Parameter {
    const written = Reflect.getMetadata('__routeArguments__', Controller, name) as Record<string, Parameter>;
    const [parameter] = Object.values(written);
    return parameter!;
  }
  const auth = { userId: 'user_1' };
  const loader = { load: (context: unknown) => Promise.resolve(context) as never };
  const contextOf = (request: object) =>
    ({ getType: () => 'http', switchToHttp: () => ({ getRequest: () => request }) }) as unknown as ExecutionContext;
  const identified = () => {
    const request = {};
    attachIdentity(request, { toAuth: () => auth } as unknown as Identity, loader);
    return contextOf(request);
  };

  it.each<[keyof Controller, key: string, value: unknown, pipes: unknown[]]>([
    ['whole', 'auth-parameters', undefined, []],
    ['userId', 'auth-parameters', 'userId', []],
    ['piped', 'auth-parameters', 'userId', [ParseIntPipe]],
    ['me', 'current-user', true, []],
    ['myPiped', 'current-user', true, [ParseIntPipe]],
  ])('of %s is recorded in the handler’s metadata and passes its pipes on', (name, key, value, pipes) => {
    expect(metadataOf(Controller.prototype[name])).toEqual({ [`nest-clerk:${key}`]: [value] });
    expect(parameterOf(name)).toMatchObject({ index: 0, pipes });
  });

  it.each<[keyof Controller, unknown]>([
    ['whole', auth],
    ['userId', 'user_1'],
  ])('of %s returns %j', (name, value) => {
    const { factory, data } = parameterOf(name);
    expect(factory(data, identified())).toBe(value);
  });

  it('of the current user loads the user with the execution context', async () => {
    const { factory, data } = parameterOf('me');
    const context = identified();
    expect(await factory(data, context)).toBe(context);
  });

  it.each<keyof Controller>(['whole', 'userId', 'me'])(
    'of %s throws auth-not-populated if no guard has run',
    (name) => {
      const { factory, data } = parameterOf(name);
      expect(() => factory(data, contextOf({}))).toThrow(expect.objectContaining({ code: 'auth-not-populated' }));
    },
  );
});
