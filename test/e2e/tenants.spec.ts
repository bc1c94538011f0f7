import { createClerkClient } from '@clerk/backend';
import { Controller, Get, Req, type ExecutionContext } from '@nestjs/common';

import {
  AcceptsToken,
  Auth,
  ClerkClients,
  ClerkClientService,
  Public,
  RedirectToSignIn,
  type AuthObject,
  type ClerkModuleOptions,
  type RequestOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  constructor(private readonly clients: ClerkClients) {}

  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('me') async me(@Auth('userId') userId: string, @Req() request: object) {
    const clerk = await this.clients.for(request);
    return { name: (await clerk.users.getUser(userId)).firstName };
  }
  @Get('page') @RedirectToSignIn() page() {}
  @Get('api-key') @AcceptsToken('api_key') apiKey(@Auth() auth: AuthObject) {
    return auth;
  }
}

interface HttpRequest {
  readonly headers: Record<string, string>;
}

describe.each(PLATFORMS)('resolveOptions on %s', (_, platform) => {
  let a: LocalClerk;
  let b: LocalClerk;
  const apps: TestApp[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    [a, b] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
  });
  afterEach(async () => {
    process.env = { ...environment };
    a.recover();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => Promise.all([a?.stop(), b?.stop()]));

  /** Returns the options of a tenant by its host, and undefined for other hosts. */
  const byHost = ({ headers }: HttpRequest): RequestOptions | undefined =>
    ({ 'a.example': a.options, 'b.example': b.options })[headers.host ?? ''];

  async function start(resolveOptions: (request: HttpRequest) => unknown, more: ClerkModuleOptions = {}) {
    const app = await TestApp.on(platform)
      .clerk({ ...more, resolveOptions: resolveOptions as ClerkModuleOptions['resolveOptions'] })
      .controllers(Routes)
      .start();
    apps.push(app);
    return app;
  }
  const at = (host: string) => ({ host });

  it('authenticates each host with its own instance, without keys in the module', async () => {
    const app = await start(byHost);
    expect((await app.withToken('/strict', await a.sessionToken(), at('a.example'))).status).toBe(200);
    expect((await app.withToken('/strict', await b.sessionToken(), at('b.example'))).status).toBe(200);
  });

  it.each<[string, ClerkModuleOptions]>([
    ['cached', {}],
    ['direct', { verificationCache: false }],
    ['Clerk', { verificationCache: false, directVerification: false }],
  ])('never accepts a token of another tenant in concurrent requests, in the %s lane', async (_lane, lane) => {
    const app = await start(async (request) => {
      await new Promise(setImmediate);
      return byHost(request);
    }, lane);
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_unused, index) => {
        const [home, away] = index % 2 ? ['a.example', 'b.example'] : ['b.example', 'a.example'];
        const token = await (index % 2 ? a : b).sessionToken();
        const cookie = `__session=${token}; __client_uat=1; __clerk_db_jwt=d`;
        return [
          // The second request is answered from the cache.
          (await app.withToken('/strict', token, at(home))).status,
          (await app.withToken('/strict', token, at(home))).status,
          (await app.withToken('/strict', token, at(away))).status,
          (await app.send('/strict', { cookie, ...at(home) })).status,
          (await app.send('/strict', { cookie, ...at(away) })).status,
        ];
      }),
    );
    expect(statuses).toEqual(statuses.map(() => [200, 200, 401, 200, 401]));
  });

  it('fetches the keys of an instance once', async () => {
    a.reset();
    const app = await start(byHost);
    for (let i = 0; i < 5; i++)
      expect((await app.withToken('/strict', await a.sessionToken(), at('a.example'))).status).toBe(200);
    expect(a.requests.map(({ path }) => path)).toEqual(['/v1/jwks']);
  });

  it('gives ClerkClients.for() the client of the tenant', async () => {
    const app = await start(byHost);
    for (const [clerk, host, firstName] of [
      [a, 'a.example', 'Ada'],
      [b, 'b.example', 'Grace'],
    ] as const) {
      const user = clerk.createUser({ firstName });
      expect((await app.withToken('/me', await clerk.sessionToken({ user }), at(host))).body).toEqual({
        name: firstName,
      });
    }
    const context = {
      getType: () => 'http',
      switchToHttp: () => ({ getRequest: () => ({ headers: at('a.example') }) }),
    };
    const client = await app.get(ClerkClients).for(context as unknown as ExecutionContext);
    expect(client).not.toBe(app.get(ClerkClientService));
  });

  it('is the only source of keys: those of the module and the environment are ignored', async () => {
    Object.assign(process.env, a.env, { CLERK_JWT_KEY: a.jwtKey });
    const { publishableKey, apiUrl, telemetry } = b.options;
    const app = await start(() => ({ publishableKey, apiUrl, telemetry }), { ...a.options, jwtKey: a.jwtKey });
    const { status, body } = await app.withToken('/strict', await a.sessionToken());
    expect([status, body.code]).toEqual([500, 'invalid-configuration']);
    expect(app.logger.ofGuard('error')[0]).toContain('secretKey (environment variable CLERK_SECRET_KEY) is missing');

    const whole = await start(() => b.options, { ...a.options, jwtKey: a.jwtKey });
    expect((await whole.withToken('/strict', await a.sessionToken())).status).toBe(401);
    expect((await whole.withToken('/strict', await b.sessionToken())).status).toBe(200);
  });

  it('is combined with the other options of the module', async () => {
    const app = await start(byHost, { authorizedParties: ['https://app.example.com'] });
    expect((await app.withToken('/strict', await a.sessionToken(), at('a.example'))).status).toBe(401);
    const token = await a.sessionToken({ authorizedParty: 'https://app.example.com' });
    expect((await app.withToken('/strict', token, at('a.example'))).status).toBe(200);
  });

  it.each<[string, (request: HttpRequest) => unknown, RegExp]>([
    ['undefined', () => undefined, /resolveOptions must return an object/],
    ['null', () => null, /resolveOptions must return an object/],
    ['a string', () => 'a', /resolveOptions must return an object/],
    ['an empty object', () => ({}), /publishableKey .* is missing/],
    ['an unknown option', () => ({ ...a.options, tenant: 'a' }), /"tenant" is not an option/],
    [
      'a module-only option',
      () => ({ ...a.options, protection: 'lax' }),
      /resolveOptions returned protection, which applies to the whole module: set it in forRoot\(\)/,
    ],
  ])('that returns %s causes 500 invalid-configuration, and the log says why', async (_answer, answer, reason) => {
    const app = await start(answer, { onError: () => undefined });
    expect(await app.withToken('/strict', await a.sessionToken())).toMatchObject({
      status: 500,
      body: { code: 'invalid-configuration' },
    });
    expect(await app.send('/public')).toMatchObject({ status: 200, body: { isAuthenticated: false } });
    expect(app.logger.ofGuard('error')[0]).toMatch(reason);
    expect(app.logger.lines.join()).not.toContain(a.secretKey);
  });

  it('that throws causes 500, and the log says why', async () => {
    const app = await start(() => {
      throw new Error('the database is down');
    });
    expect((await app.send('/strict')).status).toBe(500);
    expect(app.logger.ofGuard('error')[0]).toContain('the database is down');
  });

  it('is called once per request', async () => {
    const resolveOptions = jest.fn(() => a.options);
    const app = await start(resolveOptions);
    const user = a.createUser();
    expect((await app.withToken('/me', await a.sessionToken({ user }))).status).toBe(200);
    expect(resolveOptions).toHaveBeenCalledTimes(1);
  });

  it('redirects browsers to the sign-in page of the tenant', async () => {
    const app = await start(() => ({ ...a.options, signInUrl: 'https://a.example/sign-in' }));
    const navigation = {
      accept: 'text/html',
      'sec-fetch-dest': 'document',
      cookie: '__clerk_db_jwt=d; __client_uat=0',
    };
    expect((await app.send('/page', navigation)).headers.get('location')).toMatch(/^https:\/\/a\.example\/sign-in\?/);
  });

  it('returns 503 for a tenant during its outage, and 200 for another tenant', async () => {
    const app = await start(byHost);
    a.outage('refuse');
    expect((await app.withToken('/strict', await a.sessionToken(), at('a.example'))).status).toBe(503);
    expect((await app.withToken('/strict', await b.sessionToken(), at('b.example'))).status).toBe(200);
  });

  it('may return one object whose keys change from request to request', async () => {
    const answer: RequestOptions = {};
    const app = await start(({ headers }) =>
      Object.assign(answer, headers.host === 'a.example' ? a.options : b.options),
    );
    const [ofA, ofB] = [await a.sessionToken(), await b.sessionToken()];
    for (let time = 0; time < 3; time++) {
      const statuses = [];
      for (const host of ['a.example', 'b.example']) {
        for (const token of [ofA, ofB]) statuses.push((await app.withToken('/strict', token, at(host))).status);
      }
      expect(statuses).toEqual([200, 401, 401, 200]);
    }
  });

  describe('with options that are new for each request', () => {
    const newEach: Readonly<Record<string, (host: string) => RequestOptions>> = {
      'a new function': () => ({ isSatellite: () => false, proxyUrl: () => '/__clerk' }),
      'a new client': () => ({ clerkClient: createClerkClient(a.options) }),
      'URLs made from the Host': (host) => ({
        proxyUrl: `https://${host}/__clerk`,
        signInUrl: `https://${host}/in`,
      }),
      'a publishable key made from the Host': (host) => ({ publishableKey: `pk_test_${btoa(`clerk.${host}$`)}` }),
    };

    /** On a machine that is busy with the flood, a fetch must not time out and be retried. */
    const PATIENT: ClerkModuleOptions = { timeoutInMs: 60_000 };

    /** In batches of 50, since a server does not get thousands of requests at once. */
    async function flood(hosts: number, send: (host: string) => Promise<number>): Promise<void> {
      const statuses = new Set<number>();
      for (let from = 0; from < hosts; from += 50) {
        const sent = Array.from({ length: 50 }, (_unused, index) => send(`h${from + index}.example`));
        for (const status of await Promise.all(sent)) statuses.add(status);
      }
      expect(statuses).toEqual(new Set([200]));
    }

    it.each(Object.keys(newEach))('fetches the keys once: %s', async (kind) => {
      a.reset();
      const app = await start(({ headers: { host = '' } }) => ({ ...a.options, ...newEach[kind]?.(host) }), PATIENT);
      const token = await a.sessionToken();
      await flood(100, async (host) => (await app.withToken('/strict', token, at(host))).status);
      expect(a.requests.map(({ path }) => path)).toEqual(['/v1/jwks']);
      const warnings = app.logger.lines.filter((line) => /Define them once, outside of resolveOptions/.test(line));
      expect(warnings).toHaveLength(/function|client/.test(kind) ? 1 : 0);
    });

    it('fetches the keys of two active tenants once among 2,100 others', async () => {
      for (const clerk of [a, b]) clerk.reset();
      const app = await start((request) => {
        const { host = '' } = request.headers;
        return byHost(request) ?? { ...a.options, ...newEach['URLs made from the Host']?.(host) };
      }, PATIENT);
      const token = { a: await a.sessionToken({ expiresIn: 600 }), b: await b.sessionToken({ expiresIn: 600 }) };
      let sent = 0;
      await flood(2_100, async (host) => {
        // Both tenants send a request now and then.
        if (sent++ % 500 === 0) {
          for (const name of ['a', 'b'] as const) {
            expect((await app.withToken('/strict', token[name], at(`${name}.example`))).status).toBe(200);
          }
        }
        return (await app.withToken('/strict', token.a, at(host))).status;
      });
      for (const name of ['a', 'b'] as const) {
        expect((await app.withToken('/strict', token[name], at(`${name}.example`))).status).toBe(200);
        const other = name === 'a' ? token.b : token.a;
        expect((await app.withToken('/strict', other, at(`${name}.example`))).status).toBe(401);
      }
      expect([a.countRequests(), b.countRequests()]).toEqual([1, 1]);
    }, 120_000);

    it('makes no more concurrent calls to Clerk than maxPendingCalls', async () => {
      a.reset();
      const app = await start(({ headers: { host = '' } }) => ({
        ...a.options,
        ...{ proxyUrl: `https://${host}/__clerk`, timeoutInMs: 300, maxPendingCalls: 3 },
      }));
      a.outage('hang', '/api_keys');
      const calls = Array.from({ length: 20 }, async (_unused, index) =>
        app.withToken('/api-key', `ak_${index}`, at(`h${index}.example`)),
      );
      expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([503]));
      expect(a.countRequests('/api_keys')).toBeGreaterThan(0);
      expect(a.countRequests('/api_keys')).toBeLessThanOrEqual(3);
    });
  });
});
