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

/** Stands for whatever is mounted beside Nest: answers under /mounted, and sees everything else pass. */
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

  it('says who is calling where no guard looks, whatever the token', async () => {
    const user = clerk.createUser();
    const session = await app.withToken('/mounted/x', await clerk.sessionToken({ user }));
    expect(session.body).toMatchObject({ tokenType: 'session_token', userId: user.id, ofExpress: user.id });
    const apiKey = await app.withToken('/mounted/x', clerk.createApiKey({ subject: user }).secret);
    expect(apiKey.body).toMatchObject({ tokenType: 'api_key', userId: user.id, ofExpress: null });
    expect((await app.send('/mounted/x')).body).toMatchObject({ isAuthenticated: false });
    expect((await app.withToken('/mounted/x', 'garbage')).body).toMatchObject({ isAuthenticated: false });
  });

  it('opens nothing: the guard decides, also on its answer', async () => {
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

  it('is asked once for a call that it covers', async () => {
    const asked = jest.spyOn(app.nest.get<Authenticator>(AUTHENTICATOR), 'authenticate');
    expect((await app.withToken('/session', await clerk.sessionToken())).body).toMatchObject({ isAuthenticated: true });
    expect(asked).toHaveBeenCalledTimes(1);
    const before = clerk.countRequests('/api_keys/verify');
    const key = clerk.createApiKey({ subject: clerk.createUser() });
    expect((await app.withToken('/api-key', key.secret)).body).toMatchObject({ tokenType: 'api_key' });
    expect(clerk.countRequests('/api_keys/verify') - before).toBe(1);
    asked.mockRestore();
  });

  it('completes what a browser needs: the handshake, with all headers', async () => {
    for (const path of ['/mounted/x', '/session', '/unknown']) {
      const { status, headers } = await app.send(path, { accept: 'text/html', 'sec-fetch-dest': 'document' });
      expect([status, new URL(headers.get('location')!).origin, headers.getSetCookie().length]).toEqual([
        307,
        clerk.url,
        1,
      ]);
    }
  });

  it('refuses what is no request to this server', async () => {
    expect((await app.send('//evil.example/mounted')).status).toBe(400);
  });

  it('counts pending sessions as the module says', async () => {
    const lenient = await TestApp.on(platform)
      .clerk({ ...clerk.options, treatPendingAsSignedOut: false })
      .imports(MountedModule)
      .start();
    const token = await clerk.sessionToken({ sessionStatus: 'pending' });
    expect((await app.withToken('/mounted/x', token)).body).toMatchObject({ isAuthenticated: false });
    expect((await lenient.withToken('/mounted/x', token)).body).toMatchObject({ isAuthenticated: true });
    await lenient.close();
  });

  it('leaves handlers alone that skip authentication', async () => {
    expect((await app.withToken('/skipped', 'garbage')).status).toBe(200);
  });
});
