import {
  All,
  Controller,
  Get,
  Module,
  Post,
  RequestMethod,
  Sse,
  UseGuards,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type VersioningOptions,
} from '@nestjs/common';
import { RouterModule, type AbstractHttpAdapter } from '@nestjs/core';
import { Field, Mutation, ObjectType, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import {
  AcceptsToken,
  AllowPendingSession,
  ClerkGuard,
  ClerkProtectionMap,
  Public,
  RedirectToSignIn,
  RequirePermission,
  RequireScope,
  RequireThat,
  SkipAuth,
} from '../../lib/index.js';
import { LocalClerk, protectionMap } from '../../lib/testing/index.js';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller(['cats', '/felines/'])
class CatsController {
  @Get() list() {}
  @Get([':id', 'by-id/:id']) one() {}
  @Post() @RequirePermission('org:cats:create') create() {}
  @All('anything/:of') anything() {}
  @Sse('purrs') purrs() {}
}

@Controller({ path: 'dogs', version: ['1', '2'] })
class DogsController {
  @Get() list() {}
  @Get('newest') @Version('3') newest() {}
  @Get('always') @Version(VERSION_NEUTRAL) always() {}
  @Get('both') @Version([VERSION_NEUTRAL, '1']) both() {}
}

@Controller({ host: ['api.example.com', ':tenant.example.com'], version: VERSION_NEUTRAL })
class RootController {
  @Get() @Public() home() {}
  @Get('health') @SkipAuth() health() {}
  @Post('health') report() {}
}

@Controller('reports')
class ReportsController {
  @Get('{/:year}') list() {}
}

@Module({ controllers: [ReportsController] })
class ReportsModule {}

@Module({ controllers: [ReportsController] })
class ArchiveModule {}

const MODULES = [
  ReportsModule,
  ArchiveModule,
  RouterModule.register([
    { path: 'admin', module: ReportsModule, children: [{ path: '/archive/', module: ArchiveModule }] },
  ]),
];

const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'all', 'options', 'head', 'search'] as const;

/** Records the routes that Nest registers with the HTTP adapter: `GET /path CatsController.list`. */
function recording(platform: Platform, registered: string[]): Platform {
  return (() => {
    const adapter = platform() as unknown as AbstractHttpAdapter;
    for (const method of METHODS) {
      const original = adapter[method].bind(adapter) as (...args: unknown[]) => unknown;
      (adapter as any)[method] = (...args: unknown[]) => {
        const handler = args.at(-1) as { name: string };
        if (handler.name.includes('Controller.')) {
          registered.push(`${method.toUpperCase()} ${String(args[0])} ${handler.name}`);
        }
        return original(...args);
      };
    }
    return adapter;
  }) as unknown as Platform;
}

describe.each(PLATFORMS)('the protection map on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => clerk.stop());

  const start = async (versioning?: VersioningOptions, registered: string[] = []) =>
    (app = await TestApp.on(recording(platform, registered))
      .clerk(clerk.options)
      .controllers(CatsController, DogsController, RootController)
      .imports(...MODULES)
      .before((nest) => {
        nest.setGlobalPrefix('/api/', {
          exclude: [
            'health',
            { path: 'dogs/always', method: RequestMethod.GET },
            { path: 'cats', method: RequestMethod.POST },
          ],
        });
        if (versioning) nest.enableVersioning(versioning);
      })
      .start());

  const VERSIONINGS: [string, VersioningOptions | undefined][] = [
    ['no versioning', undefined],
    ['URI versioning', { type: VersioningType.URI }],
    [
      'URI versioning with a prefix and default versions',
      { type: VersioningType.URI, prefix: 'rev-', defaultVersion: ['7', VERSION_NEUTRAL] },
    ],
    ['URI versioning without a prefix', { type: VersioningType.URI, prefix: false, defaultVersion: '7' }],
    ['header versioning', { type: VersioningType.HEADER, header: 'x-version', defaultVersion: '7' }],
  ];

  it.each(VERSIONINGS)('lists exactly the routes that Nest registers with %s', async (_name, versioning) => {
    const registered: string[] = [];
    const { nest } = await start(versioning, registered);
    const mapped = nest
      .get(ClerkProtectionMap)
      .routes()
      .map(({ method, path, handler }) => `${method} ${path} ${handler}`);
    expect(registered.length).toBeGreaterThan(20);
    expect([...mapped].sort()).toEqual([...registered].sort());
  });

  it('lists exactly the routes that Nest logs as mapped', async () => {
    const { nest, logger } = await start();
    const logged = logger.lines.flatMap((line) => {
      const [, path, method] = /Mapped \{(.*), (\w+)\} route/.exec(line) ?? [];
      return path ? [`${method} ${path}`] : [];
    });
    const mapped = nest.get(ClerkProtectionMap).routes();
    expect(mapped.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(logged.sort());
  });

  it('lists the versions of routes with header versioning', async () => {
    const { nest } = await start({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: '7' });
    const versions = Object.fromEntries(
      nest
        .get(ClerkProtectionMap)
        .routes()
        .map(({ handler, version }) => [handler, version]),
    );
    expect(versions).toMatchObject({
      'CatsController.list': ['7'],
      'DogsController.list': ['1', '2'],
      'DogsController.newest': ['3'],
      'DogsController.both': ['neutral', '1'],
      'RootController.home': ['neutral'],
    });
  });

  it('lists the protection, token types and requirements of a route, and the decorator each comes from', async () => {
    const { nest } = await start();
    const routes = nest.get(ClerkProtectionMap).routes();
    const one = (place: string) => routes.find(({ method, path }) => `${method} ${path}` === place);
    expect(one('POST /cats')).toEqual({
      transport: 'http',
      method: 'POST',
      path: '/cats',
      handler: 'CatsController.create',
      protection: 'strict',
      acceptsToken: ['session_token'],
      requirements: [{ requirement: 'permission org:cats:create', from: 'CatsController.create' }],
      from: { protection: 'CatsController.create', acceptsToken: 'default' },
    });
    expect(one('GET /health')).toMatchObject({
      handler: 'RootController.health',
      host: ['api.example.com', ':tenant.example.com'],
      protection: 'skip',
      acceptsToken: [],
    });
    expect(JSON.parse(JSON.stringify(routes))).toEqual(routes);
    expect(Object.isFrozen(routes) && Object.isFrozen(one('POST /cats')!.requirements[0])).toBe(true);
  });
});

@ObjectType()
class Invoice {
  @Field() id!: string;
}

@Resolver(() => Invoice)
class InvoicesResolver {
  @Query(() => [Invoice]) invoices() {}
  @Mutation(() => Invoice, { name: 'payInvoice' }) @RequirePermission('org:invoices:pay') pay() {}
  @ResolveField(() => String) title() {}
  @ResolveReference() resolveReference() {}
}

@WebSocketGateway({ namespace: 'chat' })
class ChatGateway {
  @SubscribeMessage('say') @AcceptsToken('api_key') say() {}
  handleConnection() {}
}

@WebSocketGateway()
class NewsGateway {
  @SubscribeMessage({ topic: 'news' } as never) news() {}
}

@Controller()
class BillingController {
  @MessagePattern(['bill', { cmd: 'invoice' }]) bill(_data: unknown) {}
  @EventPattern('paid') @Public() paid(_data: unknown) {}
  @Get('bills') @MessagePattern('bills') bills(_data?: unknown) {}
}

describe('the protection map of all transports', () => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;
  const [, express] = PLATFORMS[0];
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => clerk.stop());

  /** No GraphQL server or socket adapter runs: the map reads the metadata of the decorators. */
  const noSockets = { create: () => ({}), bindClientConnect() {}, bindMessageHandlers() {}, close() {}, dispose() {} };
  const builder = () =>
    TestApp.on(express)
      .controllers(BillingController)
      .providers(InvoicesResolver, ChatGateway, NewsGateway)
      .before((nest) => nest.useWebSocketAdapter(noSockets as never));

  it('lists resolvers, gateways and message handlers', async () => {
    app = await builder().clerk(clerk.options).start();
    expect(protectionMap(app.nest)).toEqual({
      'GET /bills': 'strict | session_token | BillingController.bills',
      'graphql field Invoice.__resolveReference': 'unguarded | InvoicesResolver.resolveReference',
      'graphql field Invoice.title': 'unguarded | InvoicesResolver.title',
      'graphql Query invoices': 'strict | session_token | InvoicesResolver.invoices',
      'graphql Mutation payInvoice': 'strict | session_token | permission org:invoices:pay | InvoicesResolver.pay',
      'ws message {"topic":"news"}': 'strict | session_token | NewsGateway.news',
      'ws message say (namespace chat)': 'strict | api_key | ChatGateway.say',
      'rpc message bill': 'strict | session_token | BillingController.bill',
      'rpc message bills': 'strict | session_token | BillingController.bills',
      'rpc event paid': 'lax | session_token | BillingController.paid',
      'rpc message {"cmd":"invoice"}': 'strict | session_token | BillingController.bill',
    });
  });

  it('sorts routes by transport, namespace, path and method, whatever the order of controllers', async () => {
    @Controller()
    class LastController {
      @Post('bills') create() {}
      @Get('a') a() {}
    }
    app = await builder().controllers(LastController).clerk(clerk.options).start();
    const routes = app.nest.get(ClerkProtectionMap).routes();
    expect(
      routes.map(({ transport, namespace, path, method }) => [transport, namespace, path, method].join(' ')),
    ).toEqual([
      'http  /a GET',
      'http  /bills GET',
      'http  /bills POST',
      'graphql  Invoice.__resolveReference field',
      'graphql  Invoice.title field',
      'graphql  invoices Query',
      'graphql  payInvoice Mutation',
      'ws  {"topic":"news"} message',
      'ws chat say message',
      'rpc  bill message',
      'rpc  bills message',
      'rpc  paid event',
      'rpc  {"cmd":"invoice"} message',
    ]);
  });

  it('lists the token types that a requirement applies to, unless it applies to all that are accepted', async () => {
    const isKnown = () => true;
    @Controller('mixed')
    @RequireScope('cats:list')
    class MixedController {
      @Get('both')
      @AcceptsToken('session_token', 'api_key')
      @RequirePermission('org:cats:list')
      @RequireThat(isKnown)
      both() {}
      @Get('keys') @AcceptsToken('api_key') @RequireThat(isKnown, { appliesTo: ['api_key', 'm2m_token'] }) keys() {}
      @Get('users') @RequireThat(isKnown, { appliesTo: ['session_token'] }) users() {}
    }
    app = await TestApp.on(express).controllers(MixedController).clerk(clerk.options).start();
    const rows = app.nest.get(ClerkProtectionMap).routes();
    const of = (path: string) => rows.find((row) => row.path === `/mixed/${path}`)!.requirements;
    const [from, scope] = ['MixedController', 'scope cats:list'];
    const that = (path: string) => ({ requirement: 'that isKnown agrees', from: `${from}.${path}` });
    expect(of('both')).toStrictEqual([
      { requirement: scope, from, appliesTo: ['api_key'] },
      that('both'),
      { requirement: 'permission org:cats:list', from: `${from}.both`, appliesTo: ['session_token'] },
    ]);
    expect(of('keys')).toStrictEqual([{ requirement: scope, from }, that('keys')]);
    expect(of('users')).toStrictEqual([{ requirement: scope, from, appliesTo: [] }, that('users')]);
  });

  it('lists allowsPendingSession and redirectsToSignIn only for routes where they have an effect', async () => {
    @Controller('pages')
    @RedirectToSignIn()
    @AllowPendingSession()
    class PagesController {
      @Get('strict') strict() {}
      @Get('public') @Public() public() {}
      @Get('machine') @AcceptsToken('api_key') machine() {}
      @Get('skip') @SkipAuth() skip() {}
    }
    app = await TestApp.on(express).controllers(PagesController).clerk(clerk.options).start();
    const routes = app.nest.get(ClerkProtectionMap).routes();
    const place = { transport: 'http', method: 'GET', requirements: [] };
    const of: Record<string, string> = { skip: 'PagesController.skip', machine: 'PagesController.machine' };
    const [byClass, types] = ['PagesController', ['session_token']];
    expect(routes).toStrictEqual(
      [
        {
          ...{ path: 'machine', protection: 'strict', from: 'default', acceptsToken: ['api_key'] },
          redirectsToSignIn: true,
        },
        {
          ...{ path: 'public', protection: 'lax', from: 'PagesController.public', acceptsToken: types },
          allowsPendingSession: true,
        },
        { path: 'skip', protection: 'skip', from: 'PagesController.skip', acceptsToken: [] },
        {
          ...{ path: 'strict', protection: 'strict', from: 'default', acceptsToken: types },
          ...{ allowsPendingSession: true, redirectsToSignIn: true },
        },
      ].map(({ path, from, ...route }) => ({
        ...place,
        ...route,
        path: `/pages/${path}`,
        handler: `${byClass}.${path}`,
        from: { protection: from, acceptsToken: of[path] ?? 'default' },
      })),
    );
  });

  it('lists a controller of several modules once', async () => {
    @Controller('shared')
    class SharedController {
      @Get() one() {}
    }
    @Module({ controllers: [SharedController] })
    class OneModule {}
    @Module({ controllers: [SharedController] })
    class OtherModule {}
    app = await TestApp.on(express)
      .imports(OneModule, OtherModule)
      .clerk({ ...clerk.options, guard: false })
      .start();
    expect(app.nest.get(ClerkProtectionMap).routes()).toStrictEqual([
      {
        transport: 'http',
        method: 'GET',
        path: '/shared',
        handler: 'SharedController.one',
        protection: 'unguarded',
        acceptsToken: [],
        requirements: [],
        from: { protection: 'default', acceptsToken: 'default' },
      },
    ]);
  });

  it.each(['guards', 'interceptors'])(
    'lists fields as unguarded if only one of two GraphQL modules enhances them with %s',
    async (what) => {
      @Module({ providers: [{ provide: 'GqlModuleOptions', useValue: {} }] })
      class OtherModule {}
      app = await builder()
        .providers({ provide: 'GqlModuleOptions', useValue: { fieldResolverEnhancers: [what] } })
        .imports(OtherModule)
        .clerk(clerk.options)
        .start();
      expect(protectionMap(app.nest)).toMatchObject({
        'graphql field Invoice.title': 'unguarded | InvoicesResolver.title',
      });
    },
  );

  it('lists fields as strict if the GraphQL module enhances them with guards', async () => {
    const options = { provide: 'GqlModuleOptions', useValue: { fieldResolverEnhancers: ['guards'] } };
    app = await builder().providers(options).clerk(clerk.options).start();
    expect(protectionMap(app.nest)).toMatchObject({
      'graphql field Invoice.title': 'strict | session_token | InvoicesResolver.title',
    });
  });

  it('lists handlers as unguarded without a ClerkGuard, and as strict with it or a subclass', async () => {
    class OwnGuard extends ClerkGuard {}
    @Controller('mixed')
    class MixedController {
      @Get('none') none() {}
      @Get('open') @Public() open() {}
      @Get('ours') @UseGuards(ClerkGuard) ours() {}
      @Get('derived') @UseGuards(OwnGuard) derived() {}
    }
    app = await TestApp.on(express)
      .controllers(MixedController)
      .clerk({ ...clerk.options, guard: false })
      .start();
    expect(protectionMap(app.nest)).toEqual({
      'GET /mixed/none': 'unguarded | MixedController.none',
      'GET /mixed/open': 'unguarded | MixedController.open',
      'GET /mixed/ours': 'strict | session_token | MixedController.ours',
      'GET /mixed/derived': 'strict | session_token | MixedController.derived',
    });
  });

  it('lists routes as strict with a ClerkGuard registered by useGlobalGuards()', async () => {
    @Controller('one')
    class OneController {
      @Get() one() {}
    }
    app = await TestApp.on(express)
      .controllers(OneController)
      .clerk({ ...clerk.options, guard: false })
      .before((nest) => nest.useGlobalGuards(nest.get(ClerkGuard)))
      .start();
    expect(protectionMap(app.nest)).toEqual({ 'GET /one': 'strict | session_token | OneController.one' });
  });

  it('lists both handlers of the same route', async () => {
    @Controller('same')
    class FirstController {
      @Get() first() {}
    }
    @Controller('same')
    class SecondController {
      @Get() @Public() second() {}
    }
    app = await TestApp.on(express).controllers(SecondController, FirstController).clerk(clerk.options).start();
    expect(protectionMap(app.nest)).toEqual({
      'GET /same': 'strict | session_token | FirstController.first\nlax | session_token | SecondController.second',
    });
  });

  it('throws in an application without ClerkModule and says how to import it', async () => {
    app = await TestApp.on(express).start();
    expect(() => protectionMap(app!.nest)).toThrow('import ClerkModule.forRoot() in its root module');
  });
});
