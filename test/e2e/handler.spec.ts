import {
  BadRequestException,
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  ParseIntPipe,
  Req,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { getAuth as getAuthOfExpress } from '@clerk/express';
import { createClerkClient } from '@clerk/backend';

import {
  AcceptsToken,
  Auth,
  ClerkClientService,
  ClerkGuard,
  ClerkMiddleware,
  getAuth,
  Public,
  RequirePermission,
  SkipAuth,
  toWebRequest,
  tryGetAuth,
  type AuthObject,
  type AuthObjectFor,
  type RequestAuth,
  type SignedInAuthObject,
} from '../../lib/index.js';
import { AUTHENTICATOR, type Authenticator } from '../../lib/authentication/lanes/authenticator.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Injectable()
class Caller implements NestInterceptor {
  readonly seen: (string | null)[] = [];
  intercept(context: ExecutionContext, next: CallHandler) {
    this.seen.push(getAuth(context).userId);
    return next.handle();
  }
}

@Catch(UnauthorizedException)
class Teapot implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}
  catch(exception: UnauthorizedException & { code?: string }, host: ArgumentsHost) {
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { tea: exception.code }, 418);
  }
}

type Request = Parameters<typeof toWebRequest>[0] & { auth: RequestAuth };

@Controller()
class Routes {
  constructor(private readonly clerk: ClerkClientService) {}

  @Get('auth') auth(@Auth() auth: SignedInAuthObject) {
    return auth;
  }
  @Get('properties') properties(
    @Auth('userId') userId: string,
    @Auth('orgSlug') slug: string,
    @Auth('orgRole') role: string,
  ) {
    return { userId, slug, role };
  }
  @Get('pipe') pipe(@Auth('userId', ParseIntPipe) id: number) {
    return { id };
  }
  @Get('request') request(@Req() request: Request) {
    return {
      called: request.auth().userId,
      read: request.auth.userId,
      json: JSON.parse(JSON.stringify(request.auth)),
      ours: getAuth(request).userId,
      ofExpress: getAuthOfExpress(request as never).userId,
    };
  }
  @Get('interceptor') @UseInterceptors(Caller) interceptor() {}
  @Get('filtered') @UseFilters(Teapot) filtered() {}
  @Get('user') async user(@Auth('userId') userId: string) {
    return { name: (await this.clerk.users.getUser(userId)).fullName };
  }
  @Get('token') async token(@Auth() auth: SignedInAuthObject) {
    return { own: await auth.getToken(), template: await auth.getToken({ template: 'partner' }) };
  }
  @Get('state') @SkipAuth() async state(@Req() request: Request) {
    const { secretKey, publishableKey } = clerkOptions;
    const state = await this.clerk.authenticateRequest(toWebRequest(request), {
      secretKey,
      publishableKey,
      acceptsToken: 'any',
    });
    return { status: state.status };
  }
  @Get('skipped') @SkipAuth() skipped(@Req() request: Request) {
    return { userId: getAuth(request).userId };
  }
  @Get('machines') @AcceptsToken('api_key', 'm2m_token', 'oauth_token') machines(
    @Auth() auth: AuthObjectFor<['api_key', 'm2m_token', 'oauth_token']>,
  ) {
    return auth;
  }
  @Get('mixed') @AcceptsToken('session_token', 'api_key') @Public() mixed(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('any') @AcceptsToken('any') any(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('twice') @UseGuards(ClerkGuard) twice(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('twice-denied') @UseGuards(ClerkGuard) @RequirePermission('org:a:b') twiceDenied() {}
}

let clerkOptions: LocalClerk['options'];

describe.each(PLATFORMS)('handlers on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    clerkOptions = clerk.options;
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Routes).providers(Caller, Teapot).start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  const signedIn = async () => {
    const user = clerk.createUser({ firstName: 'Ada', lastName: 'Lovelace' });
    const organization = clerk.createOrganization({ slug: 'acme' });
    const session = clerk.createSession({ user, organization });
    return { user, organization, session, token: await clerk.sessionToken({ session, role: 'org:admin' }) };
  };

  it('get Clerk’s own auth object', async () => {
    const { user, organization, session, token } = await signedIn();
    const { body } = await app.withToken('/auth', token);
    expect(body).toMatchObject({
      tokenType: 'session_token',
      isAuthenticated: true,
      userId: user.id,
      sessionId: session.id,
      sessionStatus: 'active',
      orgId: organization.id,
      orgSlug: 'acme',
      orgRole: 'org:admin',
      sessionClaims: { sub: user.id, v: 2 },
    });
  });

  it('get single properties, through pipes too', async () => {
    const { user, token } = await signedIn();
    expect((await app.withToken('/properties', token)).body).toEqual({
      userId: user.id,
      slug: 'acme',
      role: 'org:admin',
    });
    expect((await app.withToken('/pipe', token)).status).toBe(new BadRequestException().getStatus());
  });

  it('find request.auth as Clerk’s documents use it', async () => {
    const { user, token } = await signedIn();
    expect((await app.withToken('/request', token)).body).toEqual({
      called: user.id,
      read: user.id,
      json: expect.objectContaining({ userId: user.id, tokenType: 'session_token' }),
      ours: user.id,
      ofExpress: user.id,
    });
  });

  it('are told apart by getAuth() in an interceptor', async () => {
    const { user, token } = await signedIn();
    await app.withToken('/interceptor', token);
    expect(app.get(Caller).seen.at(-1)).toBe(user.id);
  });

  it('are refused in a way that users’ filters catch', async () => {
    expect(await app.send('/filtered')).toMatchObject({ status: 418, body: { tea: 'authentication-required' } });
  });

  it('reach Clerk’s resources through ClerkClientService', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/user', token)).body).toEqual({ name: 'Ada Lovelace' });
  });

  it('get tokens of JWT templates', async () => {
    const { token } = await signedIn();
    clerk.createJwtTemplate({ name: 'partner', claims: { aud: 'partner' } });
    const { body } = await app.withToken('/token', token);
    expect(body.own).toBe(token);
    expect(JSON.parse(Buffer.from(body.template.split('.')[1], 'base64url').toString())).toMatchObject({
      aud: 'partner',
    });
  });

  it('may call authenticateRequest themselves', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/state', token)).body).toEqual({ status: 'signed-in' });
    expect((await app.send('/state')).body).toEqual({ status: 'signed-out' });
  });

  it('with @SkipAuth() have no identity to ask for', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/skipped', token)).status).toBe(500);
    expect(app.logger.lines.join('\n')).toContain('There is no Clerk identity on this request');
  });

  describe('that accept machines', () => {
    it.each(['opaque', 'jwt'] as const)('get the machine object of %s tokens', async (format) => {
      const user = clerk.createUser();
      const machine = clerk.createMachine();
      const m2m = await clerk.createM2MToken({ machine, format, scopes: ['mch_other'] });
      const oauth = await clerk.createOAuthToken({ user, format, scopes: ['email'], clientId: 'client_1' });
      expect((await app.withToken('/machines', m2m.token)).body).toMatchObject({
        tokenType: 'm2m_token',
        isAuthenticated: true,
        id: m2m.id,
        machineId: machine.id,
        scopes: ['mch_other'],
      });
      expect((await app.withToken('/machines', oauth.token)).body).toMatchObject({
        tokenType: 'oauth_token',
        isAuthenticated: true,
        id: oauth.id,
        userId: user.id,
        clientId: 'client_1',
        scopes: ['email'],
      });
    });

    it('get the subject of an API key, be it a user or an organization', async () => {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      const ofUser = clerk.createApiKey({ subject: user, scopes: ['a'], claims: { tier: 1 } });
      const ofOrganization = clerk.createApiKey({ subject: organization, name: 'deploy' });
      expect((await app.withToken('/machines', ofUser.secret)).body).toMatchObject({
        tokenType: 'api_key',
        userId: user.id,
        orgId: null,
        scopes: ['a'],
        claims: { tier: 1 },
      });
      expect((await app.withToken('/machines', ofOrganization.secret)).body).toMatchObject({
        userId: null,
        orgId: organization.id,
        name: 'deploy',
      });
    });

    it('refuse revoked and expired ones', async () => {
      const expired = clerk.createApiKey({ subject: clerk.createUser(), secondsUntilExpiration: -1 });
      const machine = clerk.createMachine();
      const old = await clerk.createM2MToken({ machine, format: 'jwt', secondsUntilExpiration: -60 });
      const revoked = await clerk.createM2MToken({ machine });
      clerk.revoke(revoked);
      for (const token of [expired.secret, old.token, revoked.token]) {
        expect(await app.withToken('/machines', token)).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
      }
    });

    it('and sessions: each gets its own kind of object', async () => {
      const { user, token } = await signedIn();
      const key = clerk.createApiKey({ subject: user });
      for (const route of ['/mixed', '/any']) {
        expect((await app.withToken(route, token)).body).toMatchObject({ tokenType: 'session_token', userId: user.id });
        expect((await app.withToken(route, key.secret)).body).toMatchObject({ tokenType: 'api_key', userId: user.id });
      }
      expect((await app.send('/mixed')).body).toEqual({ isAuthenticated: false, tokenType: null });
    });
  });

  it('guarded twice identify the caller once, and decide twice', async () => {
    const { user, token } = await signedIn();
    const asked = jest.spyOn(app.nest.get<Authenticator>(AUTHENTICATOR), 'authenticate');
    expect((await app.withToken('/twice', token)).body).toEqual({ userId: user.id });
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
    expect((await app.withToken('/twice-denied', token)).status).toBe(403);
  });

  it('guarded only by @UseGuards are guarded', async () => {
    @Controller('single')
    class Single {
      @Get('guarded') @UseGuards(ClerkGuard) guarded() {}
      @Get('free') free() {}
    }
    const single = await TestApp.on(platform)
      .clerk({ ...clerk.options, guard: false })
      .controllers(Single)
      .start();
    expect((await single.send('/single/guarded')).status).toBe(401);
    expect((await single.send('/single/free')).status).toBe(200);
    await single.close();
  });

  it('are served by the client that the application brings', async () => {
    const clerkClient = createClerkClient({ ...clerk.options, telemetry: { disabled: true } });
    const own = await TestApp.on(platform)
      .clerk({ ...clerk.options, clerkClient })
      .controllers(Routes)
      .start();
    expect(own.get(ClerkClientService)).toBe(clerkClient);
    expect((await own.withToken('/auth', (await signedIn()).token)).status).toBe(200);
    await own.close();
  });

  describe('reached by a browser that has to pass by Clerk', () => {
    const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };

    it('answer with the redirect, all of Clerk’s headers, and nothing of the page', async () => {
      const { status, headers, body } = await app.send('/auth?a=1', navigation);
      expect(status).toBe(307);
      const location = new URL(headers.get('location')!);
      expect(location.origin).toBe(clerk.url);
      expect(location.searchParams.get('redirect_url')).toBe('http://127.0.0.1:' + app.port + '/auth?a=1');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.getSetCookie()).toEqual([expect.stringContaining('__clerk_redirect_count=1')]);
      expect(headers.get('x-clerk-auth-status')).toBe('handshake');
      expect(headers.get('x-clerk-auth-reason')).toBe('dev-browser-missing');
      expect(headers.get('x-clerk-auth-message')).toBeNull();
      expect(body).toMatchObject({ code: 'handshake' });
    });

    it('on public routes as well, and never where credentials are not looked at', async () => {
      expect((await app.send('/mixed', navigation)).status).toBe(307);
      expect((await app.send('/state', navigation)).status).not.toBe(307);
    });
  });
});

/** Whom a filter, a middleware or a guard was told is calling; `undefined` where nobody has checked. */
const told: (string | null | undefined)[] = [];
const noteCaller = (source: object) => told.push(tryGetAuth(source)?.userId);

@Catch()
class NotingFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost) {
    noteCaller(host);
    super.catch(exception, host);
  }
}

@Controller()
class Failing {
  @Get('denied') denied() {}
  @Get('fails') fails() {
    throw new BadRequestException();
  }
  @Get('skipped') @SkipAuth() skipped() {
    throw new BadRequestException();
  }
}

describe.each(PLATFORMS)('tryGetAuth() on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  let token: string;
  let userId: string;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    const user = clerk.createUser();
    userId = user.id;
    token = await clerk.sessionToken({ user });
    app = await TestApp.on(platform)
      .clerk(clerk.options)
      .controllers(Failing)
      .providers({ provide: APP_FILTER, useClass: NotingFilter })
      .start();
  });
  beforeEach(() => void told.splice(0));
  afterAll(async () => {
    await app.close();
    await clerk.stop();
  });

  it.each<[path: string, bearer: boolean, status: number, told: string | null | undefined]>([
    ['/unknown', true, 404, undefined],
    ['/skipped', true, 400, undefined],
    ['/denied', false, 401, null],
    ['/fails', true, 400, 'the user'],
  ])('in a filter of all errors, of %s with a token: %s, leaves the status %i and gives %s', async (path, ...row) => {
    const [bearer, status, user] = row;
    const answer = bearer ? await app.withToken(path, token) : await app.send(path);
    expect(answer.status).toBe(status);
    expect(told).toEqual([user === 'the user' ? userId : user]);
  });

  it('gives undefined in a middleware, before any guard', async () => {
    const early = await TestApp.on(platform)
      .clerk(clerk.options)
      .controllers(Failing)
      .before((nest) =>
        nest.use((request: object, _response: unknown, next: () => void) => (noteCaller(request), next())),
      )
      .start();
    expect((await early.withToken('/fails', token)).status).toBe(400);
    expect(told).toEqual([undefined]);
    await early.close();
  });

  it('gives on a 404 whom ClerkMiddleware has found', async () => {
    @Module({})
    class Early {
      configure(consumer: { apply(type: unknown): { forRoutes(path: string): unknown } }) {
        consumer.apply(ClerkMiddleware).forRoutes('{*path}');
      }
    }
    const early = await TestApp.on(platform)
      .imports(Early)
      .clerk(clerk.options)
      .providers({ provide: APP_FILTER, useClass: NotingFilter })
      .start();
    expect((await early.withToken('/unknown', token)).status).toBe(404);
    expect(told).toEqual([userId]);
    await early.close();
  });
});

@Injectable()
class CallerGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return !!getAuth(context).userId;
  }
}
const callerGuard = { provide: APP_GUARD, useClass: CallerGuard };

@Module({ providers: [callerGuard] })
class GuardModule {}

@Controller()
class Open {
  @Get('open') open() {
    return {};
  }
}

describe('a global guard that calls getAuth()', () => {
  let clerk: LocalClerk;
  beforeAll(async () => (clerk = await LocalClerk.start()));
  afterAll(() => clerk.stop());

  const platform = PLATFORMS[0][1];
  it.each<[string, (options: LocalClerk['options']) => ReturnType<typeof TestApp.on>, number]>([
    ['of AppModule runs after ClerkGuard', (o) => TestApp.on(platform).clerk(o).providers(callerGuard), 200],
    [
      'of AppModule that is listed before ClerkGuard, with guard: false, is told how to list them',
      (o) =>
        TestApp.on(platform)
          .clerk({ ...o, guard: false })
          .providers(callerGuard, { provide: APP_GUARD, useClass: ClerkGuard }),
      500,
    ],
    [
      'of a module imported after ClerkModule runs after it',
      (o) => TestApp.on(platform).clerk(o).imports(GuardModule),
      200,
    ],
    [
      'of AppModule runs after a ClerkGuard that is listed there before it',
      (o) =>
        TestApp.on(platform)
          .clerk({ ...o, guard: false })
          .providers({ provide: APP_GUARD, useClass: ClerkGuard }, callerGuard),
      200,
    ],
  ])('%s', async (_, describeApp, status) => {
    const app = await describeApp(clerk.options).controllers(Open).start();
    expect((await app.withToken('/open', await clerk.sessionToken())).status).toBe(status);
    if (status === 500) expect(app.logger.lines.join()).toContain('useClass: ClerkGuard } before that guard');
    await app.close();
  });
});
