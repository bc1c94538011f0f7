import type { User } from '@clerk/backend';
import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, CurrentUser } from '../../lib/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { RotatingClerk, type BrowserSpec } from '../support/key-rotation.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict() {
    return 'in';
  }
  @Get('any') @AcceptsToken('any') any() {
    return 'in';
  }
  @Get('list') @AcceptsToken('session_token', 'm2m_token', 'oauth_token', 'api_key') list() {
    return 'in';
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
  @Get('me') me(@CurrentUser() { id }: User) {
    return { id };
  }
}

const TIMEOUT_MS = 750;
const MAX_PENDING = 6;
/** How many of them callers that were not verified before may use. */
const UNVERIFIED_SHARE = MAX_PENDING / 3;

const EXPIRED = { key: 'current', isExpired: true } as const;
const CURRENT = { key: 'current', isExpired: false } as const;
const CLIENT_UAT = { clientUat: '1', suffixedClientUat: '1', isNavigation: false } as const;
const nonce = (place: 'target' | 'cookie'): BrowserSpec => ({
  handshake: { by: 'nonce', in: place, session: CURRENT, key: 'current' },
  isNavigation: true,
});

/** Every kind of request for which Clerk's SDK exchanges a nonce or a refresh token. */
const EXCHANGES: Record<string, BrowserSpec> = {
  'expired header tokens beside refresh tokens': { header: EXPIRED, refresh: 'good', ...CLIENT_UAT },
  'expired header tokens beside unknown refresh tokens': { header: EXPIRED, refresh: 'made-up', ...CLIENT_UAT },
  'expired header tokens beside active cookies and refresh tokens': {
    ...{ header: EXPIRED, suffixedCookie: CURRENT, refresh: 'good', ...CLIENT_UAT },
  },
  'expired suffixed cookies': { suffixedCookie: EXPIRED, refresh: 'good', ...CLIENT_UAT },
  'expired plain cookies': { cookie: EXPIRED, refresh: 'good', clientUat: '1', isNavigation: false },
  'expired cookies on navigations': { suffixedCookie: EXPIRED, refresh: 'good', ...CLIENT_UAT, isNavigation: true },
  'nonces in the URL': nonce('target'),
  'nonces in cookies': nonce('cookie'),
};

describe.each(PLATFORMS)('while Clerk hangs, on %s,', (_, platform) => {
  let rotating: RotatingClerk;
  let app: TestApp;
  let user: string;
  const pendingCalls = () => rotating.clerk.requests.filter(({ status }) => status === undefined).length;

  beforeEach(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    rotating = await RotatingClerk.start('production');
    const { publishableKey, secretKey, apiUrl, telemetry } = rotating.clerk.options;
    app = await TestApp.on(platform)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry, timeoutInMs: TIMEOUT_MS, maxPendingCalls: MAX_PENDING })
      .controllers(Routes)
      .start();
    user = rotating.clerk.createUser().id;
    expect((await app.withToken('/strict', await rotating.clerk.sessionToken())).status).toBe(200);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all([app.close(), rotating.stop()]);
  });

  describe.each(Object.entries(EXCHANGES))('%s', (_name, spec) => {
    it.each(['/strict', '/any', '/list'])(
      'on %s use no more than their share of maxPendingCalls and return 503',
      async (path) => {
        const requests = await Promise.all(Array.from({ length: 5 * MAX_PENDING }, () => rotating.request(spec, user)));
        rotating.clerk.outage('hang', '/v1/sessions');
        if (spec.handshake) rotating.clerk.outage('hang', '/v1/clients');
        const answers = await Promise.all(requests.map(({ target, headers }) => app.send(path + target, headers)));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
        expect(pendingCalls()).toBe(UNVERIFIED_SHARE);
        // A caller that needs no exchange still passes, even if it sends a refresh token.
        const good = { suffixedCookie: CURRENT, refresh: 'good', ...CLIENT_UAT } as const;
        expect((await app.send('/strict', (await rotating.request(good, user)).headers)).status).toBe(200);
      },
    );
  });

  it('previously verified callers pass after a flood of unknown tokens has used its share of maxPendingCalls', async () => {
    const { clerk } = rotating;
    const machine = clerk.createMachine();
    const known = {
      '/api-key': clerk.createApiKey({ subject: user }).secret,
      '/m2m': (await clerk.createM2MToken({ machine })).token,
      '/oauth': (await clerk.createOAuthToken({ user })).token,
    };
    for (const [path, token] of Object.entries(known)) expect((await app.withToken(path, token)).status).toBe(200);
    const session = await clerk.sessionToken({ user });
    const browsers = await Promise.all(
      Array.from({ length: MAX_PENDING }, () => rotating.request(nonce('target'), user)),
    );
    clerk.outage('hang');
    const before = clerk.countRequests();
    const flood = await Promise.all([
      ...['ak', 'mt', 'oat'].flatMap((prefix) =>
        Array.from({ length: MAX_PENDING }, (_unused, index) => app.withToken('/any', `${prefix}_${index}`)),
      ),
      ...browsers.map(({ target, headers }) => app.send(`/strict${target}`, headers)),
    ]);
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([503]));
    expect(clerk.countRequests() - before).toBe(2 * UNVERIFIED_SHARE);

    clerk.recover();
    for (const [path, token] of Object.entries(known)) expect((await app.withToken(path, token)).status).toBe(200);
    expect((await app.withToken('/me', session)).body).toEqual({ id: user });
    expect((await app.withToken('/any', 'ak_new')).status).toBe(503);
  });

  it('a previously verified token may use one call beyond the share of unverified callers', async () => {
    const { secret } = rotating.clerk.createApiKey({ subject: user });
    expect((await app.withToken('/api-key', secret)).status).toBe(200);
    rotating.clerk.outage('hang');
    const before = rotating.clerk.countRequests();
    // The cookies differ, so that each request needs a call of its own.
    const answers = Array.from({ length: 3 * MAX_PENDING }, (_unused, index) =>
      app.withToken('/api-key', secret, { cookie: `a=${index}` }),
    );
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([503]));
    expect(rotating.clerk.countRequests() - before).toBe(1 + UNVERIFIED_SHARE);
  });
});
