import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, Auth, Public, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {
    return 'in';
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('api-key') @AcceptsToken('api_key') apiKey() {
    return 'in';
  }
  @Get('m2m') @AcceptsToken('m2m_token') m2m() {
    return 'in';
  }
  @Get('oauth') @AcceptsToken('oauth_token') oauth() {
    return 'in';
  }
}

/** Short enough for a test, long enough for a healthy response on a busy machine. */
const TIMEOUT_MS = 750;

describe.each(PLATFORMS)('an application on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeEach(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, timeoutInMs: TIMEOUT_MS })
      .controllers(Routes)
      .start();
  });
  afterEach(() => Promise.all([app?.close(), clerk?.stop()]));

  it('returns 200 when Clerk answers within timeoutInMs, and 503 when it does not', async () => {
    clerk.outage({ delay: TIMEOUT_MS / 15 });
    expect((await app.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
    clerk.outage({ delay: TIMEOUT_MS * 4 });
    expect((await app.withToken('/api-key', clerk.createApiKey({ subject: clerk.createUser() }).secret)).status).toBe(
      503,
    );
  });

  it.each([400, 404, 422])(
    'returns 401 token-invalid, not 503, when Clerk answers %d for an API key',
    async (status) => {
      clerk.outage({ status });
      expect(await app.withToken('/api-key', 'ak_x')).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    },
  );
});

describe.each(PLATFORMS)('an application whose secret key Clerk rejects, on %s,', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, secretKey: 'sk_test_ofAnotherInstance' })
      .controllers(Routes)
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it.each(['strict', 'api-key', 'm2m', 'oauth'])(
    'returns 500 clerk-key-rejected for the route %s, and the log says what to check',
    async (route) => {
      const user = clerk.createUser();
      const token = {
        strict: await clerk.sessionToken(),
        'api-key': clerk.createApiKey({ subject: user }).secret,
        m2m: (await clerk.createM2MToken({ machine: clerk.createMachine() })).token,
        oauth: (await clerk.createOAuthToken({ user })).token,
      }[route]!;
      expect(await app.withToken(`/${route}`, token)).toMatchObject({
        status: 500,
        body: { code: 'clerk-key-rejected' },
      });
      expect(app.logger.ofGuard('error').at(-1)).toContain('Check secretKey (environment variable CLERK_SECRET_KEY)');
    },
  );

  it('returns 200 signed out for a public route', async () => {
    expect(await app.withToken('/public', await clerk.sessionToken())).toMatchObject({
      status: 200,
      body: { isAuthenticated: false },
    });
  });
});

describe.each(PLATFORMS)('calls to Clerk on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeEach(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Routes).start();
  });
  afterEach(() => Promise.all([app?.close(), clerk?.stop()]));

  it('are none for a machine token on a session route, which returns 401', async () => {
    const user = clerk.createUser();
    const machine = clerk.createMachine();
    const tokens = [
      clerk.createApiKey({ subject: user }).secret,
      (await clerk.createM2MToken({ machine })).token,
      (await clerk.createM2MToken({ machine, format: 'jwt' })).token,
      (await clerk.createOAuthToken({ user })).token,
      (await clerk.createOAuthToken({ user, format: 'jwt' })).token,
    ];
    for (const token of tokens) expect((await app.withToken('/strict', token)).status).toBe(401);
    expect(clerk.countRequests()).toBe(0);
  });

  it('are none for a session token on a machine route, which returns 401', async () => {
    const token = await clerk.sessionToken();
    for (const route of ['api-key', 'm2m', 'oauth']) expect((await app.withToken(`/${route}`, token)).status).toBe(401);
    expect(clerk.countRequests()).toBe(0);
  });

  it('are one fetch of the keys for 30 concurrent sessions', async () => {
    const tokens = await Promise.all(Array.from({ length: 30 }, () => clerk.sessionToken()));
    const answers = await Promise.all(tokens.map((token) => app.withToken('/strict', token)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(clerk.requests.map(({ path }) => path)).toEqual(['/v1/jwks']);
  });

  it('are one fetch of the keys for 50 forged kids, and a valid token still passes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_unused, index) =>
        app.withToken('/strict', await clerk.sessionToken({ header: { kid: `ins_forged${index}` } })),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(clerk.countRequests('/v1/jwks')).toBe(1);
    expect((await app.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
    expect(clerk.countRequests('/v1/jwks')).toBe(1);
  });

  it('are one per API key, and one fetch of the keys for M2M and OAuth JWTs', async () => {
    const user = clerk.createUser();
    const machine = clerk.createMachine();
    expect((await app.withToken('/api-key', clerk.createApiKey({ subject: user }).secret)).status).toBe(200);
    expect((await app.withToken('/m2m', (await clerk.createM2MToken({ machine, format: 'jwt' })).token)).status).toBe(
      200,
    );
    expect((await app.withToken('/oauth', (await clerk.createOAuthToken({ user, format: 'jwt' })).token)).status).toBe(
      200,
    );
    expect(clerk.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api_keys/verify',
      'GET /v1/jwks',
    ]);
  });

  it('are none with jwtKey, for a valid token and for a token of another instance', async () => {
    const offline = await TestApp.on(platform)
      .clerk({ ...clerk.options, jwtKey: clerk.jwtKey })
      .controllers(Routes)
      .start();
    expect((await offline.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
    const other = await LocalClerk.start();
    expect((await offline.withToken('/strict', await other.sessionToken())).status).toBe(401);
    expect(clerk.countRequests() + other.countRequests()).toBe(0);
    await Promise.all([offline.close(), other?.stop()]);
  });

  it('fetch the current keys: a token signed after a rotation passes', async () => {
    clerk.rotateKey();
    expect((await app.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
  });
});
