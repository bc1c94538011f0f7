/** Requests as other middleware and serverless adapters may change them: they give no access and cause no 5xx. */
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
      throw new Error('not readable');
    },
  });

/** Header values that Node itself never produces, made from what the caller sent. */
const VALUES: Record<string, (sent: string) => unknown> = {
  'an array of one value': (sent) => [sent],
  'an array of two values': (sent) => [sent, sent],
  'an empty array': () => [],
  'an array of arrays': (sent) => [[sent]],
  'an array of null': () => [null],
  'a number': () => 42,
  zero: () => 0,
  true: () => true,
  false: () => false,
  'a BigInt': () => 7n,
  'an object': (sent) => ({ value: sent }),
  'an object with toString()': (sent) => ({ toString: () => sent }),
  'an object with methods of a string': (sent) => ({
    startsWith: () => true,
    slice: () => sent.slice(7),
    split: () => ['Bearer', sent.slice(7)],
    includes: () => false,
  }),
  'a String object': (sent) => new String(sent),
  'a Symbol': () => Symbol('token'),
  'a function': (sent) => () => sent,
  'a Buffer': (sent) => Buffer.from(sent),
  'an object whose toString() throws': () => ({
    toString: () => {
      throw new Error('not readable');
    },
  }),
  'a string with control characters': (sent) => `${sent}\n\0`,
  'a string outside Latin-1': (sent) => `${sent}\u{1f600}`,
};

/** Replacements for the headers object. */
const ALL_HEADERS: Record<string, (headers: Record<string, unknown>) => unknown> = {
  'an object without a prototype': (headers) => Object.assign(Object.create(null), headers),
  'a Headers object': (headers) => new Headers(headers as Record<string, string>),
  'a Map': (headers) => new Map(Object.entries(headers)),
  'a list': (headers) => Object.entries(headers).flat(),
  'an object with inherited headers': (headers) => Object.create(headers),
};

describe.each(PLATFORMS)('a request changed by middleware on %s', (_, platform) => {
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

  /** The responses of both applications for each route, with a valid token and without. */
  async function responses(how: Change, among = apps): Promise<Record<string, { status: number; body: any }>> {
    change = how;
    const seen: Record<string, { status: number; body: any }> = {};
    for (const [name, app] of Object.entries(among)) {
      for (const route of ['strict', 'page', 'public']) {
        for (const authorized of [true, false]) {
          const { status, body } = await app.send(`/${route}`, authorized ? { authorization: `Bearer ${token}` } : {});
          seen[`${name}, ${route}, ${authorized ? 'with a token' : 'without a token'}`] = { status, body };
        }
      }
    }
    change = () => undefined;
    return seen;
  }

  /** Expects no unexpected status, and no access without a token. */
  function expectSafe(seen: Awaited<ReturnType<typeof responses>>): void {
    for (const [name, { status, body }] of Object.entries(seen)) {
      expect([name, [200, 302, 307, 400, 401].includes(status) ? 'expected status' : status]).toEqual([
        name,
        'expected status',
      ]);
      if (name.includes('without')) expect([name, body?.isAuthenticated ?? false]).toEqual([name, false]);
      // A strict handler runs only for signed-in callers.
      if (status === 200 && !name.includes('public')) expect([name, body.isAuthenticated]).toEqual([name, true]);
    }
  }

  const statuses = (seen: Awaited<ReturnType<typeof responses>>) => [
    ...new Set(Object.values(seen).map((a) => a.status)),
  ];

  it('is accepted with a valid token and denied without one if nothing is changed', async () => {
    const seen = await responses(() => undefined);
    expectSafe(seen);
    for (const [name, { status }] of Object.entries(seen)) {
      expect([name, status]).toEqual([name, name.includes('without') && !name.includes('public') ? 401 : 200]);
    }
  });

  describe.each(Object.entries(VALUES))('so that a header is %s:', (_value, make) => {
    it.each(HEADERS)('%s gives no access without a token and causes no 5xx', async (header) => {
      const seen = await responses((request, good) => {
        const sent = request.headers[header] ?? (header === 'authorization' ? `Bearer ${good}` : 'localhost');
        // A caller without a token must not get one through the change.
        const given = header === 'authorization' && request.headers.authorization === undefined ? 'Bearer x' : sent;
        request.headers[header] = make(String(given));
      });
      expectSafe(seen);
      // Any value but a string makes the request malformed, if we read the header.
      const isRead = !['user-agent', 'x-anything'].includes(header) && typeof make('x') !== 'string';
      if (isRead) expect(statuses(seen)).toEqual([400]);
      if (header === 'x-anything' && isRead) expect(statuses(seen)).toEqual([200, 401]);
    });
  });

  it.each(HEADERS)('so that reading %s throws gets 400 or no access without a token', async (header) => {
    const seen = await responses((request) => throwing(request.headers, header));
    expectSafe(seen);
    if (!['user-agent', 'x-anything'].includes(header)) expect(statuses(seen)).toEqual([400]);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an empty string', ''],
  ])('so that the Authorization header is %s is treated as one without a token', async (_value, value) => {
    const seen = await responses((request) => void (request.headers.authorization = value));
    expectSafe(seen);
    for (const [name, { status }] of Object.entries(seen)) {
      expect([name, status]).toEqual([name, name.includes('public') ? 200 : 401]);
    }
  });

  it.each(Object.entries(ALL_HEADERS))(
    'so that its headers are %s gets no access without a token',
    async (_value, make) => {
      const seen = await responses((request) => {
        const headers = make({ ...request.headers });
        Object.defineProperty(request, 'headers', { value: headers, configurable: true, writable: true });
      });
      expectSafe(seen);
    },
  );

  it.each<[string, unknown]>([
    ['a number', 7],
    ['a list', ['/strict']],
    ['an object', { startsWith: () => true, indexOf: () => -1 }],
    ['another host', '//evil.example/strict'],
  ])('so that its target is %s gets 400', async (_value, target) => {
    // Only with the guard: Nest's own middleware on Fastify reads the target too, and fails with such values.
    const seen = await responses((request) => void (request.originalUrl = target), { guard: apps.guard! });
    expectSafe(seen);
    expect(statuses(seen)).toEqual([400]);
  });
});

it('a request of arbitrary values without a valid token is either unreadable or not signed in', async () => {
  const clerk = await LocalClerk.start();
  const jwtKey = clerk.jwtKey;
  const options = resolveClerkOptions({ ...clerk.options, jwtKey, proxyUrl: undefined }, {});
  const client = createClient(options);
  const lanes = createAuthenticator(options, () => client, new StaticKeySet(jwtKey), Date.now);
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
