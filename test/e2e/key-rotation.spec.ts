import { createClerkClient } from '@clerk/backend';
import { Controller, Get } from '@nestjs/common';

import { Auth, type ClerkModuleOptions } from '../../lib/index.js';
import type { InstanceType } from '../../lib/testing/index.js';
import { RotatingClerk, type BrowserSpec, type KeyName, type SessionSpec } from '../support/key-rotation.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('strict') strict(@Auth('userId') userId: string) {
    return { userId };
  }
}

const active = (key: KeyName): SessionSpec => ({ key, isExpired: false });
const expired = (key: KeyName): SessionSpec => ({ key, isExpired: true });
const CLIENT_UAT = { clientUat: '1', suffixedClientUat: '1' };
const NAVIGATION = { isNavigation: true };
const FETCH = { isNavigation: false };

/** What a browser sends during a key rotation, whether that signs it in, and how many exchanges with Clerk it causes. */
const BROWSERS: Record<string, { spec: BrowserSpec; signsIn: boolean; exchanges: number }> = {
  'an expired cookie of the former key with a refresh token, on a navigation': {
    spec: { suffixedCookie: expired('former'), refresh: 'good', ...CLIENT_UAT, ...NAVIGATION },
    ...{ signsIn: true, exchanges: 1 },
  },
  'an expired cookie of the former key with a refresh token, in a fetch': {
    spec: { suffixedCookie: expired('former'), refresh: 'good', ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: true, exchanges: 1 },
  },
  'an expired cookie of a removed key with a refresh token': {
    spec: { suffixedCookie: expired('removed'), refresh: 'good', ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: false, exchanges: 0 },
  },
  'an expired header token of the former key with a refresh token': {
    spec: { header: expired('former'), refresh: 'good', ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: true, exchanges: 1 },
  },
  'an expired cookie of the former key with an unknown refresh token': {
    spec: { suffixedCookie: expired('former'), refresh: 'made-up', ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: false, exchanges: 1 },
  },
  'a nonce for a session of the current key beside an expired cookie of the former key': {
    spec: {
      suffixedCookie: expired('former'),
      refresh: 'good',
      handshake: { by: 'nonce', in: 'cookie', session: active('current'), key: 'current' },
      ...{ ...CLIENT_UAT, ...NAVIGATION },
    },
    ...{ signsIn: true, exchanges: 1 },
  },
  'a nonce for a session of the former key, in the URL': {
    spec: { handshake: { by: 'nonce', in: 'target', session: active('former'), key: 'current' }, ...NAVIGATION },
    ...{ signsIn: true, exchanges: 1 },
  },
  'a nonce for a session of an unpublished key': {
    spec: { handshake: { by: 'nonce', in: 'cookie', session: active('unpublished'), key: 'current' }, ...NAVIGATION },
    ...{ signsIn: false, exchanges: 1 },
  },
  'a handshake token of the former key with a session of the current key': {
    spec: { handshake: { by: 'token', in: 'target', session: active('current'), key: 'former' }, ...NAVIGATION },
    ...{ signsIn: true, exchanges: 0 },
  },
  'a handshake token of the current key with a session of the former key, beside an expired cookie of the current key':
    {
      spec: {
        suffixedCookie: expired('current'),
        handshake: { by: 'token', in: 'cookie', session: active('former'), key: 'current' },
        ...{ ...CLIENT_UAT, ...NAVIGATION },
      },
      ...{ signsIn: true, exchanges: 0 },
    },
  'a handshake token of a removed key': {
    spec: { handshake: { by: 'token', in: 'target', session: active('current'), key: 'removed' }, ...NAVIGATION },
    ...{ signsIn: false, exchanges: 0 },
  },
  'an expired plain cookie of the former key beside an active suffixed cookie of the current key': {
    spec: { cookie: expired('former'), suffixedCookie: active('current'), ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: true, exchanges: 0 },
  },
  'an active plain cookie of the current key beside an expired suffixed cookie of the former key': {
    spec: { cookie: active('current'), suffixedCookie: expired('former'), refresh: 'good', ...CLIENT_UAT, ...FETCH },
    ...{ signsIn: true, exchanges: 0 },
  },
};

/** The client that calls Clerk: the module's, or the application's own. */
const CLIENTS: Record<string, (options: ClerkModuleOptions) => ClerkModuleOptions> = {
  'the module’s client': (options) => options,
  'the client of the application': (options) => ({
    ...options,
    clerkClient: createClerkClient({
      apiUrl: options.apiUrl,
      secretKey: options.secretKey,
      telemetry: { disabled: true },
    }),
  }),
};

const CASES = (['development', 'production'] as const).flatMap((instanceType) =>
  Object.entries(CLIENTS).map(([name, withClient]) => ({ instanceType, name, withClient })),
);

describe.each(PLATFORMS)('a key rotation on %s', (_, platform) => {
  describe.each(CASES)('of a $instanceType instance, with $name', ({ instanceType, withClient }) => {
    let rotating: RotatingClerk;
    let app: TestApp;

    beforeAll(async () => {
      for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
      rotating = await RotatingClerk.start(instanceType as InstanceType);
      const { publishableKey, secretKey, apiUrl, telemetry } = rotating.clerk.options;
      app = await TestApp.on(platform)
        .clerk(withClient({ publishableKey, secretKey, apiUrl, telemetry }))
        .controllers(Routes)
        .start();
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      await Promise.all([app.close(), rotating.stop()]);
    });

    it.each(Object.entries(BROWSERS))(
      'answers %s as Clerk’s client alone does, with as many exchanges',
      async (_name, { spec, signsIn, exchanges }) => {
        const user = rotating.clerk.createUser().id;
        const before = rotating.exchanges;
        const sent = await rotating.request(spec, user);
        const answer = await app.send(`/strict${sent.target}`, sent.headers);
        expect(rotating.exchanges - before).toBe(exchanges);

        const again = await rotating.request(spec, user);
        const { apiUrl, publishableKey, secretKey } = rotating.clerk.options;
        const theirs = await rotating
          .client()
          .authenticateRequest(new Request(`http://127.0.0.1:${app.port}/strict${again.target}`, again), {
            ...{ publishableKey, secretKey, apiUrl },
          })
          .catch(() => undefined);
        expect(rotating.exchanges - before).toBe(2 * exchanges);
        expect(theirs?.status === 'signed-in').toBe(signsIn);

        const setCookies = (headers: Headers) => headers.getSetCookie().map((line) => line.split('=')[0]);
        const isRedirected = theirs?.headers.has('location') ?? false;
        expect(answer.status).toBe(isRedirected ? 307 : signsIn ? 200 : 401);
        if (theirs) expect(setCookies(answer.headers)).toEqual(setCookies(theirs.headers));
        if (answer.status === 200) expect(answer.body).toEqual({ userId: user });
        if (theirs && !signsIn) expect(answer.headers.get('x-clerk-auth-reason')).toBe(theirs.reason);
      },
    );
  });
});

describe.each(PLATFORMS)('a key that is not cached yet, on %s', (_, platform) => {
  it('is fetched for a refreshed session token only after the cooldown of the key set', async () => {
    const rotating = await RotatingClerk.start('production');
    const { clerk } = rotating;
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const app = await TestApp.on(platform)
      .clerk({ publishableKey, secretKey, apiUrl, telemetry })
      .controllers(Routes)
      .start();
    try {
      expect((await app.withToken('/strict', await clerk.sessionToken())).status).toBe(200);
      clerk.rotateKey();
      const user = clerk.createUser().id;
      const spec = { suffixedCookie: expired('current'), refresh: 'good', ...CLIENT_UAT, ...FETCH } as const;
      const duringCooldown = await app.send('/strict', (await rotating.request(spec, user)).headers);
      expect(duringCooldown.headers.get('x-clerk-auth-reason')).toBe(
        'session-token-expired-refresh-invalid-session-token',
      );
      const later = Date.now() + 31_000;
      jest.spyOn(Date, 'now').mockReturnValue(later);
      const answer = await app.send('/strict', (await rotating.request(spec, user)).headers);
      expect([answer.status, answer.body]).toEqual([200, { userId: user }]);
      expect(clerk.countRequests('/v1/jwks')).toBe(2);
    } finally {
      jest.restoreAllMocks();
      await Promise.all([app.close(), rotating.stop()]);
    }
  });
});
