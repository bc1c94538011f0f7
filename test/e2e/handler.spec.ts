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
class CallerInterceptor implements NestInterceptor {
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
  @Get('interceptor') @UseInterceptors(CallerInterceptor) interceptor() {}
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

describe.each(PLATFORMS)('a handler on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    clerkOptions = clerk.options;
    app = await TestApp.on(platform)
      .clerk(clerk.options)
      .controllers(Routes)
      .providers(CallerInterceptor, Teapot)
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  const signedIn = async () => {
    const user = clerk.createUser({ firstName: 'Ada', lastName: 'Lovelace' });
    const organization = clerk.createOrganization({ slug: 'acme' });
    const session = clerk.createSession({ user, organization });
    return { user, organization, session, token: await clerk.sessionToken({ session, role: 'org:admin' }) };
  };

  it('gets Clerk’s auth object from @Auth()', async () => {
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

  it('gets single properties from @Auth(), and 400 from a pipe that rejects one', async () => {
    const { user, token } = await signedIn();
    expect((await app.withToken('/properties', token)).body).toEqual({
      userId: user.id,
      slug: 'acme',
      role: 'org:admin',
    });
    expect((await app.withToken('/pipe', token)).status).toBe(new BadRequestException().getStatus());
  });

  it('reads the caller from request.auth, request.auth(), our getAuth() and Clerk’s getAuth() for Express', async () => {
    const { user, token } = await signedIn();
    expect((await app.withToken('/request', token)).body).toEqual({
      called: user.id,
      read: user.id,
      json: expect.objectContaining({ userId: user.id, tokenType: 'session_token' }),
      ours: user.id,
      ofExpress: user.id,
    });
  });

  it('has an interceptor that reads the caller with getAuth()', async () => {
    const { user, token } = await signedIn();
    await app.withToken('/interceptor', token);
    expect(app.get(CallerInterceptor).seen.at(-1)).toBe(user.id);
  });

  it('is denied with an UnauthorizedException that the application’s filter catches', async () => {
    expect(await app.send('/filtered')).toMatchObject({ status: 418, body: { tea: 'authentication-required' } });
  });

  it('calls Clerk’s Backend API through ClerkClientService', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/user', token)).body).toEqual({ name: 'Ada Lovelace' });
  });

  it('gets its own session token and a JWT template token from auth.getToken()', async () => {
    const { token } = await signedIn();
    clerk.createJwtTemplate({ name: 'partner', claims: { aud: 'partner' } });
    const { body } = await app.withToken('/token', token);
    expect(body.own).toBe(token);
    expect(JSON.parse(Buffer.from(body.template.split('.')[1], 'base64url').toString())).toMatchObject({
      aud: 'partner',
    });
  });

  it('can call authenticateRequest() itself on a @SkipAuth() route', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/state', token)).body).toEqual({ status: 'signed-in' });
    expect((await app.send('/state')).body).toEqual({ status: 'signed-out' });
  });

  it('returns 500 when it calls getAuth() on a @SkipAuth() route, and the log says why', async () => {
    const { token } = await signedIn();
    expect((await app.withToken('/skipped', token)).status).toBe(500);
    expect(app.logger.lines.join('\n')).toContain('There is no Clerk identity on this request');
  });

  describe('that accepts machine tokens', () => {
    it.each(['opaque', 'jwt'] as const)(
      'gets the auth object of an M2M token and of an OAuth token in the format %s',
      async (format) => {
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
      },
    );

    it('gets the user or the organization of an API key', async () => {
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

    it('returns 401 for an expired API key, an expired M2M JWT and a revoked M2M token', async () => {
      const expired = clerk.createApiKey({ subject: clerk.createUser(), secondsUntilExpiration: -1 });
      const machine = clerk.createMachine();
      const old = await clerk.createM2MToken({ machine, format: 'jwt', secondsUntilExpiration: -60 });
      const revoked = await clerk.createM2MToken({ machine });
      clerk.revoke(revoked);
      for (const token of [expired.secret, old.token, revoked.token]) {
        expect(await app.withToken('/machines', token)).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
      }
    });

    it('and sessions gets the auth object of the token type that was sent', async () => {
      const { user, token } = await signedIn();
      const key = clerk.createApiKey({ subject: user });
      for (const route of ['/mixed', '/any']) {
        expect((await app.withToken(route, token)).body).toMatchObject({ tokenType: 'session_token', userId: user.id });
        expect((await app.withToken(route, key.secret)).body).toMatchObject({ tokenType: 'api_key', userId: user.id });
      }
      expect((await app.send('/mixed')).body).toEqual({ isAuthenticated: false, tokenType: null });
    });
  });

  it('under two guards is authenticated once, and a missing permission still returns 403', async () => {
    const { user, token } = await signedIn();
    const authenticate = jest.spyOn(app.nest.get<Authenticator>(AUTHENTICATOR), 'authenticate');
    expect((await app.withToken('/twice', token)).body).toEqual({ userId: user.id });
    expect(authenticate).toHaveBeenCalledTimes(1);
    authenticate.mockRestore();
    expect((await app.withToken('/twice-denied', token)).status).toBe(403);
  });

  it('with @UseGuards(ClerkGuard) and guard: false returns 401, and one without it stays open', async () => {
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

  it('is authenticated with the client of the clerkClient option', async () => {
    const clerkClient = createClerkClient({ ...clerk.options, telemetry: { disabled: true } });
    const own = await TestApp.on(platform)
      .clerk({ ...clerk.options, clerkClient })
      .controllers(Routes)
      .start();
    expect(own.get(ClerkClientService)).toBe(clerkClient);
    expect((await own.withToken('/auth', (await signedIn()).token)).status).toBe(200);
    await own.close();
  });

  describe('that a new browser navigates to', () => {
    const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };

    it('answers with a handshake redirect and Clerk’s headers instead of the page', async () => {
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

    it('answers with a redirect on a @Public() route too, and without one on a @SkipAuth() route', async () => {
      expect((await app.send('/mixed', navigation)).status).toBe(307);
      expect((await app.send('/state', navigation)).status).not.toBe(307);
    });
  });
});

/** The callers that tryGetAuth() returned in a filter or a middleware; `undefined` if credentials were not checked. */
const seen: (string | null | undefined)[] = [];
const noteCaller = (source: object) => seen.push(tryGetAuth(source)?.userId);

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
  beforeEach(() => void seen.splice(0));
  afterAll(async () => {
    await app.close();
    await clerk.stop();
  });

  it.each<[path: string, bearer: boolean, status: number, seen: string | null | undefined]>([
    ['/unknown', true, 404, undefined],
    ['/skipped', true, 400, undefined],
    ['/denied', false, 401, null],
    ['/fails', true, 400, 'the user'],
  ])('in a filter for all errors (%s, with a token: %s, status %i) returns %s', async (path, ...row) => {
    const [bearer, status, user] = row;
    const answer = bearer ? await app.withToken(path, token) : await app.send(path);
    expect(answer.status).toBe(status);
    expect(seen).toEqual([user === 'the user' ? userId : user]);
  });

  it('returns undefined in a middleware that runs before the guard', async () => {
    const early = await TestApp.on(platform)
      .clerk(clerk.options)
      .controllers(Failing)
      .before((nest) =>
        nest.use((request: object, _response: unknown, next: () => void) => (noteCaller(request), next())),
      )
      .start();
    expect((await early.withToken('/fails', token)).status).toBe(400);
    expect(seen).toEqual([undefined]);
    await early.close();
  });

  it('returns the caller that ClerkMiddleware authenticated in the filter of a 404', async () => {
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
    expect(seen).toEqual([userId]);
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
    [
      'in AppModule, runs after ClerkGuard and returns 200',
      (o) => TestApp.on(platform).clerk(o).providers(callerGuard),
      200,
    ],
    [
      'in AppModule before ClerkGuard, with guard: false, returns 500 and the log says how to order them',
      (o) =>
        TestApp.on(platform)
          .clerk({ ...o, guard: false })
          .providers(callerGuard, { provide: APP_GUARD, useClass: ClerkGuard }),
      500,
    ],
    [
      'in a module imported after ClerkModule, runs after ClerkGuard and returns 200',
      (o) => TestApp.on(platform).clerk(o).imports(GuardModule),
      200,
    ],
    [
      'in AppModule after ClerkGuard, with guard: false, returns 200',
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
