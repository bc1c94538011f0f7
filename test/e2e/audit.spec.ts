/**
 * Tests the audit at boot: an application with every kind of mistake fails to start, with one error that lists all of
 * them. The same application starts once every suggested fix is applied.
 */
import { Controller, Get, Inject, Injectable, Module, Optional, Scope, SetMetadata, type Type } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { Query, ResolveField, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import {
  AcceptsToken,
  anyOf,
  Auth,
  ClerkPolicyError,
  CurrentUser,
  Public,
  Require,
  RequireAuth,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  SkipAuth,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

/** The classes of an application. */
interface Classes {
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Type[];
}

/** A mistake, what the audit says about it, and the same classes with the fix that the audit suggests. */
interface Mistake {
  readonly name: string;
  readonly broken: Classes;
  readonly place: string;
  readonly message: RegExp;
  readonly fixed: Classes;
}

/** A controller with one handler `list`, with the given decorators. */
function controller(name: string, onMethod: MethodDecorator[], onClass: ClassDecorator[] = []): Type {
  const type = { [name]: class {} }[name]!;
  Object.defineProperty(type.prototype, 'list', { value: () => 'in', writable: true, configurable: true });
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, 'list')!;
  for (const decorate of [Get('list'), ...onMethod]) decorate(type.prototype, 'list', descriptor);
  for (const decorate of [Controller(name), ...onClass]) decorate(type);
  return type;
}

/** Turns a parameter decorator into a method decorator that decorates the first parameter. */
const firstParameter =
  (decorate: ParameterDecorator): MethodDecorator =>
  (target, name) =>
    decorate(target, name, 0);

/** A mistake in a single handler: its decorators, and those that fix it. */
function onRoute(
  place: string,
  wrong: MethodDecorator[],
  message: RegExp,
  right: MethodDecorator[],
  onClass: ClassDecorator[] = [],
): Mistake {
  const fixed = controller(place, right, onClass);
  return {
    name: `the handler ${place}.list`,
    broken: { controllers: [controller(place, wrong, onClass)] },
    place: `${place}.list`,
    message,
    fixed: { controllers: [fixed] },
  };
}

class Needed {}
@Injectable()
class Unresolvable {
  constructor(@Inject(Needed) readonly needed: Needed) {}
  check() {
    return true;
  }
}
@Injectable()
class Resolvable {
  constructor(@Optional() @Inject(Needed) readonly needed?: Needed) {}
  check() {
    return true;
  }
}
@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  check() {
    return true;
  }
}
@Injectable({ scope: Scope.REQUEST })
class PerRequestUnprovided {
  check() {
    return true;
  }
}
@Injectable()
class NeedsPerRequest {
  constructor(readonly needed: PerRequest) {}
  check() {
    return true;
  }
}
class WithoutCheck {}

function serviceWith(onMethod: MethodDecorator[]): Type {
  class Ledger {
    list() {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Ledger.prototype, 'list')!;
  for (const decorate of onMethod) decorate(Ledger.prototype, 'list', descriptor);
  return Ledger;
}

/** A provider with a method that looks like a handler, in a class where Nest looks for no handlers. */
function unroutedBy(name: string, looks: MethodDecorator, onMethod: MethodDecorator[]): Type {
  const Service = serviceWith([looks, ...onMethod]);
  Object.defineProperty(Service, 'name', { value: name });
  return Service;
}

function decoratedService(onClass: ClassDecorator[]): Type {
  class Vault {
    list() {}
  }
  for (const decorate of onClass) decorate(Vault);
  return Vault;
}

function gateway(name: string, onConnection: MethodDecorator[], onMessage: MethodDecorator[]): Type {
  class Chat {
    handleConnection() {}
    @SubscribeMessage('list') list() {}
  }
  Object.defineProperty(Chat, 'name', { value: name });
  for (const [method, decorators] of [['handleConnection', onConnection] as const, ['list', onMessage] as const]) {
    const descriptor = Object.getOwnPropertyDescriptor(Chat.prototype, method)!;
    for (const decorate of decorators) decorate(Chat.prototype, method, descriptor);
  }
  WebSocketGateway()(Chat);
  return Chat;
}

function resolver(name: string, onQuery: MethodDecorator[], onField: MethodDecorator[]): Type {
  class Invoices {
    @Query(() => String) list() {
      return 'in';
    }
    @ResolveField(() => String) total() {
      return 'much';
    }
  }
  Object.defineProperty(Invoices, 'name', { value: name });
  for (const [method, decorators] of [['list', onQuery] as const, ['total', onField] as const]) {
    const descriptor = Object.getOwnPropertyDescriptor(Invoices.prototype, method)!;
    for (const decorate of decorators) decorate(Invoices.prototype, method, descriptor);
  }
  Resolver('Invoice')(Invoices);
  return Invoices;
}

function messages(onMethod: MethodDecorator[]): Type {
  class Messages {
    @MessagePattern('list') list() {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Messages.prototype, 'list')!;
  for (const decorate of onMethod) decorate(Messages.prototype, 'list', descriptor);
  Controller()(Messages);
  return Messages;
}

const MISTAKES: readonly Mistake[] = [
  onRoute(
    'PublicWithPermission',
    [Public(), RequirePermission('org:a:read')],
    /^@Public\(\) and @RequirePermission\(\) contradict each other: remove one/,
    [RequirePermission('org:a:read')],
  ),
  onRoute(
    'RolesInArray',
    [RequireRole(['org:admin', 'org:owner'] as never)],
    /^@RequireRole\(\) takes role names, non-empty strings such as "org:admin"/,
    [RequireRole(anyOf('org:admin', 'org:owner'))],
  ),
  onRoute(
    'SeveralPlans',
    [RequirePlan(...(['org:pro', 'org:max'] as unknown as ['org:pro']))],
    /^@RequirePlan\(\) takes one plan, since a caller has only one: write @RequirePlan\(anyOf\(…\)\)/,
    [RequirePlan(anyOf('org:pro', 'org:max'))],
  ),
  onRoute(
    'TwoRoles',
    [RequireRole('org:member')],
    /^the roles org:admin and org:member are required at once, .* put them into one anyOf\(…\), or require permissions/,
    [RequirePermission('org:a:read')],
    [RequireRole('org:admin')],
  ),
  onRoute(
    'SystemPermission',
    [RequirePermission('org:sys_memberships:read')],
    /requires org:sys_memberships:read: system permissions are never in a session token.* Use a custom permission/,
    [RequirePermission('org:members:read')],
  ),
  onRoute(
    'MisspelledTokenType',
    [AcceptsToken('apikey' as never)],
    /^@AcceptsToken\(\) does not accept "apikey": it takes 'session_token', 'api_key', /,
    [AcceptsToken('api_key')],
  ),
  onRoute(
    'MisspelledRight',
    [Require({ permision: 'org:a:read' } as never)],
    /^@Require\(\) does not accept "permision": it takes role, permission, /,
    [Require({ permission: 'org:a:read' })],
  ),
  onRoute(
    'PermissionBesideAnyOf',
    [Require({ permission: 'org:a:read', anyOf: [{ role: 'org:admin' }] } as never)],
    /^@Require\(\) .*anyOf/,
    [Require(anyOf({ permission: 'org:a:read' }, { role: 'org:admin' }))],
  ),
  onRoute(
    'MachineIdOfSession',
    [firstParameter(Auth('machineId'))],
    /^@Auth\('machineId'\) is always empty: no accepted token \(session_token\) has it. Accept another token/,
    [firstParameter(Auth('userId'))],
  ),
  onRoute(
    'AuthOnSkipAuth',
    [SkipAuth(), firstParameter(Auth())],
    /^@Auth\(\) is always empty on a @SkipAuth\(\) handler, .* use @Public\(\) instead/,
    [Public(), firstParameter(Auth())],
  ),
  onRoute(
    'PermissionOfApiKey',
    [AcceptsToken('api_key'), RequirePermission('org:b:read')],
    /^no requirement applies to the accepted token type api_key: @RequirePermission\(\) can only be fulfilled by session_token\. Narrow/,
    [AcceptsToken('api_key'), RequireScope('b:read')],
  ),
  onRoute(
    'PredicateWithoutTypes',
    [AcceptsToken('session_token', 'api_key'), RequirePermission('org:b:read'), RequireThat(() => true)],
    /^no requirement applies to the accepted token type api_key: @RequirePermission\(\) can only be fulfilled by session_token, and @RequireThat\(\) counts beside it only for token types that it names\. .* @RequireThat\(…, \{ appliesTo: \['session_token', 'api_key'\] \}\)\.$/,
    [
      AcceptsToken('session_token', 'api_key'),
      RequirePermission('org:b:read'),
      RequireThat(() => true, { appliesTo: ['api_key'] }),
    ],
  ),
  onRoute(
    'PredicateForNoTypes',
    [RequireThat(() => true, { appliesTo: [] as never })],
    /^@RequireThat\(\) takes \{ appliesTo: \[…\] \} after the predicate, with one or more of 'session_token'/,
    [RequireThat(() => true, { appliesTo: ['session_token'] })],
  ),
  onRoute(
    'CurrentUserOfMachine',
    [AcceptsToken('m2m_token'), firstParameter(CurrentUser())],
    /^@CurrentUser\(\) is always empty: no accepted token \(m2m_token\) belongs to a user. Accept session_token/,
    [AcceptsToken('m2m_token', 'session_token'), firstParameter(CurrentUser())],
  ),
  onRoute(
    'CurrentUserOnSkipAuth',
    [SkipAuth(), firstParameter(CurrentUser())],
    /^@CurrentUser\(\) is always empty on a @SkipAuth\(\) handler, .* use @Public\(\) instead/,
    [Public(), firstParameter(CurrentUser())],
  ),
  onRoute(
    'ScopeWithSpace',
    [AcceptsToken('api_key'), RequireScope('invoices read')],
    /^@RequireScope\(\) takes scopes, single words such as "invoices:write"/,
    [AcceptsToken('api_key'), RequireScope('invoices:read')],
  ),
  onRoute(
    'UnknownReverification',
    [RequireReverification('very strict' as never)],
    /^@RequireReverification\(\) takes 'strict', 'moderate', /,
    [RequireReverification('strict')],
  ),
  onRoute(
    'NoPermissions',
    [RequirePermission(...([] as unknown as ['org:a']))],
    /^@RequirePermission\(\) requires nothing, so no caller could pass: name at least one right/,
    [RequirePermission('org:a:read')],
  ),
  onRoute(
    'UndefinedPredicate',
    [RequireThat(undefined as never)],
    /^@RequireThat\(\) takes a function, or a class with a check method/,
    [RequireThat(() => true)],
  ),
  onRoute(
    'PredicateWithoutCheck',
    [RequireThat(WithoutCheck as never)],
    /^@RequireThat\(\) takes a class with a check method: add check\(auth, context\) to WithoutCheck/,
    [RequireThat(Resolvable)],
  ),
  onRoute(
    'UnresolvableDependency',
    [RequireThat(Unresolvable)],
    /^@RequireThat\(Unresolvable\) cannot be created: .* Provide Unresolvable, .* in the module of UnresolvableDependency/,
    [RequireThat(Resolvable)],
  ),
  {
    ...onRoute(
      'RequestScopedPredicate',
      [RequireThat(PerRequest)],
      /^@RequireThat\(PerRequest\) cannot be created: .* Provide PerRequest, not request-scoped/,
      [RequireThat(Resolvable)],
    ),
    broken: { controllers: [controller('RequestScopedPredicate', [RequireThat(PerRequest)])], providers: [PerRequest] },
  },
  onRoute(
    'RequestScopedNotProvided',
    [RequireThat(PerRequestUnprovided)],
    /^@RequireThat\(PerRequestUnprovided\) cannot be created: .* Provide PerRequestUnprovided, not request-scoped/,
    [RequireThat(Resolvable)],
  ),
  ...[[PerRequest], [PerRequest, NeedsPerRequest]].map((providers) => {
    const place = providers.length > 1 ? 'NeedsRequestScopedProvider' : 'NeedsRequestScopedNotProvided';
    const mistake = onRoute(
      place,
      [RequireThat(NeedsPerRequest)],
      /^@RequireThat\(NeedsPerRequest\) cannot be created: .* Provide NeedsPerRequest, not request-scoped, and what it injects/,
      [RequireThat(Resolvable)],
    );
    return { ...mistake, broken: { ...mistake.broken, providers } };
  }),
  {
    name: 'a decorated method of a service',
    broken: { providers: [serviceWith([RequirePermission('org:a:read')])] },
    place: 'Ledger.list',
    message: /is decorated, but Nest routes no calls to it: .* Move the decorator to the handler, or remove it/,
    fixed: { providers: [serviceWith([])] },
  },
  {
    name: 'a decorated route in a class that is not a controller',
    broken: { providers: [unroutedBy('Service', Get('list'), [Public()])] },
    place: 'Service.list',
    message: /is decorated, but Nest routes no calls to it: it is not a route of a controller/,
    fixed: { providers: [unroutedBy('Service', Get('list'), [])] },
  },
  {
    name: 'a decorated message handler in a class that is not a gateway',
    broken: { providers: [unroutedBy('Socket', SubscribeMessage('list'), [RequireAuth()])] },
    place: 'Socket.list',
    message: /is decorated, but Nest routes no calls to it: .* or a message handler/,
    fixed: { providers: [unroutedBy('Socket', SubscribeMessage('list'), [])] },
  },
  {
    name: 'a decorated service class',
    broken: { providers: [decoratedService([RequireAuth()])] },
    place: 'Vault',
    message: /is decorated, but Nest routes no calls to it: .* Move the decorator to the handler, or remove it/,
    fixed: { providers: [decoratedService([])] },
  },
  {
    name: 'a decorated handleConnection() of a gateway',
    broken: { providers: [gateway('Lobby', [RequireAuth()], [])] },
    place: 'Lobby.handleConnection',
    message: /is decorated, but Nest routes no calls to it: .* Move the decorator to the handler, or remove it/,
    fixed: { providers: [gateway('Lobby', [], [RequireAuth()])] },
  },
  {
    name: 'contradictory decorators on a gateway message',
    broken: { providers: [gateway('Room', [], [Public(), RequireAuth()])] },
    place: 'Room.list',
    message:
      /^@Public\(\) and @RequireAuth\(\) contradict each other: keep one|^@RequireAuth\(\) and @Public\(\) contradict/,
    fixed: { providers: [gateway('Room', [], [RequireAuth()])] },
  },
  {
    name: 'contradictory decorators on a query',
    broken: { providers: [resolver('Bills', [SkipAuth(), RequireRole('org:admin')], [])] },
    place: 'Bills.list',
    message: /^@SkipAuth\(\) and @RequireRole\(\) contradict each other: remove one/,
    fixed: { providers: [resolver('Bills', [RequireRole('org:admin')], [])] },
  },
  {
    name: 'an empty requirement on a field',
    broken: { providers: [resolver('Fields', [], [RequirePermission(anyOf())])] },
    place: 'Fields.total',
    message: /^@RequirePermission\(\) requires nothing, so no caller could pass/,
    fixed: { providers: [resolver('Fields', [], [RequirePermission('org:a:read')])] },
  },
  {
    name: 'an outdated token type on a message pattern',
    broken: { controllers: [messages([AcceptsToken('machine_token' as never)])] },
    place: 'Messages.list',
    message: /^@AcceptsToken\('machine_token'\) uses an old name: write 'm2m_token'/,
    fixed: { controllers: [messages([AcceptsToken('m2m_token')])] },
  },
];

/** Gateways are set up before the audit runs, and no WebSocket adapter is installed. */
const noSockets = { create: () => ({}), bindClientConnect() {}, bindMessageHandlers() {}, close() {}, dispose() {} };

describe.each(PLATFORMS)('the audit at boot, on %s', (_, platform: Platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => clerk?.stop());

  /** @param fieldResolverEnhancers As passed to GraphQLModule, which provides its options under `GqlModuleOptions`. */
  async function start(
    classes: readonly Classes[],
    modules: readonly Type[] = [],
    fieldResolverEnhancers = ['guards'],
  ): Promise<TestApp> {
    const app = await TestApp.on(platform)
      .clerk(clerk.options)
      .imports(...modules)
      .controllers(...classes.flatMap(({ controllers = [] }) => controllers))
      .providers(...classes.flatMap(({ providers = [] }) => providers))
      .providers({ provide: 'GqlModuleOptions', useValue: { fieldResolverEnhancers } })
      .before((nest) => nest.useWebSocketAdapter(noSockets))
      .start();
    apps.push(app);
    return app;
  }

  /** The problems in the error that the boot fails with. */
  async function problemsOf(classes: readonly Classes[], modules?: readonly Type[]): Promise<readonly string[]> {
    const error: unknown = await start(classes, modules).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(ClerkPolicyError);
    const { problems, message, code } = error as ClerkPolicyError;
    expect(code).toBe('invalid-policy');
    for (const problem of problems) expect(message).toContain(`\n  - ${problem}`);
    return problems;
  }

  it('reports every mistake in one error, each with its location and its fix', async () => {
    const problems = await problemsOf(MISTAKES.map(({ broken }) => broken));
    for (const { name, place, message } of MISTAKES) {
      const about = problems.filter((problem) => {
        const [places = ''] = problem.split(': ');
        return places.split(', ').includes(place);
      });
      expect({ name, about }).toEqual({ name, about: [expect.any(String)] });
      expect(about[0]!.replace(/^[^:]+: /, '')).toMatch(message);
    }
    const places = problems.flatMap((problem) => problem.split(': ')[0]!.split(', '));
    expect(places.sort()).toEqual(MISTAKES.map(({ place }) => place).sort());
  });

  it('reports a decorated field if Nest runs no guards for fields, but accepts an undecorated one', async () => {
    const fields = { providers: [resolver('Fields', [], [RequirePermission('org:a:read')])] };
    await expect(start([fields], [], ['interceptors'])).rejects.toMatchObject({
      problems: [
        expect.stringMatching(/^Fields\.total: no guard runs before it.*`fieldResolverEnhancers: \['guards'\]`/),
      ],
    });
    await expect(start([{ providers: [resolver('Bare', [], [])] }], [], [])).resolves.toBeDefined();
  });

  it.each(MISTAKES.map((mistake) => [mistake.name, mistake] as const))(
    'reports %s and nothing else',
    async (_name, { broken, place, message }) => {
      const [problem, ...others] = await problemsOf([broken]);
      expect(others).toEqual([]);
      expect(problem).toMatch(new RegExp(`^${place}: `));
      expect(problem!.slice(place.length + 2)).toMatch(message);
    },
  );

  it('starts the same application once every suggested fix is applied', async () => {
    const app = await start(MISTAKES.map(({ fixed }) => fixed));
    expect((await app.send('/PublicWithPermission/list')).status).toBe(401);
    expect((await app.send('/AuthOnSkipAuth/list')).status).toBe(200);
    expect((await app.withToken('/UndefinedPredicate/list', await clerk.sessionToken())).status).toBe(200);
    expect((await app.withToken('/UnresolvableDependency/list', await clerk.sessionToken())).status).toBe(200);
  });

  it('reports a mistake that several handlers share once, and names each handler', async () => {
    const wrong = () => [RequirePermission(anyOf())];
    const classes = { controllers: [controller('A', wrong()), controller('B', wrong())] };
    expect(await problemsOf([classes])).toEqual([expect.stringMatching(/^A\.list, B\.list: @RequirePermission\(\)/)]);
  });

  it('reports a class that is registered in several modules once', async () => {
    const Wrong = controller('Wrong', [Public(), RequireAuth()]);
    const Service = serviceWith([RequireAuth()]);
    const metadata = { controllers: [Wrong], providers: [Service, { provide: 'again', useClass: Service }] };
    @Module(metadata)
    class One {}
    @Module(metadata)
    class Other {}
    // Under different paths, since Fastify rejects duplicate routes.
    @Module({
      imports: [
        One,
        Other,
        RouterModule.register([
          { path: 'one', module: One },
          { path: 'other', module: Other },
        ]),
      ],
    })
    class Both {}
    const problems = await problemsOf([], [Both]);
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual(['Wrong.list', 'Ledger.list']);
  });

  it('accepts a decorated controller that is also registered as a provider', async () => {
    const Injected = controller('Injected', [Public()], [RequirePermission('org:a:read')]);
    const app = await start([{ controllers: [Injected], providers: [Injected] }]);
    expect((await app.send('/Injected/list')).status).toBe(200);
  });

  it('reports a mistake on a class once, with the class and every affected handler', async () => {
    @Controller()
    @Public()
    @RequireAuth()
    class PublicAndStrict {
      @Get('a') a() {}
      @Get('b') b() {}
      helper() {}
    }
    expect(await problemsOf([{ controllers: [PublicAndStrict] }])).toEqual([
      expect.stringMatching(
        /^PublicAndStrict\.a, PublicAndStrict\.b: on the class PublicAndStrict, @\w+\(\) and @\w+\(\) contradict each other/,
      ),
    ]);
  });

  it('reports a decorated service that is provided by useClass or useFactory', async () => {
    const Service = serviceWith([RequireAuth()]);
    for (const provider of [
      { provide: 'token', useClass: Service },
      { provide: 'token', useFactory: () => new Service() },
      { provide: 'token', useFactory: async () => new Service() },
    ]) {
      @Module({ providers: [provider] })
      class WithService {}
      expect(await problemsOf([], [WithService])).toEqual([expect.stringMatching(/^Ledger\.list: is decorated, but/)]);
    }
  });

  it('ignores decorators of other libraries, and reads no properties of their providers', async () => {
    const touched: string[] = [];
    const Theirs = (name: string) => SetMetadata(`theirs:${name}`, ['public']);
    @Injectable()
    @Theirs('protection')
    class Job {
      get connection(): never {
        touched.push('Job.connection');
        throw new Error('not connected');
      }
      @Theirs('cron') run() {}
      // A route in a controller, but nothing calls it here.
      @Get('run') @SubscribeMessage('run') list() {}
    }
    @Module({
      providers: [
        Job,
        { provide: 'value', useValue: { list() {} } },
        { provide: 'nothing', useFactory: () => undefined },
        { provide: 'null', useFactory: () => null },
        { provide: 'bare', useFactory: () => Object.create(null) as object },
        { provide: 'function', useFactory: () => () => undefined },
        { provide: 'alias', useExisting: Job },
      ],
    })
    class TheirModule {}
    const app = await start([{ controllers: [controller('Ours', [Public()])] }], [TheirModule]);
    expect((await app.send('/Ours/list')).status).toBe(200);
    expect(touched).toEqual([]);
  });
});
