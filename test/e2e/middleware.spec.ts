import type { IncomingMessage, ServerResponse } from 'node:http';

import { Controller, Get, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { getAuth as getAuthOfExpress } from '@clerk/express';

import { AUTHENTICATOR, type Authenticator } from '../../lib/authentication/lanes/authenticator.js';
import {
  AcceptsToken,
  Auth,
  ClerkMiddleware,
  getAuth,
  RequirePermission,
  SkipAuth,
  type AuthObject,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('session') session(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('api-key') @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('permission') @RequirePermission('org:a:b') permission() {}
  @Get('skipped') @SkipAuth() skipped() {
    return 'in';
  }
}

/** Stands for middleware mounted beside Nest: answers below /mounted, and passes everything else on. */
function mounted(
  request: IncomingMessage & { originalUrl?: string },
  response: ServerResponse,
  next: () => void,
): void {
  if (!(request.originalUrl ?? request.url)?.startsWith('/mounted')) return next();
  const auth = getAuth(request, { acceptsToken: 'any' });
  const ofExpress = getAuthOfExpress(request as never).userId;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...auth, ofExpress }));
}

@Module({})
class MountedModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware, mounted).forRoutes('{*path}');
  }
}

describe.each(PLATFORMS)('ClerkMiddleware on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform).clerk(clerk.options).imports(MountedModule).controllers(Routes).start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it('makes the caller available to getAuth() on a path without a guard, for any token type', async () => {
    const user = clerk.createUser();
    const session = await app.withToken('/mounted/x', await clerk.sessionToken({ user }));
    expect(session.body).toMatchObject({ tokenType: 'session_token', userId: user.id, ofExpress: user.id });
    const apiKey = await app.withToken('/mounted/x', clerk.createApiKey({ subject: user }).secret);
    expect(apiKey.body).toMatchObject({ tokenType: 'api_key', userId: user.id, ofExpress: null });
    expect((await app.send('/mounted/x')).body).toMatchObject({ isAuthenticated: false });
    expect((await app.withToken('/mounted/x', 'garbage')).body).toMatchObject({ isAuthenticated: false });
  });

  it('does not let callers past the guard, which still returns 401 and 403', async () => {
    const token = await clerk.sessionToken();
    expect((await app.send('/session')).status).toBe(401);
    expect((await app.withToken('/session', 'garbage')).status).toBe(401);
    expect((await app.withToken('/permission', token)).status).toBe(403);
    expect((await app.withToken('/api-key', token)).status).toBe(401);
    expect((await app.withToken('/session', clerk.createApiKey({ subject: clerk.createUser() }).secret)).status).toBe(
      401,
    );
    expect((await app.send('/unknown')).status).toBe(404);
  });

  it('lets the guard reuse its identity: each request is authenticated once', async () => {
    const authenticate = jest.spyOn(app.nest.get<Authenticator>(AUTHENTICATOR), 'authenticate');
    expect((await app.withToken('/session', await clerk.sessionToken())).body).toMatchObject({ isAuthenticated: true });
    expect(authenticate).toHaveBeenCalledTimes(1);
    const before = clerk.countRequests('/api_keys/verify');
    const key = clerk.createApiKey({ subject: clerk.createUser() });
    expect((await app.withToken('/api-key', key.secret)).body).toMatchObject({ tokenType: 'api_key' });
    expect(clerk.countRequests('/api_keys/verify') - before).toBe(1);
    authenticate.mockRestore();
  });

  it('redirects a new browser to a handshake on mounted, guarded and unknown paths', async () => {
    for (const path of ['/mounted/x', '/session', '/unknown']) {
      const { status, headers } = await app.send(path, { accept: 'text/html', 'sec-fetch-dest': 'document' });
      expect([status, new URL(headers.get('location')!).origin, headers.getSetCookie().length]).toEqual([
        307,
        clerk.url,
        1,
      ]);
    }
  });

  it('returns 400 for a target that names another host', async () => {
    expect((await app.send('//evil.example/mounted')).status).toBe(400);
  });

  it('treats a pending session as signed out, and as signed in with treatPendingAsSignedOut: false', async () => {
    const lenient = await TestApp.on(platform)
      .clerk({ ...clerk.options, treatPendingAsSignedOut: false })
      .imports(MountedModule)
      .start();
    const token = await clerk.sessionToken({ sessionStatus: 'pending' });
    expect((await app.withToken('/mounted/x', token)).body).toMatchObject({ isAuthenticated: false });
    expect((await lenient.withToken('/mounted/x', token)).body).toMatchObject({ isAuthenticated: true });
    await lenient.close();
  });

  it('lets an invalid token through to a @SkipAuth() handler', async () => {
    expect((await app.withToken('/skipped', 'garbage')).status).toBe(200);
  });
});
