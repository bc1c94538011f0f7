import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { clerkMiddleware, getAuth as getAuthOfExpress } from '@clerk/express';
import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';

import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import { ClerkMiddleware, getAuth, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

/** The accepted token types for which both sides return their auth object. */
const ACCEPTS = [
  undefined,
  'session_token',
  'api_key',
  'm2m_token',
  'oauth_token',
  'any',
  ['api_key', 'session_token'],
] as const;

function answerWith(get: (request: never, options: { acceptsToken: never }) => object) {
  return (request: unknown, response: import('node:http').ServerResponse) => {
    const answers = ACCEPTS.map((acceptsToken) => get(request as never, { acceptsToken: acceptsToken as never }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answers));
  };
}

@Module({})
class OursModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(ClerkMiddleware, answerWith(getAuth as never)).forRoutes('{*path}');
  }
}

type Sent = { readonly headers: Record<string, string>; readonly path?: string; readonly method?: string };

/** Every token in every place, and the other parts of a request that Clerk checks. */
async function requests(clerk: LocalClerk, other: LocalClerk): Promise<[string, Sent][]> {
  const user = clerk.createUser();
  const organization = clerk.createOrganization();
  clerk.addMember({ user, organization, role: 'org:admin', permissions: ['org:invoices:create'] });
  const machine = clerk.createMachine();
  const now = Math.floor(Date.now() / 1000);
  const tokens: Record<string, string> = {
    session: await clerk.sessionToken({ user }),
    'organization session': await clerk.sessionToken({
      user,
      organization,
      plans: ['user:pro'],
      features: ['org:export'],
    }),
    impersonated: await clerk.sessionToken({ user, actor: { sub: 'user_admin' } }),
    pending: await clerk.sessionToken({ user, sessionStatus: 'pending' }),
    expired: await clerk.sessionToken({ user, issuedAt: now - 120 }),
    'not valid yet': await clerk.sessionToken({ user, notBefore: now + 60 }),
    'from the future': await clerk.sessionToken({ user, issuedAt: now + 60 }),
    'expired within the clock skew': await clerk.sessionToken({ user, issuedAt: now - 62 }),
    'of another instance': await other.sessionToken(),
    forged: await clerk.sessionToken({ user, key: other }),
    unsigned: await clerk.sessionToken({ user, header: { alg: 'none' } }),
    HS256: await clerk.sessionToken({ user, header: { alg: 'HS256' } }),
    'without category': await clerk.sessionToken({ user, header: { cat: undefined } }),
    'without issuer': await clerk.sessionToken({ user, claims: { iss: undefined } }),
    'without subject': await clerk.sessionToken({ user, claims: { sub: undefined } }),
    'without azp': await clerk.sessionToken({ user, claims: { azp: undefined } }),
    'with another azp': await clerk.sessionToken({ user, authorizedParty: 'https://evil.example' }),
    template: await clerk.templateToken({ user }),
    'API key': clerk.createApiKey({ subject: user, scopes: ['a'], claims: { tier: 1 } }).secret,
    'API key of an organization': clerk.createApiKey({ subject: organization }).secret,
    'expired API key': clerk.createApiKey({ subject: user, secondsUntilExpiration: -1 }).secret,
    'M2M token': (await clerk.createM2MToken({ machine, scopes: ['mch_x'] })).token,
    'M2M JWT': (await clerk.createM2MToken({ machine, format: 'jwt', claims: { region: 'eu' } })).token,
    'OAuth token': (await clerk.createOAuthToken({ user })).token,
    'OAuth JWT': (await clerk.createOAuthToken({ user, format: 'jwt', scopes: ['email'] })).token,
    'unknown API key': 'ak_unknown',
    'not a JWT': 'garbage',
    'three invalid parts': 'a.b.c',
  };
  const suffix = computeCookieSuffix(clerk.publishableKey);
  const fetched = { 'sec-fetch-dest': 'empty', accept: 'application/json' };
  const navigated = { 'sec-fetch-dest': 'document', accept: 'text/html' };
  const cookies = (...pairs: string[]) => ({ cookie: pairs.join('; ') });
  const signedIn = ['__client_uat=1', '__clerk_db_jwt=d'];

  const cases: [string, Sent][] = Object.entries(tokens).flatMap(([name, token]): [string, Sent][] => [
    [`${name} as bearer`, { headers: { authorization: `Bearer ${token}` } }],
    [`${name} bare`, { headers: { authorization: token } }],
    [`${name} in lower case`, { headers: { authorization: `bearer ${token}` } }],
    [`${name} as bearer, posted`, { headers: { authorization: `Bearer ${token}` }, method: 'POST' }],
    [`${name} as bearer, navigating`, { headers: { authorization: `Bearer ${token}`, ...navigated } }],
    [`${name} in a cookie, fetching`, { headers: { ...fetched, ...cookies(`__session=${token}`, ...signedIn) } }],
    [`${name} in a cookie, navigating`, { headers: { ...navigated, ...cookies(`__session=${token}`, ...signedIn) } }],
    [
      `${name} in a suffixed cookie`,
      {
        headers: {
          ...fetched,
          ...cookies(`__session_${suffix}=${token}`, `__client_uat_${suffix}=1`, `__clerk_db_jwt_${suffix}=d`),
        },
      },
    ],
  ]);
  const { session } = tokens;
  const handshakes = {
    in: (await clerk.createHandshake({ user })).token,
    out: (await clerk.createHandshake(null)).token,
    expired: (await clerk.createHandshake({ user, issuedAt: now - 30, expiresIn: 10 })).token,
  };
  const circumstances: Record<string, Sent> = {
    'a handshake in the URL': { headers: navigated, path: `/a?x=1&__clerk_handshake=${handshakes.in}` },
    'a handshake in a cookie': { headers: { ...navigated, ...cookies(`__clerk_handshake=${handshakes.in}`) } },
    'a signed-out handshake': { headers: navigated, path: `/a?__clerk_handshake=${handshakes.out}` },
    'a handshake with an expired token': { headers: navigated, path: `/a?__clerk_handshake=${handshakes.expired}` },
    'an unknown nonce': {
      headers: { ...navigated, ...cookies('__clerk_db_jwt=d') },
      path: '/a?__clerk_handshake_nonce=spent',
    },
    'all cookies of a browser, navigating': {
      headers: { ...navigated, cookie: await clerk.browserCookies({ user, organization }) },
    },
    'all cookies of a browser, fetching': { headers: { ...fetched, cookie: await clerk.browserCookies({ user }) } },
    'no credentials, fetching': { headers: fetched },
    'no credentials, navigating': { headers: navigated },
    'no credentials, in an iframe': { headers: { 'sec-fetch-dest': 'iframe' } },
    'no credentials, without Fetch Metadata': { headers: { accept: 'text/html,*/*' } },
    'no credentials, posting a form': { headers: navigated, method: 'POST' },
    'signed out, navigating': { headers: { ...navigated, ...cookies('__client_uat=0', '__clerk_db_jwt=d') } },
    'no client_uat': { headers: { ...navigated, ...cookies(`__session=${session}`, '__clerk_db_jwt=d') } },
    'client_uat without session': { headers: { ...navigated, ...cookies(...signedIn) } },
    'session before client_uat': {
      headers: { ...navigated, ...cookies(`__session=${session}`, '__client_uat=9999999999', '__clerk_db_jwt=d') },
    },
    'no dev browser': { headers: { ...navigated, ...cookies(`__session=${session}`, '__client_uat=1') } },
    'dev browser in the URL': { headers: { ...navigated, ...cookies(...signedIn) }, path: '/a?__clerk_db_jwt=d&x=1' },
    'third redirect': { headers: { ...navigated, ...cookies('__clerk_redirect_count=3') } },
    'second redirect': { headers: { ...navigated, ...cookies('__clerk_redirect_count=1') } },
    'another application’s cookie beside ours': {
      headers: {
        ...fetched,
        ...cookies(
          `__session=${tokens['of another instance']}`,
          `__session_${suffix}=${session}`,
          '__client_uat=1',
          `__client_uat_${suffix}=1`,
          `__clerk_db_jwt_${suffix}=d`,
        ),
      },
    },
    'a forwarded host': {
      headers: { ...navigated, 'x-forwarded-host': 'www.example.com', 'x-forwarded-proto': 'https' },
    },
    'a list of forwarded hosts': {
      headers: {
        ...navigated,
        'x-forwarded-host': 'www.example.com, proxy.internal',
        'x-forwarded-proto': 'https,http',
      },
    },
    'from another site': {
      headers: { ...navigated, ...cookies(`__session=${session}`, ...signedIn), referer: 'https://other.example/' },
    },
    'a query and a path': { headers: navigated, path: '/a/b?c=d&e=%20f' },
    'the Basic scheme': { headers: { authorization: 'Basic dXNlcjpwYXNz' } },
    'header and cookie': {
      headers: { authorization: 'Bearer garbage', ...cookies(`__session=${session}`, ...signedIn) },
    },
    HEAD: { headers: navigated, method: 'HEAD' },
    '//host': { headers: navigated, path: '//evil.example/a' },
  };
  return [...cases, ...Object.entries(circumstances)];
}

/** The parts of a response that a browser or a handler depends on. */
function relevantParts({ status, headers, body }: Awaited<ReturnType<TestApp['send']>>, port: number) {
  const neutral = (text: string | null) => text?.replaceAll(String(port), 'PORT') ?? null;
  const location = headers.get('location');
  return {
    status,
    // For redirects to this server, Clerk's SDK sends the full URL and we send the path, which means the same to a browser.
    location: neutral(location && new URL(location, `http://127.0.0.1:${port}`).href),
    cookies: headers.getSetCookie().map(neutral),
    auth: Array.isArray(body) ? body : null,
  };
}

describe.each([
  ['no other options', {}],
  ['authorizedParties', { authorizedParties: ['http://localhost:3000'] }],
] as [string, ClerkModuleOptions][])('ClerkMiddleware and getAuth(), with %s,', (_, more) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let theirs: Server;

  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    const express = new ExpressAdapter().getInstance();
    express.use(clerkMiddleware({ ...clerk.options, ...more } as never), answerWith(getAuthOfExpress as never));
    theirs = createServer(express).listen(0, '127.0.0.1');
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => {
    theirs?.close();
    return Promise.all([clerk?.stop(), other?.stop()]);
  });

  it.each(PLATFORMS)(
    'answer more than 200 requests on %s as Clerk’s Express SDK does',
    async (_platform, platform) => {
      const ours = await TestApp.on(platform)
        // Clerk's SDK trusts any proxy.
        .trustingItsProxy()
        .clerk({ ...clerk.options, ...more })
        .imports(OursModule)
        .start();
      const { port } = theirs.address() as AddressInfo;
      // Both see the same time, however slow the machine is.
      jest.spyOn(Date, 'now').mockReturnValue(Date.now());
      const cases = await requests(clerk, other);
      expect(cases.length).toBeGreaterThan(200);

      const differences: string[] = [];
      let signedIn = 0;
      for (const [name, { headers, path = '/a', method }] of cases) {
        const [here, there] = [await ours.send(path, headers, method), await sendTo(port, path, headers, method)];
        const [mine, clerks] = [relevantParts(here, ours.port), relevantParts(there, port)];
        signedIn += mine.auth?.some(({ isAuthenticated }) => isAuthenticated) ? 1 : 0;
        if (JSON.stringify(mine) !== JSON.stringify(clerks))
          differences.push(`${name}: ${JSON.stringify({ mine, clerks })}`);
      }
      await ours.close();
      expect(signedIn).toBeGreaterThan(30);
      expect(differences.filter((difference) => !isDeliberate(difference))).toEqual([]);
    },
    60_000,
  );
});

/** Sends the same request to a server that is not a TestApp. */
function sendTo(port: number, path: string, headers: Record<string, string>, method?: string) {
  return TestApp.prototype.send.call({ port } as TestApp, path, headers, method);
}

/** Intended differences: `authorizedParties` does not apply to machine tokens, and a target such as `//host` gets 400. */
function isDeliberate(difference: string): boolean {
  return /^(\/\/host|(M2M|OAuth) JWT (as bearer|bare))/.test(difference);
}
