import {
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  type DynamicModule,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { signedInAuthObject, signedOutAuthObject } from '@clerk/backend/internal';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import request, { type Response } from 'supertest';

import {
  AcceptsToken,
  AllowPendingSession,
  Auth,
  ClerkClients,
  ClerkClientService,
  ClerkMiddleware,
  ClerkModule,
  CurrentUser,
  getAuth,
  Public,
  RequireFeature,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  type AuthObject,
  type User,
} from '../../lib/index.js';
import { apiKey, LocalClerk, m2mToken, oauthToken, signedIn, signedOut, TestCaller } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { callEverything } from '../support/walkers.js';

const only = (auth: AuthObject) => ({ userId: 'userId' in auth ? auth.userId : null, tokenType: auth.tokenType });

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return only(auth);
  }
  @Public() @Get('public') public(@Auth() auth: AuthObject) {
    return only(auth);
  }
  @Public() @Get('walked') walked(@Auth() auth: AuthObject) {
    return { isFrozen: Object.isFrozen(auth), walked: callEverything(auth) };
  }
  @RequirePermission('org:invoices:create') @Post('permission') permission() {}
  @RequireRole('org:admin') @Post('role') role() {}
  @RequirePlan('org:team') @Post('plan') plan() {}
  @RequireFeature('user:export') @Post('feature') feature() {}
  @RequireReverification('strict') @Post('reverification') reverification() {}
  @RequireThat((auth: AuthObject) => 'userId' in auth && auth.userId === 'user_ada') @Post('that') that() {}
  @AcceptsToken('api_key') @RequireScope('invoices:read') @Post('scope') scope() {}
  @AcceptsToken('session_token', 'api_key') @Get('either') either(@Auth() auth: AuthObject) {
    return only(auth);
  }
  @AcceptsToken('m2m_token') @Get('machines') machines(@Auth('machineId') machineId: string) {
    return { machineId };
  }
  @AllowPendingSession() @Get('pending') pending(@Auth('sessionStatus') sessionStatus: string) {
    return { sessionStatus };
  }
  @Get('me') me(@CurrentUser() user: User) {
    return { firstName: user.firstName };
  }
}

/** Takes its keys from the environment, as a deployed application does. */
@Module({ imports: [ClerkModule.forRoot()], controllers: [Routes] })
class AppModule {}

const withPermission = signedIn({ permissions: ['org:invoices:create'] });

const CASES = [
  // Signed out.
  ['GET', 'strict', 'a signed-out caller', signedOut(), '401 authentication-required'],
  ['GET', 'public', 'a signed-out caller', signedOut(), '200'],
  ['POST', 'permission', 'a signed-out caller', signedOut(), '401 authentication-required'],
  ['POST', 'scope', 'a signed-out caller', signedOut(), '401 authentication-required'],
  // Signed in.
  ['GET', 'strict', 'a signed-in caller', signedIn(), '200'],
  ['POST', 'permission', 'a signed-in caller', signedIn(), '403 insufficient-permissions'],
  [
    'POST',
    'permission',
    'a member with another permission',
    signedIn({ permissions: ['org:bills:create'] }),
    '403 insufficient-permissions',
  ],
  ['POST', 'permission', 'a member with the permission', withPermission, '201'],
  ['POST', 'role', 'a member', signedIn({ orgRole: 'org:member' }), '403 insufficient-permissions'],
  ['POST', 'role', 'an admin', signedIn({ orgRole: 'org:admin' }), '201'],
  [
    'POST',
    'plan',
    'a user with a plan of that name',
    signedIn({ plans: ['user:team'] }),
    '403 insufficient-permissions',
  ],
  ['POST', 'plan', 'a member of an organization with the plan', signedIn({ plans: ['org:team'] }), '201'],
  [
    'POST',
    'feature',
    'a user whose organization has the feature',
    signedIn({ features: ['org:export'] }),
    '403 insufficient-permissions',
  ],
  ['POST', 'feature', 'a user with the feature', signedIn({ features: ['user:export'] }), '201'],
  ['POST', 'reverification', 'a caller who just signed in', signedIn(), '201'],
  ['POST', 'that', 'another user', signedIn({ userId: 'user_bob' }), '403 insufficient-permissions'],
  ['POST', 'that', 'the required user', signedIn({ userId: 'user_ada' }), '201'],
  // A pending session.
  ['GET', 'strict', 'a pending session', signedIn({ sessionStatus: 'pending' }), '401 session-pending'],
  ['GET', 'pending', 'a pending session', signedIn({ sessionStatus: 'pending' }), '200'],
  // Machine tokens.
  ['GET', 'strict', 'an API key', apiKey(), '401 token-invalid'],
  ['POST', 'scope', 'an API key without scopes', apiKey(), '403 insufficient-scope'],
  ['POST', 'scope', 'an API key with the scope', apiKey({ scopes: ['invoices:read'] }), '201'],
  ['POST', 'scope', 'a signed-in caller', signedIn(), '401 token-invalid'],
  ['GET', 'either', 'a signed-in caller', signedIn(), '200'],
  ['GET', 'either', 'an API key', apiKey(), '200'],
  ['GET', 'either', 'an OAuth token', oauthToken(), '401 token-invalid'],
  ['GET', 'machines', 'a machine', m2mToken(), '200'],
  ['GET', 'machines', 'an API key', apiKey(), '401 token-invalid'],
] as const;

describe.each(PLATFORMS)('a test with TestCaller on %s', (_, platform) => {
  const environment = { ...process.env };
  const caller = new TestCaller();
  const apps: INestApplication[] = [];
  let main: INestApplication;
  /** The application that `send` calls. */
  let app: INestApplication;

  async function start(
    module: Type | DynamicModule = AppModule,
    { by = caller, more = (builder) => builder }: StartOptions = {},
  ): Promise<INestApplication> {
    const built = await more(by.override(Test.createTestingModule({ imports: [module] }))).compile();
    const started = await built.createNestApplication(platform()).init();
    apps.push(started);
    await started.getHttpAdapter().getInstance().ready?.();
    return started;
  }
  interface StartOptions {
    readonly by?: TestCaller;
    readonly more?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  }

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('CLERK_')) delete process.env[name];
    main = await start();
  });
  beforeEach(() => {
    app = main;
    caller.is(signedOut());
  });
  afterAll(async () => {
    process.env = environment;
    await Promise.all(apps.map((each) => each.close()));
  });

  const send = (method: string, path: string, headers = {}): Promise<Response> =>
    Promise.resolve(request(app.getHttpServer())[method === 'GET' ? 'get' : 'post'](`/${path}`).set(headers));

  const cases = CASES.map(([method, path, who, auth, expected]) => ({ method, path, who, auth, expected }));

  it.each(cases)('gets $expected from $method /$path for $who', async ({ method, path, auth, expected }) => {
    caller.is(auth);
    const { status, body } = await send(method, path);
    expect([status, ...[body.code ?? []].flat()].join(' ')).toBe(expected);
  });

  it('passes the caller to the handler', async () => {
    caller.is(signedIn({ userId: 'user_ada' }));
    expect((await send('GET', 'strict')).body).toEqual({ userId: 'user_ada', tokenType: 'session_token' });
    caller.is(m2mToken({ machineId: 'mch_reports' }));
    expect((await send('GET', 'machines')).body).toEqual({ machineId: 'mch_reports' });
    caller.is(apiKey({ subject: 'user_ada' }));
    expect((await send('GET', 'public')).body).toEqual({ userId: null, tokenType: 'session_token' });
  });

  it.each([
    ['Clerk’s signed-in constructor', signedInAuthObject({}, 'token', { sub: 'user_ada', sid: 'sess_1' } as never)],
    ['signedIn()', signedIn({ userId: 'user_ada' })],
    ['Clerk’s signed-out constructor', signedOutAuthObject()],
    ['signedIn() with a pending session', signedIn({ sessionStatus: 'pending' })],
  ])('passes the auth object of %s to the handler frozen, and without functions for a serializer', async (_, auth) => {
    caller.is(auth);
    const { status, body } = await send('GET', 'walked');
    expect([status, body.isFrozen]).toEqual([200, true]);
    expect(Object.keys(body.walked)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(has|getToken|debug)$/)]),
    );
    expect(body.walked).toMatchObject({ tokenType: 'session_token' });
  });

  it('gets 403 with Clerk’s reverification error for an old factor', async () => {
    caller.is(signedIn({ factorVerificationAge: [60, -1] }));
    const answer = await send('POST', 'reverification');
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      clerk_error: { type: 'forbidden', reason: 'reverification-error', metadata: { reverification: 'strict' } },
    });
  });

  it('tells concurrent callers of caller.as() apart, and gets token-invalid for other tokens', async () => {
    caller.is(signedIn({ userId: 'user_default' }));
    const ids = Array.from({ length: 20 }, (__, index) => `user_${index}`);
    const answers = await Promise.all([
      ...ids.map((userId) => send('GET', 'strict', caller.as(signedIn({ userId })))),
      send('GET', 'strict', caller.as(signedOut())),
      send('GET', 'strict', { authorization: 'Bearer forged' }),
      send('GET', 'strict', new TestCaller().as(signedIn())),
      send('GET', 'strict'),
    ]);
    expect(answers.map(({ body }) => body.userId ?? body.code)).toEqual([
      ...ids,
      'authentication-required',
      'token-invalid',
      'token-invalid',
      'user_default',
    ]);
  });

  it('loads users with the ClerkClientService that it overrides', async () => {
    const getUser = jest.fn(async (id: string) => ({ id, firstName: 'Ada' }));
    app = await start(AppModule, {
      more: (builder) => builder.overrideProvider(ClerkClientService).useValue({ users: { getUser } }),
    });
    caller.is(signedIn({ userId: 'user_ada' }));
    expect((await send('GET', 'me')).body).toEqual({ firstName: 'Ada' });
    expect(getUser.mock.calls).toEqual([['user_ada']]);
    caller.is(signedOut());
    expect((await send('GET', 'me')).status).toBe(401);
  });

  it('makes no call to Clerk, whatever keys the application has', async () => {
    const clerk = await LocalClerk.start();
    try {
      Object.assign(process.env, clerk.env);
      for (const module of [ClerkModule.forRoot(), ClerkModule.forRoot(clerk.options)]) {
        app = await start({ module: class {}, imports: [module], controllers: [Routes] });
        caller.is(signedIn());
        expect((await send('GET', 'strict')).status).toBe(200);
        // Even a genuine token of that instance is denied.
        const token = await clerk.sessionToken();
        expect((await send('GET', 'strict', { authorization: `Bearer ${token}` })).status).toBe(401);
        expect((await send('GET', 'me')).body).toMatchObject({ code: 'clerk-unavailable' });
        await expect(app.get(ClerkClientService).users.getUserList()).rejects.toThrow();
      }
      expect(clerk.requests).toEqual([]);
    } finally {
      for (const name of Object.keys(clerk.env)) delete process.env[name];
      await clerk.stop();
    }
  });

  it('keeps the options of the application', async () => {
    @Injectable()
    class Vault {
      readonly options = { protection: 'lax', explainDenials: true } as const;
    }
    @Module({ providers: [Vault], exports: [Vault] })
    class VaultModule {}
    const clerkModule = ClerkModule.forRootAsync({
      imports: [VaultModule],
      inject: [Vault],
      useFactory: ({ options }: Vault) => options,
    });
    app = await start({ module: class {}, imports: [clerkModule], controllers: [Routes] });
    caller.is(signedOut());
    expect((await send('GET', 'strict')).body).toEqual({ userId: null, tokenType: 'session_token' });
    caller.is(signedIn());
    expect((await send('POST', 'permission')).body).toMatchObject({ missing: ['permission org:invoices:create'] });
  });

  it('does not call resolveOptions: all tenants share one client', async () => {
    const resolveOptions = jest.fn(() => ({ secretKey: 'sk_live_real', publishableKey: 'pk_live_real' }));
    app = await start({ module: class {}, imports: [ClerkModule.forRoot({ resolveOptions })], controllers: [Routes] });
    caller.is(signedIn({ userId: 'user_ada' }));
    expect((await send('GET', 'strict')).body).toMatchObject({ userId: 'user_ada' });
    expect(await app.get(ClerkClients).for({})).toBe(app.get(ClerkClientService));
    expect(resolveOptions).not.toHaveBeenCalled();
  });

  it('passes the caller to ClerkMiddleware as well', async () => {
    @Module({ imports: [ClerkModule.forRoot()] })
    class MiddlewareModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        const tell = (req: object, res: { setHeader(name: string, value: string): void }, next: () => void) => {
          res.setHeader('x-user', String(getAuth(req as never).userId));
          next();
        };
        consumer.apply(ClerkMiddleware, tell).forRoutes('{*path}');
      }
    }
    app = await start(MiddlewareModule);
    const answer = await send('GET', 'nowhere', caller.as(signedIn({ userId: 'user_ada' })));
    expect([answer.status, answer.headers['x-user']]).toEqual([404, 'user_ada']);
  });

  it('does not boot with contradicting decorators', async () => {
    @Controller()
    class Mistaken {
      @Public() @RequirePermission('org:invoices:create') @Get() both() {}
    }
    const module = { module: class {}, imports: [ClerkModule.forRoot()], controllers: [Mistaken] };
    await expect(start(module)).rejects.toThrow('Mistaken.both');
  });
});
