import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { User } from '@clerk/backend';
import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, Auth, CurrentUser, Public, type AuthObject } from '../../lib/index.js';
import { LogThrottle } from '../../lib/errors/log-throttle.js';
import { LocalClerk, type Outage } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp, type Answer } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {
    return 'in';
  }
  @Get('public') @Public() public(@Auth() { isAuthenticated }: AuthObject) {
    return { isAuthenticated };
  }
  @Get('me') me(@CurrentUser() { id }: User) {
    return { id };
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
  @Get('any') @AcceptsToken('any') any() {
    return 'in';
  }
  @Get('public-machines') @Public() @AcceptsToken('api_key', 'm2m_token', 'oauth_token') machines(
    @Auth() { isAuthenticated }: AuthObject,
  ) {
    return { isAuthenticated };
  }
}

/** Short enough to wait for, long enough for a healthy response on a busy machine. */
const TIMEOUT_MS = 750;

/** Another server, to which a load balancer, a proxy or the network of a hotel may redirect all requests. */
let elsewhere: Server;
beforeAll(async () => {
  elsewhere = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello'));
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  elsewhere.closeAllConnections();
  elsewhere.close();
});
const elsewhereUrl = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;

const FAULTS: Record<string, Outage | (() => Outage)> = {
  'refused connections': 'refuse',
  'connections cut in the middle of the body': 'reset',
  'no response': 'hang',
  'a body that never ends': 'drip',
  'half a body': 'garbage',
  'a JSON 500': { status: 500 },
  'an HTML 500': { status: 500, html: true },
  'a 502': { status: 502, html: true },
  'a 429': { status: 429, retryAfter: 30 },
  'a 429 without Retry-After': { status: 429 },
  'a redirect to another host': () => ({ status: 302, location: elsewhereUrl() }),
  'an empty body': { body: '' },
  'an HTML page': { body: '<h1>Welcome</h1>', contentType: 'text/html' },
  'JSON with a charset in its content type': {
    body: '{"id":"x","subject":"user_x"}',
    contentType: 'application/json; charset=utf-8',
  },
  'an empty object': { body: {} },
  'an empty list': { body: [] },
  'the JSON value null': { body: null },
  'another resource': { body: { object: 'email', id: 'ema_1' } },
  'an empty list of errors': { body: { errors: [] } },
  'an empty key set': { body: { keys: [] } },
  'a key set of incomplete keys': { body: { keys: [{ kty: 'RSA', kid: 'ins_1' }] } },
  'a huge body': () => ({ body: { keys: [], padding: 'x'.repeat(2 * 1024 * 1024) } }),
};

/** A caller, with the expected status while Clerk is unavailable (`meanwhile`) and once it has recovered (`after`). */
interface Caller {
  /** `warm` was called before, so it has keys; `cold` was not; `bare` was, but has no cache and uses Clerk's SDK only. */
  readonly app: 'warm' | 'cold' | 'bare';
  readonly path: string;
  readonly credential?: (clerk: LocalClerk, kept: Kept) => string | Promise<string>;
  readonly meanwhile: number | typeof UNAVAILABLE;
  readonly after: number;
  readonly body?: unknown;
}

/** Credentials that are cached before the fault. */
interface Kept {
  readonly session: string;
  readonly apiKey: string;
}

const UNAVAILABLE = 'unavailable';
const SIGNED_OUT = { isAuthenticated: false };
const bearer = (token: string) => `Bearer ${token}`;
const session = async (clerk: LocalClerk) => bearer(await clerk.sessionToken());
const apiKey = (clerk: LocalClerk) => bearer(clerk.createApiKey({ subject: clerk.createUser() }).secret);

const CALLERS: Record<string, Caller> = {
  'a cached session': {
    ...{ app: 'warm', path: '/strict', credential: (_, kept) => bearer(kept.session) },
    ...{ meanwhile: 200, after: 200 },
  },
  'a new session of a known key': { app: 'warm', path: '/strict', credential: session, meanwhile: 200, after: 200 },
  'a new session of a known key, where any token type is accepted': {
    ...{ app: 'warm', path: '/any', credential: session, meanwhile: 200, after: 200 },
  },
  'a new session of a known key, verified by Clerk’s SDK': {
    app: 'bare',
    path: '/strict',
    credential: session,
    meanwhile: 200,
    after: 200,
  },
  'a browser session of a known key': {
    ...{ app: 'warm', path: '/strict', credential: (clerk) => clerk.browserCookies(), meanwhile: 200, after: 200 },
  },
  'a session of an unknown key': {
    ...{ app: 'cold', path: '/strict', credential: session, meanwhile: UNAVAILABLE, after: 200 },
  },
  'a session of an unknown key, on a public route': {
    ...{ app: 'cold', path: '/public', credential: session, meanwhile: 200, after: 200, body: SIGNED_OUT },
  },
  'a browser session of an unknown key': {
    app: 'cold',
    path: '/strict',
    credential: (clerk) => clerk.browserCookies(),
    meanwhile: UNAVAILABLE,
    after: 200,
  },
  'a session forged with the id of a known key': {
    ...{ app: 'warm', path: '/strict', meanwhile: 401, after: 401 },
    credential: async (clerk) => bearer((await clerk.sessionToken()).replace(/.{9}$/, 'AAAAAAAAA')),
  },
  'a session forged with the id of an unknown key': {
    ...{ app: 'cold', path: '/strict', meanwhile: UNAVAILABLE, after: 401 },
    credential: async (clerk) => bearer(await clerk.sessionToken({ header: { kid: 'ins_forged' } })),
  },
  'an expired session of a known key': {
    ...{ app: 'warm', path: '/strict', meanwhile: 401, after: 401 },
    credential: async (clerk) => bearer(await clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 600 })),
  },
  'a cached API key': {
    ...{ app: 'warm', path: '/api-key', credential: (_, kept) => bearer(kept.apiKey), meanwhile: 200, after: 200 },
  },
  'an API key': { app: 'warm', path: '/api-key', credential: apiKey, meanwhile: UNAVAILABLE, after: 200 },
  'an API key, where any token type is accepted': {
    ...{ app: 'warm', path: '/any', credential: apiKey, meanwhile: UNAVAILABLE, after: 200 },
  },
  'an API key, on a public route': {
    ...{ app: 'warm', path: '/public-machines', credential: apiKey, meanwhile: 200, after: 200, body: SIGNED_OUT },
  },
  'an opaque M2M token': {
    ...{ app: 'warm', path: '/m2m', meanwhile: UNAVAILABLE, after: 200 },
    credential: async (clerk) => bearer((await clerk.createM2MToken({ machine: clerk.createMachine() })).token),
  },
  'an opaque OAuth token': {
    ...{ app: 'warm', path: '/oauth', meanwhile: UNAVAILABLE, after: 200 },
    credential: async (clerk) => bearer((await clerk.createOAuthToken({ user: clerk.createUser() })).token),
  },
  'a made-up API key': {
    ...{ app: 'warm', path: '/api-key', credential: () => bearer('ak_x'), meanwhile: UNAVAILABLE, after: 401 },
  },
  'a made-up M2M token': {
    ...{ app: 'warm', path: '/m2m', credential: () => bearer('mt_x'), meanwhile: UNAVAILABLE, after: 401 },
  },
  'a made-up OAuth token': {
    ...{ app: 'warm', path: '/oauth', credential: () => bearer('oat_x'), meanwhile: UNAVAILABLE, after: 401 },
  },
  'a session whose user has to be loaded': {
    app: 'warm',
    path: '/me',
    credential: session,
    meanwhile: UNAVAILABLE,
    after: 200,
  },
  'a malformed token': {
    app: 'cold',
    path: '/strict',
    credential: () => bearer('nonsense'),
    meanwhile: 401,
    after: 401,
  },
  'no token': { app: 'cold', path: '/strict', meanwhile: 401, after: 401 },
  'no token, on a public route': { app: 'cold', path: '/public', meanwhile: 200, after: 200, body: SIGNED_OUT },
};

describe.each(PLATFORMS)('an application on %s', (_, platform) => {
  let clerk: LocalClerk;
  let apps: Record<Caller['app'], TestApp>;
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);

  beforeAll(() => void process.on('unhandledRejection', note));
  afterAll(() => void process.off('unhandledRejection', note));
  beforeEach(async () => {
    clerk = await LocalClerk.start();
    const start = (options: object = {}) =>
      TestApp.on(platform)
        .clerk({ ...clerk.options, timeoutInMs: TIMEOUT_MS, ...options })
        .controllers(Routes)
        .start();
    const [warm, cold, bare] = await Promise.all([
      start({ verificationCache: { machineTokens: { ttl: 60_000 } } }),
      start(),
      start({ verificationCache: false, directVerification: false }),
    ]);
    apps = { warm, cold, bare };
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all([...Object.values(apps).map((app) => app.close()), clerk.stop()]);
    await new Promise(setImmediate);
    expect(unhandled.splice(0)).toEqual([]);
  });

  /** Prepares a call of every caller, with credentials from before the fault; the result makes all calls at once. */
  async function gather(): Promise<() => Promise<Record<string, Answer>>> {
    const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
    const kept = { session: await clerk.sessionToken(), apiKey: secret };
    for (let time = 0; time < 3; time++) {
      expect((await apps.warm.withToken('/strict', kept.session)).status).toBe(200);
      expect((await apps.warm.withToken('/api-key', kept.apiKey)).status).toBe(200);
    }
    expect((await apps.bare.withToken('/strict', kept.session)).status).toBe(200);
    const calls = await Promise.all(
      Object.entries(CALLERS).map(async ([name, { app, path, credential }]) => {
        const sent = await credential?.(clerk, kept);
        const header = sent?.startsWith('Bearer ') ? 'authorization' : 'cookie';
        return [name, () => apps[app].send(path, sent === undefined ? {} : { [header]: sent })] as const;
      }),
    );
    return async () =>
      Object.fromEntries(await Promise.all(calls.map(async ([name, call]) => [name, await call()] as const)));
  }

  /** Nest has one logger for all applications: that of the last one started. */
  const warnings = () => Object.values(apps).flatMap(({ logger }) => logger.ofGuard('warn'));
  const summary = (answers: Record<string, Answer>) =>
    Object.fromEntries(
      Object.entries(answers).map(([name, { status, body }]) => [name, [status, status < 500 ? undefined : body.code]]),
    );
  const expected = (unavailable: readonly [number, string]) =>
    Object.fromEntries(
      Object.entries(CALLERS).map(([name, { meanwhile }]) => [
        name,
        meanwhile === UNAVAILABLE ? unavailable : [meanwhile, undefined],
      ]),
    );
  const healthy = Object.fromEntries(Object.entries(CALLERS).map(([name, { after }]) => [name, [after, undefined]]));

  it.each(Object.entries(FAULTS))('returns 503 for %s from Clerk if needed, then recovers', async (_name, fault) => {
    const callAll = await gather();
    const outage = typeof fault === 'function' ? fault() : fault;
    clerk.outage(outage);
    const began = performance.now();
    const answers = await callAll();
    expect(summary(answers)).toEqual(expected([503, 'clerk-unavailable']));
    expect(performance.now() - began).toBeLessThan(10 * TIMEOUT_MS);
    for (const [name, { body }] of Object.entries(CALLERS)) {
      if (body) expect([name, answers[name]!.body]).toEqual([name, body]);
      if (answers[name]!.status === 503) expect(answers[name]!.headers.get('www-authenticate')).toBeNull();
    }

    expect(warnings()).toEqual(
      expect.arrayContaining([
        expect.stringContaining('Routes.strict: denied 503'),
        expect.stringContaining('Routes.public: the caller goes on signed out'),
      ]),
    );
    expect(
      Object.values(apps)
        .flatMap(({ logger }) => logger.lines)
        .join(),
    ).not.toMatch(/eyJ|sk_test|ak_|mt_|oat_/);

    // Known keys are kept even if they are due to be fetched again during the fault.
    const later = Date.now() + 6 * 60_000;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    const token = await clerk.sessionToken({ issuedAt: Math.floor(later / 1000) });
    const known = await Promise.all([apps.warm, apps.bare].map((app) => app.withToken('/strict', token)));
    expect(known.map(({ status }) => status)).toEqual([200, 200]);
    jest.restoreAllMocks();

    clerk.recover();
    // Users are loaded again after Clerk's Retry-After.
    const { status, retryAfter = status === 429 ? 10 : 0 } = Object(outage) as {
      status?: number;
      retryAfter?: number;
    };
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + retryAfter * 1000);
    expect(summary(await callAll())).toEqual(healthy);
  });

  it.each([401, 403])('returns 500 for a %d from Clerk if needed, then recovers', async (status) => {
    const callAll = await gather();
    clerk.outage({ status });
    expect(summary(await callAll())).toEqual(expected([500, 'clerk-key-rejected']));
    clerk.recover();
    expect(summary(await callAll())).toEqual(healthy);
  });

  it('returns 503 if Clerk is needed and its host name cannot be resolved', async () => {
    const options = { ...clerk.options, apiUrl: 'https://clerk.invalid', timeoutInMs: TIMEOUT_MS };
    const lost = await TestApp.on(platform).clerk(options).controllers(Routes).start();
    try {
      const status = async (path: string, token: string) => (await lost.withToken(path, token)).status;
      expect(await status('/strict', await clerk.sessionToken())).toBe(503);
      expect(await status('/api-key', 'ak_x')).toBe(503);
      expect(await status('/public', await clerk.sessionToken())).toBe(200);
      expect((await lost.send('/strict')).status).toBe(401);
    } finally {
      await lost.close();
    }
  });

  describe('with retries,', () => {
    const good = () => apps.cold.withToken('/api-key', clerk.createApiKey({ subject: clerk.createUser() }).secret);
    const asked = async (act: () => Promise<unknown>, path = '/') => {
      const before = clerk.countRequests(path);
      await act();
      return clerk.countRequests(path) - before;
    };

    it('returns 200 if every other call to Clerk fails', async () => {
      clerk.outage([{ status: 503 }, 'healthy']);
      for (let time = 0; time < 4; time++) expect((await good()).status).toBe(200);
      expect((await apps.cold.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
      expect((await apps.cold.withToken('/me', await clerk.sessionToken())).status).toBe(200);
    });

    it('never returns 401 for a valid token or 200 for an invalid one, whatever fails', async () => {
      clerk.outage(['refuse', 'healthy', 'refuse', 'garbage', 'healthy', { body: {} }, { status: 429 }]);
      const [goods, bads] = [new Set<number>(), new Set<number>()];
      for (let time = 0; time < 12; time++) {
        goods.add((await good()).status);
        bads.add((await apps.cold.withToken('/m2m', 'mt_x')).status);
      }
      expect([[...goods].sort(), [...bads].sort()]).toEqual([
        [200, 503],
        [401, 503],
      ]);
    });

    it.each<[string, Outage, number, number]>([
      ['calls Clerk twice if the connection fails, and then once per request until Clerk recovers', 'refuse', 2, 1],
      ['calls Clerk twice after a 500, and then once per request until Clerk recovers', { status: 500 }, 2, 1],
      ['calls Clerk once if it responds with a 429 and a long Retry-After', { status: 429, retryAfter: 30 }, 1, 1],
      ['calls Clerk once if the call times out', 'hang', 1, 1],
      ['calls Clerk once if it responds that the token is unknown', { status: 404 }, 1, 1],
      ['calls Clerk once if it rejects our secret key', { status: 401 }, 1, 1],
    ])('%s', async (_name, fault, first, second) => {
      clerk.outage(fault, '/api_keys');
      expect([await asked(good), await asked(good)]).toEqual([first, second]);
      clerk.recover();
      expect((await good()).status).toBe(200);
    });

    it('calls Clerk again after the Retry-After of a 429 if it is within the timeout', async () => {
      clerk.outage([{ status: 429, retryAfter: 0 }, 'healthy'], '/v1/');
      expect((await apps.cold.withToken('/me', await clerk.sessionToken())).status).toBe(200);
      expect(clerk.requests.map(({ path, status }) => [path.slice(0, 9), status])).toEqual([
        ['/v1/jwks', 429],
        ['/v1/jwks', 200],
        ['/v1/users', 429],
        ['/v1/users', 200],
      ]);
    });

    it('calls Clerk once with the nonce of a handshake, which can be used only once', async () => {
      const { nonce } = await clerk.createHandshake();
      const path = '/v1/clients/handshake_payload';
      clerk.outage({ status: 500 }, path);
      jest.spyOn(console, 'error').mockImplementation();
      const navigation = { accept: 'text/html', 'sec-fetch-dest': 'document' };
      expect(await asked(() => apps.cold.send(`/strict?__clerk_handshake_nonce=${nonce}`, navigation), path)).toBe(1);
    });
  });

  it('leaves no more calls pending than maxPendingCalls allows, and returns 200 to known callers meanwhile', async () => {
    const options = { ...clerk.options, timeoutInMs: TIMEOUT_MS, maxPendingCalls: 9 };
    const app = await TestApp.on(platform).clerk(options).controllers(Routes).start();
    try {
      const token = await clerk.sessionToken();
      expect((await app.withToken('/strict', token)).status).toBe(200);
      clerk.outage('hang', '/api_keys');
      const flood = () =>
        Promise.all(Array.from({ length: 20 }, async (_unused, index) => app.withToken('/api-key', `ak_${index}`)));
      for (let time = 0; time < 2; time++) {
        expect(new Set((await flood()).map(({ status }) => status))).toEqual(new Set([503]));
      }
      expect(clerk.countRequests('/api_keys')).toBe(3);
      for (const known of [token, await clerk.sessionToken()]) {
        expect((await app.withToken('/strict', known)).status).toBe(200);
      }
      // Those three calls are still pending, but do not block the calls that known callers need.
      expect((await app.withToken('/api-key', 'ak_another')).status).toBe(503);
      expect((await app.withToken('/me', token)).status).toBe(200);
      expect(clerk.countRequests('/api_keys')).toBe(3);
    } finally {
      await app.close();
    }
  });

  it('logs an outage once, and the number of similar warnings when it closes', async () => {
    clerk.outage('refuse');
    for (let time = 0; time < 20; time++) await apps.cold.withToken('/api-key', `ak_${time}`);
    expect(warnings()).toHaveLength(1);
    // As Nest does when the application closes.
    apps.cold.get(LogThrottle).onModuleDestroy();
    expect(warnings()).toHaveLength(2);
    expect(warnings().at(-1)).toContain('(and 18 more like it)');
  });
});
