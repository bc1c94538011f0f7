import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  applyDecorators,
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  type CanActivate,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import express from 'express';

import {
  AcceptsToken,
  AllowPendingSession,
  clerkMiddleware,
  ClerkMiddleware,
  getAuth,
  Public,
  RedirectToSignIn,
  requireClerk,
  RequireAuth,
  RequirePermission,
  RequireReverification,
  RequireScope,
  RequireThat,
  SkipAuth,
  tryGetAuth,
  type AuthObject,
  type AuthPredicateClass,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { isGuarded } from '../../lib/transports/attachment.js';
import { carrierOf } from '../../lib/transports/carrier.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type Answer } from '../support/test-app.js';

@Injectable()
class IsMember implements AuthPredicateClass {
  check(auth: AuthObject) {
    return 'orgId' in auth && typeof auth.orgId === 'string';
  }
}

/** Each protects one handler and one mounted route, which must answer the same. */
const PROTECTIONS: Readonly<Record<string, readonly (MethodDecorator & ClassDecorator)[]>> = {
  session: [],
  key: [AcceptsToken('api_key')],
  any: [AcceptsToken('any')],
  permission: [RequirePermission('org:docs:read')],
  scope: [AcceptsToken('api_key', 'm2m_token'), RequireScope('docs:read')],
  reverified: [RequireReverification('strict')],
  predicate: [RequireThat(IsMember)],
  pending: [AllowPendingSession()],
  redirected: [RedirectToSignIn()],
};

function handlers() {
  class Handlers {}
  for (const [name, decorators] of Object.entries(PROTECTIONS)) {
    const value = () => 'in';
    Object.defineProperty(Handlers.prototype, name, { value, configurable: true, writable: true });
    applyDecorators(Get(name), ...decorators)(Handlers.prototype, name, { value });
  }
  Controller('handler')(Handlers);
  return Handlers;
}

type Request = IncomingMessage & { readonly originalUrl?: string };

const answer = (_: Request, response: ServerResponse) => void response.end('in');

const whoami = (request: Request, response: ServerResponse) => {
  const auth = tryGetAuth(request, { acceptsToken: 'any' });
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ auth: auth ?? null, own: (request as { auth?: unknown }).auth ?? null }));
};

function mount(nest: INestApplication) {
  for (const [name, decorators] of Object.entries(PROTECTIONS)) {
    nest.use(`/mounted/${name}`, requireClerk(nest, ...decorators));
    nest.use(`/mounted/${name}`, answer);
  }
}

/** The parts of a response that a client sees, without those that depend on the time, the target or the platform. */
function seen({ status, headers, body }: Answer, name: string) {
  const of = (header: string) => headers.get(header)?.replaceAll(`mounted%2F${name}`, `handler%2F${name}`);
  const names = ['x-clerk-auth-status', 'x-clerk-auth-reason', 'x-clerk-auth-message', 'www-authenticate', 'location'];
  const cookies = headers.getSetCookie().map((cookie) => cookie.replaceAll(`/mounted/${name}`, `/handler/${name}`));
  return { status, body, headers: [...names, 'cache-control'].map(of), cookies };
}

describe.each(PLATFORMS)('mounted in main.ts on %s:', (platformName, platform) => {
  let clerk: LocalClerk;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());

  const start = (configure: (nest: INestApplication) => unknown, options: ClerkModuleOptions = {}) =>
    TestApp.on(platform)
      .clerk({ ...clerk.options, signInUrl: '/sign-in', ...options })
      .controllers(handlers())
      .providers(IsMember)
      .before(configure)
      .start();

  describe('requireClerk()', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await start(mount);
    });
    afterAll(() => app?.close());

    async function callers(): Promise<[string, Record<string, string>][]> {
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      clerk.addMember({ organization, user, role: 'org:member', permissions: ['org:docs:read'] });
      const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
      const document = { accept: 'text/html', 'sec-fetch-dest': 'document' };
      return [
        ['no credentials', {}],
        ['a session', bearer(await clerk.sessionToken())],
        ['a member', bearer(await clerk.sessionToken({ user, organization }))],
        ['a pending session', bearer(await clerk.sessionToken({ sessionStatus: 'pending' }))],
        ['an expired token', bearer(await clerk.sessionToken({ expiresIn: -60 }))],
        ['an invalid token', bearer('garbage')],
        ['an API key', bearer(clerk.createApiKey({ subject: user }).secret)],
        ['an API key with the scope', bearer(clerk.createApiKey({ subject: user, scopes: ['docs:read'] }).secret)],
        ['a new browser', document],
        ['a signed-out browser', { ...document, cookie: '__client_uat=0; __clerk_db_jwt=a' }],
      ];
    }

    it.each(Object.keys(PROTECTIONS))(
      'answers every caller as a handler with the same decorators does: %s',
      async (name) => {
        const statuses = new Set<number>();
        for (const [caller, headers] of await callers()) {
          const [mounted, handler] = [
            await app.send(`/mounted/${name}`, headers),
            await app.send(`/handler/${name}`, headers),
          ];
          expect([caller, seen(mounted, name)]).toEqual([caller, seen(handler, name)]);
          statuses.add(mounted.status);
        }
        expect(statuses).toContain(401);
      },
    );

    it('denies a target that looks like another host', async () => {
      expect((await app.send('/mounted/session//\\evil.example')).status).toBe(401);
      expect((await app.send('//mounted/session')).status).toBe(404);
    });

    it('makes the caller available to getAuth() and request.auth in later middleware', async () => {
      const known = await start((nest) => {
        nest.use('/whoami', requireClerk(nest, AcceptsToken('any')));
        nest.use('/whoami', whoami);
      });
      const user = clerk.createUser();
      const { body } = await known.withToken('/whoami/x?y=1', await clerk.sessionToken({ user }));
      expect(body).toMatchObject({ auth: { userId: user.id }, own: { userId: user.id } });
      await known.close();
    });

    it('logs the status and code of a denied call', async () => {
      await app.send('/mounted/session');
      expect(app.logger.lines.join('\n')).toMatch(/MountedRoute\.requireClerk: denied 401 \(authentication-required\)/);
    });
  });

  it('requireClerk() returns 503 clerk-unavailable to new callers while Clerk is down, and admits cached ones', async () => {
    const down = await LocalClerk.start();
    const app = await TestApp.on(platform)
      .clerk(down.options)
      .controllers(handlers())
      .providers(IsMember)
      .before(mount)
      .start();
    const known = await down.sessionToken();
    const unknown = down.createApiKey({ subject: down.createUser().id }).secret;
    expect((await app.withToken('/mounted/session', known)).status).toBe(200);
    await down.stop();
    expect((await app.withToken('/mounted/session', known)).status).toBe(200);
    const [mounted, handler] = [
      await app.withToken('/mounted/key', unknown),
      await app.withToken('/handler/key', unknown),
    ];
    expect(seen(mounted, 'key')).toEqual(seen(handler, 'key'));
    expect(mounted).toMatchObject({ status: 503, body: { code: 'clerk-unavailable' } });
    await app.close();
  });

  it('requireClerk() responds with the error that onError returns', async () => {
    const calls: string[] = [];
    const app = await start(mount, {
      onError: (error, context) => {
        calls.push(`${context.getClass().name}.${context.getHandler().name}: ${error.code}`);
        return Object.assign(new Error('No entry'), { statusCode: 418 });
      },
    });
    expect(await app.send('/mounted/session')).toMatchObject({ status: 418, body: { message: 'No entry' } });
    expect(calls).toEqual(['MountedRoute.requireClerk: authentication-required']);
    await app.close();
  });

  it('requireClerk() does not let callers past the guard, which still returns 403 for a missing permission', async () => {
    const app = await start((nest) => nest.use(requireClerk(nest)));
    const token = await clerk.sessionToken();
    expect((await app.withToken('/handler/permission', token)).status).toBe(403);
    expect((await app.withToken('/handler/session', token)).status).toBe(200);
    await app.close();
  });

  it('requireClerk() does not mark a call as judged by the guard', async () => {
    const app = await start((nest) => {
      nest.use('/judged', requireClerk(nest));
      nest.use('/judged', (request: Request, response: ServerResponse) => {
        response.end(String(isGuarded(carrierOf(request))));
      });
    });
    expect((await app.withToken('/judged', await clerk.sessionToken())).body).toBe('false');
    await app.close();
  });

  describe('requireClerk() with invalid decorators', () => {
    class Other implements CanActivate {
      canActivate() {
        return false;
      }
    }

    it.each<[string, readonly (MethodDecorator & ClassDecorator)[], RegExp]>([
      ['@Public()', [Public()], /requireClerk\(\): @RequireAuth\(\) and @Public\(\) contradict/],
      ['@SkipAuth()', [SkipAuth()], /contradict each other/],
      ['@AcceptsToken() twice', [AcceptsToken('api_key'), AcceptsToken('m2m_token')], /is applied twice/],
      ['@RequireScope() for session tokens', [RequireScope('a')], /no requirement applies/],
      ['a system permission', [RequirePermission('org:sys_x' as never)], /system permissions/],
      ['@UseGuards()', [UseGuards(Other) as MethodDecorator & ClassDecorator], /decorators of nest-clerk only/],
      [
        '@UseGuards() inside applyDecorators()',
        [applyDecorators(RequireAuth(), UseGuards(Other)) as never],
        /of nest-clerk only/,
      ],
    ])('throws while main.ts runs: %s', async (_, decorators, message) => {
      await expect(start((nest) => nest.use(requireClerk(nest, ...decorators)))).rejects.toThrow(message);
    });

    it('returns 500 when a predicate class cannot be instantiated, and the log names it', async () => {
      class Missing {}
      @Injectable()
      class NeedsMissing implements AuthPredicateClass {
        constructor(readonly missing: Missing) {}
        check() {
          return true;
        }
      }
      Reflect.defineMetadata('design:paramtypes', [Missing], NeedsMissing);
      const app = await start((nest) => {
        nest.use('/x', requireClerk(nest, RequireThat(NeedsMissing)));
        nest.use('/x', answer);
      });
      const { status, body } = await app.withToken('/x', await clerk.sessionToken());
      expect([status, body.message]).toEqual([500, 'Internal server error']);
      expect(app.logger.lines.join('\n')).toContain('@RequireThat(NeedsMissing) cannot be created');
      await app.close();
    });
  });

  it('requireClerk() returns 401 for a CORS preflight', async () => {
    const app = await start(mount);
    const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' };
    expect((await app.send('/mounted/session', preflight, 'OPTIONS')).status).toBe(401);
    await app.close();
  });

  describe('clerkMiddleware()', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await start((nest) => {
        nest.use(clerkMiddleware(nest));
        nest.use('/whoami', whoami);
      });
    });
    afterAll(() => app?.close());

    it('makes the caller available to later middleware, and denies no one', async () => {
      const user = clerk.createUser();
      const session = await app.withToken('/whoami', await clerk.sessionToken({ user }));
      expect(session.body).toMatchObject({ auth: { userId: user.id }, own: { userId: user.id } });
      const key = await app.withToken('/whoami/x', clerk.createApiKey({ subject: user }).secret);
      expect(key.body).toMatchObject({ auth: { tokenType: 'api_key', userId: user.id } });
      for (const headers of [{}, { authorization: 'Bearer garbage' }] as Record<string, string>[]) {
        expect(await app.send('/whoami', headers)).toMatchObject({
          status: 200,
          body: { auth: { isAuthenticated: false } },
        });
      }
    });

    it('redirects a new browser to a handshake with one cookie', async () => {
      for (const path of ['/whoami', '/handler/session', '/']) {
        const { status, headers } = await app.send(path, { accept: 'text/html', 'sec-fetch-dest': 'document' });
        expect([status, new URL(headers.get('location')!).origin]).toEqual([307, clerk.url]);
        expect(headers.getSetCookie()).toHaveLength(1);
      }
    });

    it('does not let callers past the guard, which still returns 401 and 403', async () => {
      expect((await app.send('/handler/session')).status).toBe(401);
      expect((await app.withToken('/handler/permission', await clerk.sessionToken())).status).toBe(403);
      expect((await app.withToken('/handler/session', await clerk.sessionToken())).status).toBe(200);
    });
  });

  describe('ClerkMiddleware', () => {
    const see = (request: Request, response: ServerResponse, next: () => void) => {
      const auth = tryGetAuth(request);
      response.setHeader('x-seen', auth ? String(auth.isAuthenticated) : 'not checked');
      next();
    };

    @Module({})
    class Seen implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(ClerkMiddleware, see).forRoutes('{*path}');
      }
    }

    it.each([
      ['', ['/', '/handler/session', '/unknown/a/b', '/unknown/']],
      ['api', ['/api/handler/session', '/api/unknown/a/b', '/api/unknown/']],
    ])('runs for every path that forRoutes("{*path}") covers, with the global prefix "%s"', async (prefix, paths) => {
      const app = await TestApp.on(platform)
        .clerk(clerk.options)
        .controllers(handlers())
        .providers(IsMember)
        .imports(Seen)
        .before((nest) => void (prefix && nest.setGlobalPrefix(prefix)))
        .start();
      const token = await clerk.sessionToken();
      for (const path of paths) {
        expect([path, (await app.withToken(path, token)).headers.get('x-seen')]).toEqual([path, 'true']);
      }
      await app.close();
    });
  });

  describe('static files behind requireClerk()', () => {
    let folder: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'mounted-'));
      mkdirSync(join(folder, 'sub'));
      writeFileSync(join(folder, 'report.txt'), 'secret figures');
      writeFileSync(join(folder, 'sub', 'report.txt'), 'secret figures');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('are served to signed-in callers only, with any spelling of the path', async () => {
      const app = await start(async (nest) => {
        nest.use('/files', requireClerk(nest));
        if (platformName === 'Express') nest.use('/files', express.static(folder));
        else {
          const fastify = nest.getHttpAdapter().getInstance();
          await fastify.register((await import('@fastify/static')).default, { root: folder, prefix: '/files/' });
        }
      });
      const token = await clerk.sessionToken();
      for (const path of ['/files/report.txt', '/files/sub/report.txt']) {
        expect(await app.withToken(path, token)).toMatchObject({ status: 200, body: 'secret figures' });
        expect((await app.send(path)).status).toBe(401);
      }
      const spellings = ['/FILES/report.txt', '//files/report.txt', '/files//report.txt', '/%66iles/report.txt'];
      spellings.push(
        '/files/%72eport.txt',
        '/files/./report.txt',
        '/files/sub/../report.txt',
        '/x/../files/report.txt',
      );
      spellings.push('/files/sub/%2e%2e/report.txt', '/files/sub%2freport.txt', '/files/..;/files/report.txt');
      spellings.push('/files;/report.txt', '/./files/report.txt', '/files\\report.txt', '/%2e/files/report.txt');
      for (const target of spellings) {
        const { status, body } = await app.send(target);
        expect([target, status === 200, String(body).includes('secret')]).toEqual([target, false, false]);
      }
      await app.close();
    });
  });

  it('requireClerk() protects an Express Router for every method', async () => {
    const router = express.Router();
    router.all('/deep/:id', (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ userId: getAuth(request).userId }));
    });
    const app = await start((nest) => {
      nest.use('/router', requireClerk(nest));
      nest.use('/router', router);
    });
    const user = clerk.createUser();
    for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
      expect((await app.send('/router/deep/1', {}, method)).status).toBe(401);
    }
    expect((await app.withToken('/router/deep/1', await clerk.sessionToken({ user }))).body).toEqual({
      userId: user.id,
    });
    await app.close();
  });
});
