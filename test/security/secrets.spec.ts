import { inspect } from 'node:util';

import { Controller, Get, Param, Req } from '@nestjs/common';

import {
  AcceptsToken,
  Auth,
  ClerkClients,
  ClerkClientService,
  ClerkConfigurationError,
  ClerkGuard,
  ClerkProtectionMap,
  ClerkSockets,
  getAuth,
  Public,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { ClerkInstances } from '../../lib/authentication/instances/clerk-instances.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { CLERK_OPTIONS } from '../../lib/options/resolved-options.js';
import { LocalClerk, signedIn } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

const MACHINE_SECRET = 'ask_notForAnybodyToSee';

/** Three times the depth of `console.log`. Deeper is Nest's container, with the options as the application wrote them. */
const DEEP = 6;

/** The arguments of the handlers. */
const given: { auth: AuthObject; request: object }[] = [];

@Controller()
class Routes {
  @Get('session') @Public() session(@Auth() auth: AuthObject, @Req() request: object) {
    given.push({ auth, request });
  }
  @Get('machine/:type') @Public() @AcceptsToken('api_key', 'm2m_token', 'oauth_token') machine(
    @Auth() auth: AuthObject,
    @Req() request: object,
    @Param('type') _: string,
  ) {
    given.push({ auth, request });
  }
  @Get('m2m') @Public() @AcceptsToken('m2m_token') m2m(@Auth() auth: AuthObject, @Req() request: object) {
    given.push({ auth, request });
  }
  @Get('any') @Public() @AcceptsToken('any') any(@Auth() auth: AuthObject, @Req() request: object) {
    given.push({ auth, request });
  }
}

/** Everything that a log, a debugger or a response could show of a value. */
function shownOf(value: object): string {
  const json = (one: unknown) => {
    try {
      return JSON.stringify(one);
    } catch {
      return '';
    }
  };
  const seen = [value, { ...value }, Object.entries(value), Object.values(value)];
  return seen
    .flatMap((one) => [inspect(one, { depth: null }), inspect(one, { depth: null, showHidden: true }), json(one)])
    .join('\n');
}

/** Every object that can be reached from a value, including functions. */
function reachable(value: unknown, found = new Set<object>()): Set<object> {
  if (Object(value) !== value || found.has(value as object)) return found;
  found.add(value as object);
  for (const key of Reflect.ownKeys(value as object)) reachable((value as Record<PropertyKey, unknown>)[key], found);
  return found;
}

const LANES: Record<string, Partial<ClerkModuleOptions>> = {
  'Clerk alone': { directVerification: false, verificationCache: false },
  'direct verification': { verificationCache: false },
  'the verification cache': { verificationCache: { machineTokens: { ttl: 60_000 } } },
};

describe.each(PLATFORMS)('keys and tokens on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => Promise.all([...apps.map((app) => app.close()), clerk?.stop()]));

  const start = async (options: ClerkModuleOptions) => {
    const app = await TestApp.on(platform).controllers(Routes).clerk(options).start();
    apps.push(app);
    return app;
  };

  const options = (more: Partial<ClerkModuleOptions>): ClerkModuleOptions => ({
    ...clerk.options,
    machineSecretKey: MACHINE_SECRET,
    ...more,
  });

  /** Requests with each kind of credentials: name, path and headers. */
  async function requests(): Promise<[name: string, path: string, headers: Record<string, string>][]> {
    const user = clerk.createUser();
    const machine = clerk.createMachine();
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const session = await clerk.sessionToken({ user });
    const foreign = 'other=cookieOfSomebodyElse; __clerk_handshake_nonce=nonceOfSomebody';
    return [
      ['a session', 'session', { ...bearer(session), cookie: foreign }],
      ['the same session', 'session', bearer(session)],
      ['a session in a cookie', 'session', { cookie: await clerk.browserCookies({ user }) }],
      ['a pending session', 'session', bearer(await clerk.sessionToken({ user, sessionStatus: 'pending' }))],
      ['an expired session', 'session', bearer(await clerk.sessionToken({ user, issuedAt: 1_700_000_000 }))],
      [
        'no credentials',
        'session?__clerk_db_jwt=browserOfSomebody',
        { cookie: foreign, referer: 'https://a.test/?t=reset' },
      ],
      ['an API key', 'machine/a', bearer(clerk.createApiKey({ subject: user }).secret)],
      ['an unknown API key', 'machine/a', bearer('ak_neverHeardOf')],
      ['an OAuth token', 'machine/a', bearer((await clerk.createOAuthToken({ user })).token)],
      ['an OAuth JWT', 'any', bearer((await clerk.createOAuthToken({ user, format: 'jwt' })).token)],
      ['an M2M JWT', 'm2m', bearer((await clerk.createM2MToken({ machine, format: 'jwt' })).token)],
      ['an unknown M2M token', 'm2m', bearer('mt_neverHeardOf')],
      ['a token of a type that is not accepted', 'machine/a', bearer(session)],
      ['a malformed token', 'any', bearer('neither')],
    ];
  }

  const secretsIn = (headers: Record<string, string>) => [
    ...[clerk.secretKey, MACHINE_SECRET, 'cookieOfSomebodyElse', 'nonceOfSomebody', 'browserOfSomebody', 't=reset'],
    ...Object.values(headers).flatMap((value) => value.split(/Bearer |; |=/).filter((text) => text.length > 12)),
  ];

  it.each(Object.entries(LANES))('are not visible in auth objects and debug(), with %s', async (_lane, lane) => {
    const tenants = { ...lane, resolveOptions: () => ({ ...clerk.options, machineSecretKey: MACHINE_SECRET }) };
    for (const app of [await start(options(lane)), await start(tenants)]) {
      // Twice: the second time from the cache.
      for (const [name, path, headers] of [...(await requests()), ...(await requests())]) {
        given.length = 0;
        await app.send(`/${path}`, headers);
        expect([name, given.length]).toEqual([name, 1]);
        const { auth, request } = given[0]!;
        const of = (request as { auth: AuthObject & ((asked?: object) => AuthObject) }).auth;
        const objects = [auth, of, of(), of({ treatPendingAsSignedOut: false }), getAuth(request as never)];
        for (const object of objects as AuthObject[]) {
          const debug = object.debug() as object;
          const shown = [object, debug].map(shownOf).join('\n');
          for (const secret of secretsIn(headers)) expect(`${name}: ${shown}`).not.toContain(secret);
          // Neither a client nor any other function.
          expect([name, [...reachable(debug)].filter((one) => typeof one === 'function')]).toEqual([name, []]);
        }
        // The request contains what the caller sent, but never our keys.
        const whole = inspect(request, { depth: 8 });
        for (const secret of [clerk.secretKey, MACHINE_SECRET]) expect(whole.includes(secret)).toBe(false);
      }
    }
  });

  it('are shortened to seven characters in debug(), which shows the other inputs of Clerk in full', async () => {
    const app = await start(options(LANES['Clerk alone']!));
    const token = await clerk.sessionToken();
    given.length = 0;
    await app.withToken('/session', token, { 'user-agent': 'curl/8', origin: 'https://app.test' });
    expect(given[0]!.auth.debug()).toMatchObject({
      ...{ secretKey: 'sk_test', machineSecretKey: 'ask_not', jwtKey: '-----BE' },
      ...{ sessionToken: token.slice(0, 7), tokenInHeader: token.slice(0, 7) },
      ...{ publishableKey: clerk.publishableKey, userAgent: 'curl/8', origin: 'https://app.test', method: 'GET' },
      ...{ acceptsToken: 'session_token', clockSkewInMs: 5_000, isSatellite: false },
    });
    given.length = 0;
    await app.send('/session');
    expect(given[0]!.auth.debug()).toMatchObject({ status: 'signed-out', reason: 'dev-browser-missing' });
  });

  it('are not visible when a service that holds them is inspected or serialized', async () => {
    const app = await start({ ...options({}), resolveOptions: () => options({}) });
    process.env.OF_THE_ENVIRONMENT = 'notForAnybodyEither';
    const own = await start(options({}));
    for (const { nest } of [app, own]) {
      const services = [ClerkGuard, ClerkSockets, ClerkInstances, ClerkProtectionMap, ClerkClientService, ClerkClients];
      for (const token of [...services, CLERK_OPTIONS]) {
        const service = nest.get<object>(token as never, { strict: false });
        const nameOf = (of: unknown) => (of as { name?: string }).name ?? String(of);
        const shown = [inspect(service, { depth: DEEP }), jsonOf(service), jsonOf({ service })].join('\n');
        for (const secret of [clerk.secretKey, MACHINE_SECRET, 'notForAnybodyEither']) {
          expect([nameOf(token), shown.includes(secret)]).toEqual([nameOf(token), false]);
        }
      }
    }
    delete process.env.OF_THE_ENVIRONMENT;
    const shown = inspect(own.nest.get(CLERK_OPTIONS));
    for (const visible of ["secretKey: 'sk_test'", "machineSecretKey: 'ask_not'", "protection: 'strict'"]) {
      expect(shown).toContain(visible);
    }
    expect(own.nest.get<object>(CLERK_OPTIONS)).toMatchObject({ secretKey: clerk.secretKey });
  });

  it('are in no log line, not even with debug', async () => {
    const app = await start(options({ ...LANES['Clerk alone'], debug: true }));
    for (const [, path, headers] of await requests()) {
      await app.send(`/${path}`, headers);
      for (const secret of secretsIn(headers)) expect(app.logger.lines.join('\n')).not.toContain(secret);
    }
  });
});

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return 'circular';
  }
}

it('an error about an invalid option does not contain its value', () => {
  for (const wrong of ['sk_live_', 'pk_live_', 'ask_', 'ak_', '"sk_test_', ' sk_test_'].map(
    (kind) => `${kind}9c8b7a`,
  )) {
    for (const name of ['publishableKey', 'secretKey', 'machineSecretKey', 'jwtKey', 'apiUrl', 'clerkClient']) {
      try {
        resolveClerkOptions({ [name]: wrong }, {});
      } catch (error) {
        expect(error).toBeInstanceOf(ClerkConfigurationError);
        expect(shownOf(error as object)).not.toContain('9c8b7a');
      }
    }
  }
});

it('debug() of an auth object for tests does not show its token', () => {
  expect(shownOf(signedIn({ token: 'test_token_of_a_user' }).debug() as object)).not.toContain('test_token_of_a_user');
});
