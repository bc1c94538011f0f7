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

  it('by hundreds of session cookies cause no more than one look at the keys', async () => {
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

  it('by tokens of two instances at each other’s application fail under concurrency too', async () => {
    const second = await TestApp.on(platform).clerk(other.options).controllers(Routes).start();
    const asked = await Promise.all(
      Array.from({ length: 40 }, async (_unused, index) => {
        const [home, away] = index % 2 ? [app, second] : [second, app];
        const own = await (index % 2 ? clerk : other).sessionToken();
        return [(await home.withToken('/strict', own)).status, (await away.withToken('/strict', own)).status];
      }),
    );
    expect(asked).toEqual(asked.map(() => [200, 401]));
    await second.close();
  });

  describe('by what other libraries leave on the request', () => {
    const forgeries: [string, () => unknown][] = [
      ['express-jwt', () => ({ sub: 'user_evil', userId: 'user_evil', isAuthenticated: true })],
      [
        'a forged Clerk handler',
        () =>
          Object.assign(() => ({ userId: 'user_evil', isAuthenticated: true, tokenType: 'session_token' }), {
            [Symbol.for('@clerk/express.auth')]: true,
          }),
      ],
      ['passport', () => true],
    ];

    it.each(forgeries)('the auth of %s signs nobody in, and does not break who is', async (_, forge) => {
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

    it('nor does anything a client can put into a request', () => {
      const request = JSON.parse(
        '{"auth":{"userId":"user_evil"},"Symbol(nest-clerk:identity)":{"status":"signed-in"}}',
      );
      expect(() => getAuth(request)).toThrow(expect.objectContaining({ code: 'auth-not-populated' }));
    });
  });

  it('leave no credential and no key in any answer or log line', async () => {
    const secrets = [token, 'ak_SECRET', 'mt_SECRET', clerk.secretKey];
    const answers = [];
    for (const sent of secrets.slice(0, 3)) {
      for (const target of ['/strict', '/public']) {
        answers.push(await app.withToken(target, `${sent}x`));
        answers.push(await app.send(target, { cookie: `__session=${sent}x; __client_uat=1; __clerk_db_jwt=d` }));
      }
    }
    const said =
      answers.map(({ headers, body }) => JSON.stringify([[...headers], body])).join('\n') + app.logger.lines.join('\n');
    for (const secret of secrets) expect(said).not.toContain(secret);
  });
});
