import { Controller, Get, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';

import { ClerkMiddleware, RedirectToSignIn, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type Answer } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('page') page() {}
  @Get('sign-in-first') @RedirectToSignIn() signInFirst() {}
}

@Module({})
class WithMiddleware implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware).forRoutes('{*path}');
  }
}

@Module({})
class WithoutMiddleware {}

const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };
const HOST = { host: 'api.example.com:3000' };
const FORWARDED = { ...HOST, 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'https' };
/** The address that the tests call from, and another one. */
const [HERE, ELSEWHERE] = ['127.0.0.1', '192.0.2.1'];

describe.each(PLATFORMS)('forwarded headers on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    // Clerk logs failed handshakes to the console.
    jest.spyOn(console, 'error').mockReturnValue();
    clerk = await LocalClerk.start();
  });
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
  afterAll(() => {
    jest.restoreAllMocks();
    return clerk?.stop();
  });

  async function start(options: ClerkModuleOptions, trustProxy: boolean | string = false, module = WithoutMiddleware) {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const app = await TestApp.on(platform)
      .trustingItsProxy(trustProxy)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry, ...options })
      .imports(module)
      .controllers(Routes)
      .start();
    apps.push(app);
    return app;
  }

  /** Navigates to a page like a browser whose session token has expired. */
  async function visit(app: TestApp, headers: Record<string, string>): Promise<Answer> {
    const expired = await clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 120 });
    const cookie = `__clerk_db_jwt=d; __client_uat=1; __session=${expired}`;
    return app.send('/page?x=1', { ...NAVIGATION, cookie, ...headers });
  }
  const parts = ({ headers }: Answer) => {
    const location = headers.get('location')!;
    const { pathname, searchParams } = new URL(location, 'http://this.server');
    return { at: location.startsWith('/') ? pathname : location, back: searchParams.get('redirect_url') };
  };
  const OWN = 'http://api.example.com:3000/page?x=1';
  // The second is the origin that the local Clerk issues its tokens to.
  const OURS = { authorizedParties: ['https://app.example.com', 'http://localhost:3000'] };

  describe.each([
    ['the guard', WithoutMiddleware],
    ['ClerkMiddleware', WithMiddleware],
  ])('with %s', (_by, module) => {
    it.each<[string, ClerkModuleOptions]>([
      ['frontendApiProxy', { frontendApiProxy: { enabled: true } }],
      ['a proxyUrl that is a path', { proxyUrl: '/__clerk' }],
      ['a proxyUrl function of the request’s URL', { proxyUrl: ({ origin }) => `${origin}/__clerk` }],
    ])('set only the protocol of redirect_url without a trusted proxy, with %s', async (_how, options) => {
      const app = await start(options, false, module);
      for (const headers of [
        FORWARDED,
        { ...FORWARDED, 'x-forwarded-proto': 'javascript' },
        { ...FORWARDED, 'x-forwarded-for': HERE },
        { ...FORWARDED, 'x-forwarded-host': 'app.example.com, api.example.com:3000' },
      ]) {
        const answer = await visit(app, headers);
        const protocol = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
        expect([answer.status, parts(answer)]).toEqual([
          307,
          { at: '/__clerk/v1/client/handshake', back: OWN.replace('http', protocol) },
        ]);
      }
    });

    it.each<[string, string | boolean, ClerkModuleOptions, string]>([
      ['set the origin of redirect_url if any proxy is trusted', true, {}, 'https://app.example.com/page?x=1'],
      ['set the origin of redirect_url if this proxy is trusted', HERE, {}, 'https://app.example.com/page?x=1'],
      [
        'set only the protocol of redirect_url if another proxy is trusted',
        ELSEWHERE,
        {},
        OWN.replace('http', 'https'),
      ],
      [
        'set the origin of redirect_url if authorizedParties contains it',
        false,
        OURS,
        'https://app.example.com/page?x=1',
      ],
    ])('%s', async (_how, trustProxy, options, back) => {
      const app = await start({ ...options, proxyUrl: '/__clerk' }, trustProxy, module);
      expect(parts(await visit(app, FORWARDED))).toEqual({ at: '/__clerk/v1/client/handshake', back });
    });

    it('do not set the origin of redirect_url if authorizedParties does not contain it', async () => {
      const app = await start({ ...OURS, proxyUrl: '/__clerk' }, false, module);
      for (const host of ['evil.example', 'app.example.com:8443', 'evil.example@app.example.com', 'app.example.com.']) {
        const answer = await visit(app, { ...FORWARDED, 'x-forwarded-host': host });
        expect(parts(answer).back).toBe(OWN.replace('http', 'https'));
      }
      expect(parts(await visit(app, { ...FORWARDED, 'x-forwarded-proto': 'http' })).back).toBe(OWN);
    });

    it('set the protocol of redirect_url to http or https if there is only x-forwarded-proto', async () => {
      const app = await start({ proxyUrl: '/__clerk' }, false, module);
      for (const [protocol, expected] of [
        ['https', 'https'],
        ['https,http', 'https'],
        ['http', 'http'],
        ['ftp', 'http'],
      ] as const) {
        const answer = await visit(app, { ...HOST, 'x-forwarded-proto': protocol });
        expect(parts(answer).back).toBe(OWN.replace('http', expected));
      }
    });

    it('are not part of the URL at which a handshake ends, which is a path', async () => {
      for (const trustProxy of [true, false]) {
        const app = await start({}, trustProxy, module);
        const { nonce } = await clerk.createHandshake({});
        const cookie = '__clerk_db_jwt=d';
        const answer = await app.send(`/page?x=1&__clerk_handshake_nonce=${nonce}`, {
          ...NAVIGATION,
          ...FORWARDED,
          cookie,
        });
        expect([answer.status, answer.headers.get('location')]).toEqual([307, '/page?x=1']);
      }
    });
  });

  it('set the host of redirect_url from an external sign-in page only if the proxy is trusted', async () => {
    const options = { signInUrl: 'https://accounts.example.com/sign-in' };
    const headers = { ...NAVIGATION, ...FORWARDED, cookie: '__clerk_db_jwt=d; __client_uat=0' };
    for (const [trustProxy, origin] of [
      [true, 'https://app.example.com'],
      [false, 'https://api.example.com:3000'],
    ] as const) {
      const answer = await (await start(options, trustProxy)).send('/sign-in-first', headers);
      expect([answer.status, parts(answer).back]).toEqual([302, `${origin}/sign-in-first`]);
    }
  });

  it('set the host of redirect_url in a tenant’s handshake only if the proxy is trusted', async () => {
    const tenant = { ...clerk.options, proxyUrl: '/__clerk' };
    for (const [trustProxy, origin] of [
      [true, 'https://app.example.com'],
      [false, 'https://api.example.com:3000'],
    ] as const) {
      const app = await start(
        { resolveOptions: () => tenant, publishableKey: undefined, secretKey: undefined },
        trustProxy,
      );
      expect(parts(await visit(app, FORWARDED))).toEqual({
        at: '/__clerk/v1/client/handshake',
        back: `${origin}/page?x=1`,
      });
    }
  });
});
