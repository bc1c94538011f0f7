/** What middlewares and serverless adapters leave of a request: nobody gets in by it, and it is no failure of ours. */
import { Controller, Get, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';

import fc from 'fast-check';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import { TOKEN_TYPES } from '../../lib/authentication/identity/token-types.js';
import { createClient } from '../../lib/client/clerk-client.service.js';
import { Auth, ClerkMiddleware, Public, RedirectToSignIn, type AuthObject } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { RUNS } from '../support/hostile.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('page') @RedirectToSignIn() page(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
}

type Request = Record<string, unknown> & { headers: Record<string, unknown> };
type Change = (request: Request, token: string) => void;

let change: Change = () => undefined;
let token = '';

@Module({})
class WithMiddleware implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware).forRoutes('{*path}');
  }
}

const HEADERS = [
  ...['authorization', 'cookie', 'host', 'origin', 'accept', 'sec-fetch-dest', 'referer', 'user-agent'],
  ...['x-forwarded-host', 'x-forwarded-proto', 'cloudfront-forwarded-proto', ':authority', 'x-anything'],
];

const throwing = (target: object, name: string) =>
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      throw new Error('not for reading');
    },
  });

/** Values that Node never gives a header, made of what the caller sent. */
const VALUES: Record<string, (sent: string) => unknown> = {
  'an array of itself': (sent) => [sent],
  'an array of two': (sent) => [sent, sent],
  'an empty array': () => [],
  'an array of arrays': (sent) => [[sent]],
  'an array of null': () => [null],
  'a number': () => 42,
  zero: () => 0,
  true: () => true,
  false: () => false,
  'a BigInt': () => 7n,
  'an object': (sent) => ({ value: sent }),
  'an object that speaks': (sent) => ({ toString: () => sent }),
  'an object that speaks like a string': (sent) => ({
    startsWith: () => true,
    slice: () => sent.slice(7),
    split: () => ['Bearer', sent.slice(7)],
    includes: () => false,
  }),
  'a String object': (sent) => new String(sent),
  'a Symbol': () => Symbol('token'),
  'a function': (sent) => () => sent,
  'a Buffer': (sent) => Buffer.from(sent),
  'what throws when it becomes text': () => ({
    toString: () => {
      throw new Error('not for reading');
    },
  }),
  'a text that no header can hold': (sent) => `${sent}\n\0`,
  'a text outside of Latin-1': (sent) => `${sent}\u{1f600}`,
};

/** What takes the place of all headers. */
const ALL_HEADERS: Record<string, (headers: Record<string, unknown>) => unknown> = {
  'an object without prototype': (headers) => Object.assign(Object.create(null), headers),
  'an object of the fetch API': (headers) => new Headers(headers as Record<string, string>),
  'a Map': (headers) => new Map(Object.entries(headers)),
  'a list': (headers) => Object.entries(headers).flat(),
  'an object whose headers are inherited': (headers) => Object.create(headers),
};

describe.each(PLATFORMS)('a request that was changed on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: Record<string, TestApp> = {};

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    token = await clerk.sessionToken();
    const changed = (builder: ReturnType<typeof TestApp.on>) =>
      builder
        .controllers(Routes)
        .clerk(clerk.options)
        .before((nest) =>
          nest.use((request: Request, _response: unknown, next: () => void) => {
            change(request, token);
            next();
          }),
        );
    apps.guard = await changed(TestApp.on(platform)).start();
    apps.middleware = await changed(TestApp.on(platform).imports(WithMiddleware)).start();
  });
  afterAll(() => Promise.all([...Object.values(apps).map((app) => app.close()), clerk?.stop()]));

  /** What both applications answer to each route, with a good token and without. */
  async function answers(how: Change, among = apps): Promise<Record<string, { status: number; body: any }>> {
    change = how;
    const seen: Record<string, { status: number; body: any }> = {};
    for (const [name, app] of Object.entries(among)) {
      for (const route of ['strict', 'page', 'public']) {
        for (const authorized of [true, false]) {
          const { status, body } = await app.send(`/${route}`, authorized ? { authorization: `Bearer ${token}` } : {});
          seen[`${name}, ${route}, ${authorized ? 'with a token' : 'without'}`] = { status, body };
        }
      }
    }
    change = () => undefined;
    return seen;
  }

  /** No failure, and nobody in who sent nothing. */
  function expectSafe(seen: Awaited<ReturnType<typeof answers>>): void {
    for (const [name, { status, body }] of Object.entries(seen)) {
      expect([name, [200, 302, 307, 400, 401].includes(status) ? 'answered' : status]).toEqual([name, 'answered']);
      if (name.includes('without')) expect([name, body?.isAuthenticated ?? false]).toEqual([name, false]);
      // A handler that is not public answers nobody else than who is signed in.
      if (status === 200 && !name.includes('public')) expect([name, body.isAuthenticated]).toEqual([name, true]);
    }
  }

  const statuses = (seen: Awaited<ReturnType<typeof answers>>) => [
    ...new Set(Object.values(seen).map((a) => a.status)),
  ];

  it('lets in who sent a good token, as long as nothing is changed', async () => {
    const seen = await answers(() => undefined);
    expectSafe(seen);
    for (const [name, { status }] of Object.entries(seen)) {
      expect([name, status]).toEqual([name, name.includes('without') && !name.includes('public') ? 401 : 200]);
    }
  });

  describe.each(Object.entries(VALUES))('so that a header is %s', (_value, make) => {
    it.each(HEADERS)('%s', async (header) => {
      const seen = await answers((request, good) => {
        const sent = request.headers[header] ?? (header === 'authorization' ? `Bearer ${good}` : 'localhost');
        // Who sent no token does not get one by it.
        const given = header === 'authorization' && request.headers.authorization === undefined ? 'Bearer x' : sent;
        request.headers[header] = make(String(given));
      });
      expectSafe(seen);
      // Of headers that somebody is told by, everything but text makes the request malformed.
      const told = !['user-agent', 'x-anything'].includes(header) && typeof make('x') !== 'string';
      if (told) expect(statuses(seen)).toEqual([400]);
      if (header === 'x-anything' && told) expect(statuses(seen)).toEqual([200, 401]);
    });
  });

  it.each(HEADERS)('so that %s cannot be read', async (header) => {
    const seen = await answers((request) => throwing(request.headers, header));
    expectSafe(seen);
    if (!['user-agent', 'x-anything'].includes(header)) expect(statuses(seen)).toEqual([400]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an empty text', ''],
  ])('so that the token is %s: it is none', async (_value, value) => {
    const seen = await answers((request) => void (request.headers.authorization = value));
    expectSafe(seen);
    for (const [name, { status }] of Object.entries(seen)) {
      expect([name, status]).toEqual([name, name.includes('public') ? 200 : 401]);
    }
  });

  it.each(Object.entries(ALL_HEADERS))('so that its headers are %s', async (_value, make) => {
    const seen = await answers((request) => {
      const headers = make({ ...request.headers });
      Object.defineProperty(request, 'headers', { value: headers, configurable: true, writable: true });
    });
    expectSafe(seen);
  });

  it.each<[string, unknown]>([
    ['a number', 7],
    ['a list', ['/strict']],
    ['an object', { startsWith: () => true, indexOf: () => -1 }],
    ['another host', '//evil.example/strict'],
  ])('so that its target is %s', async (_value, target) => {
    // Nest's own middleware on Fastify reads the target too, and does not expect any of this.
    const seen = await answers((request) => void (request.originalUrl = target), { guard: apps.guard! });
    expectSafe(seen);
    expect(statuses(seen)).toEqual([400]);
  });
});

it('whatever a request is made of, it is unreadable or somebody who is not signed in', async () => {
  const clerk = await LocalClerk.start();
  const jwtKey = clerk.jwtKey;
  const options = resolveClerkOptions({ ...clerk.options, jwtKey, proxyUrl: undefined }, {});
  const lanes = createAuthenticator(options, createClient(options), new StaticKeySet(jwtKey), Date.now);
  const seen = { readable: 0, unreadable: 0 };
  const text = fc.constantFrom('Bearer x', '__session=a.b.c; __client_uat=1', 'localhost', 'text/html', 'document', '');
  const value = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: fc.anything({ withBigInt: true }) });
  const sent = fc.record(
    {
      headers: fc.oneof(
        { weight: 9, arbitrary: fc.dictionary(fc.constantFrom(...HEADERS), value, { maxKeys: 5 }) },
        { weight: 1, arbitrary: fc.anything({ withMap: true, withNullPrototype: true }) },
      ),
      method: fc.oneof(fc.constantFrom('GET', 'POST'), fc.anything()),
      url: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('/', '/a?b') }, { weight: 1, arbitrary: fc.anything() }),
    },
    { requiredKeys: ['headers', 'url'] },
  );
  const acceptsToken = fc.constantFrom(...TOKEN_TYPES, 'any' as const);
  await fc.assert(
    fc.asyncProperty(sent, acceptsToken, async (source, accepts) => {
      const credentials = new HttpCredentials(source as never, source);
      if (credentials.isReadable) {
        seen.readable += 1;
        expect((await lanes.authenticate(credentials, accepts)).status).not.toBe('signed-in');
      } else seen.unreadable += 1;
    }),
    { numRuns: RUNS * 2 },
  );
  await clerk.stop();
  expect(Math.min(seen.readable, seen.unreadable)).toBeGreaterThan(RUNS / 10);
});
