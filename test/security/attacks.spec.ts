import { Controller, Get, type INestApplication } from '@nestjs/common';

import { Auth, getAuth, Public, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
}

describe.each(PLATFORMS)('attacks on %s', (_, platform) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Routes).start();
    token = await clerk.sessionToken();
    expect((await app.withToken('/strict', token)).status).toBe(200);
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

  it('with 60 forged session cookies are denied with 401 and cause no key fetch', async () => {
    const before = clerk.countRequests('/v1/jwks');
    const cookies = Array.from(
      { length: 60 },
      (_unused, i) => `__session_${i}=${Buffer.from(`{"alg":"RS256","kid":"k${i}"}`).toString('base64url')}.e30.AAAA`,
    );
    const { status } = await app.send('/strict', {
      cookie: `__client_uat=1; __clerk_db_jwt=d; ${cookies.join('; ')}`,
    });
    expect(status).toBe(401);
    expect(clerk.countRequests('/v1/jwks')).toBe(before);
  });

  it('with tokens of another instance are denied with 401, even when valid tokens are sent concurrently', async () => {
    const second = await TestApp.on(platform).clerk(other.options).controllers(Routes).start();
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async (_unused, index) => {
        const [home, away] = index % 2 ? [app, second] : [second, app];
        const own = await (index % 2 ? clerk : other).sessionToken();
        return [(await home.withToken('/strict', own)).status, (await away.withToken('/strict', own)).status];
      }),
    );
    expect(statuses).toEqual(statuses.map(() => [200, 401]));
    await second.close();
  });

  describe('with a forged request.auth', () => {
    const forgeries: [string, () => unknown][] = [
      ['an object, as express-jwt sets it', () => ({ sub: 'user_evil', userId: 'user_evil', isAuthenticated: true })],
      [
        'a function marked as @clerk/express’s',
        () =>
          Object.assign(() => ({ userId: 'user_evil', isAuthenticated: true, tokenType: 'session_token' }), {
            [Symbol.for('@clerk/express.auth')]: true,
          }),
      ],
      ['the value true', () => true],
    ];

    it.each(forgeries)('that is %s do not sign anyone in, and do not break valid tokens', async (_, forge) => {
      const foreign = await TestApp.on(platform)
        .clerk(clerk.options)
        .controllers(Routes)
        .before((nest: INestApplication) => {
          const adapter = nest.getHttpAdapter();
          const instance = adapter.getInstance() as any;
          if (adapter.getType() === 'fastify')
            instance.addHook('onRequest', async (request: any) => void (request.auth = forge()));
          else nest.use((request: any, _response: unknown, next: () => void) => ((request.auth = forge()), next()));
        })
        .start();
      expect((await foreign.send('/strict')).status).toBe(401);
      expect((await foreign.send('/public')).body).toMatchObject({ isAuthenticated: false, userId: null });
      expect((await foreign.withToken('/strict', token)).body).toMatchObject({ isAuthenticated: true });
      await foreign.close();
    });

    it('in a parsed JSON object do not reach getAuth(), which throws auth-not-populated', () => {
      const request = JSON.parse(
        '{"auth":{"userId":"user_evil"},"Symbol(nest-clerk:identity)":{"status":"signed-in"}}',
      );
      expect(() => getAuth(request)).toThrow(expect.objectContaining({ code: 'auth-not-populated' }));
    });
  });

  it('with altered credentials leave no credential and no secret key in responses and log lines', async () => {
    const secrets = [token, 'ak_SECRET', 'mt_SECRET', clerk.secretKey];
    const responses = [];
    for (const credential of secrets.slice(0, 3)) {
      for (const target of ['/strict', '/public']) {
        responses.push(await app.withToken(target, `${credential}x`));
        responses.push(
          await app.send(target, { cookie: `__session=${credential}x; __client_uat=1; __clerk_db_jwt=d` }),
        );
      }
    }
    const output =
      responses.map(({ headers, body }) => JSON.stringify([[...headers], body])).join('\n') +
      app.logger.lines.join('\n');
    for (const secret of secrets) expect(output).not.toContain(secret);
  });
});
