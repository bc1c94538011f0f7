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
const MOST = 6;
/** How many of them whoever is not known yet may take. */
const SHARE = MOST / 3;

const EXPIRED = { key: 'current', isExpired: true } as const;
const CURRENT = { key: 'current', isExpired: false } as const;
const UAT = { clientUat: '1', suffixedClientUat: '1', isNavigation: false } as const;
const nonce = (place: 'target' | 'cookie'): BrowserSpec => ({
  handshake: { by: 'nonce', in: place, session: CURRENT, key: 'current' },
  isNavigation: true,
});

/** Every way in which a browser makes Clerk's SDK exchange something. */
const EXCHANGES: Record<string, BrowserSpec> = {
  'expired header tokens beside refresh tokens': { header: EXPIRED, refresh: 'good', ...UAT },
  'expired header tokens beside made-up refresh tokens': { header: EXPIRED, refresh: 'made-up', ...UAT },
  'expired header tokens beside good cookies and refresh tokens': {
    ...{ header: EXPIRED, suffixedCookie: CURRENT, refresh: 'good', ...UAT },
  },
  'expired suffixed cookies': { suffixedCookie: EXPIRED, refresh: 'good', ...UAT },
  'expired plain cookies': { cookie: EXPIRED, refresh: 'good', clientUat: '1', isNavigation: false },
  'expired cookies on navigations': { suffixedCookie: EXPIRED, refresh: 'good', ...UAT, isNavigation: true },
  'nonces in the URL': nonce('target'),
  'nonces in cookies': nonce('cookie'),
};

describe.each(PLATFORMS)('with a Clerk that hangs, on %s', (_, platform) => {
  let rotating: RotatingClerk;
  let app: TestApp;
  let user: string;
  const most = () => rotating.clerk.requests.filter(({ status }) => status === undefined).length;

  beforeEach(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    rotating = await RotatingClerk.start('production');
    const { publishableKey, secretKey, apiUrl, telemetry } = rotating.clerk.options;
    app = await TestApp.on(platform)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry, timeoutInMs: TIMEOUT_MS, maxPendingCalls: MOST })
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
    it.each(['/strict', '/any', '/list'])(`on %s: no more than their share of the calls, and 503`, async (path) => {
      const requests = await Promise.all(Array.from({ length: 5 * MOST }, () => rotating.request(spec, user)));
      rotating.clerk.outage('hang', '/v1/sessions');
      if (spec.handshake) rotating.clerk.outage('hang', '/v1/clients');
      const answers = await Promise.all(requests.map(({ target, headers }) => app.send(path + target, headers)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      expect(most()).toBe(SHARE);
      // Whoever needs no exchange is not held up, be there a refresh token or not.
      const good = { suffixedCookie: CURRENT, refresh: 'good', ...UAT } as const;
      expect((await app.send('/strict', (await rotating.request(good, user)).headers)).status).toBe(200);
    });
  });

  it('answers whoever was verified lately, whatever is made up meanwhile', async () => {
    const { clerk } = rotating;
    const machine = clerk.createMachine();
    const known = {
      '/api-key': clerk.createApiKey({ subject: user }).secret,
      '/m2m': (await clerk.createM2MToken({ machine })).token,
      '/oauth': (await clerk.createOAuthToken({ user })).token,
    };
    for (const [path, token] of Object.entries(known)) expect((await app.withToken(path, token)).status).toBe(200);
    const session = await clerk.sessionToken({ user });
    const browsers = await Promise.all(Array.from({ length: MOST }, () => rotating.request(nonce('target'), user)));
    clerk.outage('hang');
    const before = clerk.countRequests();
    const flood = await Promise.all([
      ...['ak', 'mt', 'oat'].flatMap((prefix) =>
        Array.from({ length: MOST }, (_unused, index) => app.withToken('/any', `${prefix}_${index}`)),
      ),
      ...browsers.map(({ target, headers }) => app.send(`/strict${target}`, headers)),
    ]);
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([503]));
    expect(clerk.countRequests() - before).toBe(2 * SHARE);

    clerk.recover();
    for (const [path, token] of Object.entries(known)) expect((await app.withToken(path, token)).status).toBe(200);
    expect((await app.withToken('/me', session)).body).toEqual({ id: user });
    expect((await app.withToken('/any', 'ak_new')).status).toBe(503);
  });

  it('keeps no more than one place for a token that was verified', async () => {
    const { secret } = rotating.clerk.createApiKey({ subject: user });
    expect((await app.withToken('/api-key', secret)).status).toBe(200);
    rotating.clerk.outage('hang');
    const before = rotating.clerk.countRequests();
    // Each is another request, and so another question.
    const asked = Array.from({ length: 3 * MOST }, (_unused, index) =>
      app.withToken('/api-key', secret, { cookie: `a=${index}` }),
    );
    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([503]));
    expect(rotating.clerk.countRequests() - before).toBe(1 + SHARE);
  });
});
