import { createClerkClient } from '@clerk/backend';

import { ClerkCalls } from '../../lib/client/clerk-calls.js';
import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { StaticKeySet, type KeySet } from '../../lib/authentication/keys/key-set.js';
import { RemoteKeySet } from '../../lib/authentication/keys/remote-key-set.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk, type InstanceType } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { expectIdentityOf } from '../support/clerk-alone.js';

/** A request in which only the differences to `GET /` at api.test are given. */
interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly acceptsToken?: AcceptsToken;
}

const SECOND = 1_000;
const CLERK_LANE_ONLY = { verificationCache: false, directVerification: false } as const;
const NOTHING: Sent = {};
const NAVIGATION = { 'sec-fetch-dest': 'document', accept: 'text/html' };
const TRUSTING = { get: () => () => true };

const OPTIONS: ClerkModuleOptions = { authorizedParties: ['https://app.test'], audience: 'api' };
const TYPES: readonly AcceptsToken[] = ['session_token', 'any', ['session_token', 'm2m_token']];

/** Which answers are given without asking Clerk's client, and which are not. */
describe('the answers that need no call of Clerk’s client', () => {
  const clerks = {} as Record<InstanceType, LocalClerk>;
  let attacker: LocalClerk;
  let now: number;

  beforeAll(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    now = Math.floor(Date.now() / SECOND) * SECOND;
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    clerks.development = await LocalClerk.start();
    clerks.production = await LocalClerk.start({ instanceType: 'production' });
    attacker = await LocalClerk.start();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all([clerks.development, clerks.production, attacker].map((clerk) => clerk.stop()));
  });

  /** An instance, with a spy on the call of Clerk's own client. */
  function instance(
    given: ClerkModuleOptions = {},
    { of = clerks.development, fetchesKeys = false }: { of?: LocalClerk; fetchesKeys?: boolean } = {},
  ) {
    const { publishableKey, secretKey, apiUrl, telemetry } = of.options;
    const base = { publishableKey, secretKey, apiUrl, telemetry };
    const options = resolveClerkOptions({ ...base, ...(fetchesKeys ? {} : { jwtKey: of.jwtKey }), ...given }, {});
    const calls = new ClerkCalls(options);
    const client = createClerkClient({ ...base, apiVersion: 'v1' });
    const asked = jest.spyOn(client, 'authenticateRequest');
    const keys: KeySet = fetchesKeys ? new RemoteKeySet(options, calls, fetch, () => now) : new StaticKeySet(of.jwtKey);
    const authenticator = createAuthenticator(
      options,
      () => client,
      keys,
      () => now,
      calls,
    );
    const ask = async ({
      method = 'GET',
      url = '/',
      headers,
      acceptsToken = 'session_token',
    }: Sent): Promise<Identity> => {
      const source = { method, url, headers: { host: 'api.test', ...headers }, app: TRUSTING };
      return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
    };
    return { ask, asked, close: () => authenticator.close?.() };
  }

  describe.each(['development', 'production'] as const)(
    'to requests without credentials on a %s instance',
    (instanceType) => {
      const start = (given?: ClerkModuleOptions) => instance(given, { of: clerks[instanceType] });

      it.each<[string, Sent]>([
        ['no headers', NOTHING],
        ['cookies of other software', { headers: { cookie: '_ga=1; theme=dark' } }],
        [
          'the headers of a fetch',
          { headers: { origin: 'https://app.test', 'sec-fetch-dest': 'empty', accept: '*/*' } },
        ],
        ['the method POST', { method: 'POST' }],
        ['the method HEAD', { method: 'HEAD' }],
        ['a forwarded origin', { headers: { 'x-forwarded-host': 'app.test', 'x-forwarded-proto': 'https' } }],
        ['a path and a query', { url: '/a/b?c=d' }],
        ['a handler of any token', { acceptsToken: 'any' }],
        ['a handler of two types', { acceptsToken: ['session_token', 'api_key'] }],
        ['a handler of M2M tokens', { acceptsToken: 'm2m_token' }],
        ['a handler of API keys', { acceptsToken: 'api_key' }],
        ['a handler of OAuth tokens', { acceptsToken: 'oauth_token' }],
      ])('are Clerk’s answer to the first one: %s', async (_, sent) => {
        const { ask, asked } = start();
        const expected = await instance(CLERK_LANE_ONLY, { of: clerks[instanceType] }).ask(sent);
        for (let time = 0; time < 4; time++) await expectIdentityOf(expected, await ask(sent));
        expect(asked).toHaveBeenCalledTimes(1);
      });

      it.each<[string, Sent]>([
        ['another cookie of other software', { headers: { cookie: '_ga=2' } }],
        ['another user agent', { headers: { 'user-agent': 'curl' } }],
        ['a header that Clerk does not read', { headers: { 'accept-language': 'de' } }],
        ['another path', { url: '/x?y=z' }],
      ])('are the same for a request that differs in what Clerk does not read: %s', async (_, other) => {
        const { ask, asked } = start();
        await ask(NOTHING);
        for (let time = 0; time < 3; time++) await ask(other);
        expect(asked).toHaveBeenCalledTimes(1);
      });

      it.each<[string, Sent]>([
        ['another host', { headers: { host: 'other.test' } }],
        ['another forwarded host', { headers: { 'x-forwarded-host': 'other.test' } }],
        ['another forwarded protocol', { headers: { 'x-forwarded-proto': 'https' } }],
        ['another protocol of CloudFront', { headers: { 'cloudfront-forwarded-proto': 'https' } }],
        ['another origin', { headers: { origin: 'https://other.test' } }],
        ['another destination', { headers: { 'sec-fetch-dest': 'empty' } }],
        ['another Accept header', { headers: { accept: 'application/json' } }],
        ['another method', { method: 'POST' }],
        ['a parameter of Clerk', { url: '/?__clerk_db_jwt=x' }],
        ['a percent-encoded parameter of Clerk', { url: '/?%5F_clerk_db_jwt=x' }],
        ['other token types', { acceptsToken: 'any' }],
        ['a sign-in time', { headers: { cookie: '__client_uat=1' } }],
        ['a dev browser', { headers: { cookie: '__clerk_db_jwt=x' } }],
        ['a redirect count', { headers: { cookie: '__clerk_redirect_count=1' } }],
        ['a session cookie', { headers: { cookie: '__session=x' } }],
        ['an Authorization header', { headers: { authorization: 'Bearer a b' } }],
      ])('are not used for a request that differs in what Clerk reads: %s', async (_, other) => {
        const { ask, asked } = start();
        await ask(NOTHING);
        const before = asked.mock.calls.length;
        await ask(other);
        expect(asked).toHaveBeenCalledTimes(before + 1);
      });

      it.each<[string, ClerkModuleOptions]>([
        ['a satellite', { isSatellite: true, domain: 'satellite.test', signInUrl: 'https://primary.test/sign-in' }],
        ['a function proxyUrl', { proxyUrl: (url) => `${url.origin}/__clerk` }],
        ['a function domain', { domain: (url) => url.hostname }],
        ['a function isSatellite', { isSatellite: () => false }],
        ['a function frontendApiProxy.enabled', { frontendApiProxy: { enabled: () => true } }],
        ['no cache', { verificationCache: false }],
      ])('are Clerk’s for each request with %s', async (_, options) => {
        const { ask, asked } = start(options);
        for (const time of [1, 2, 3]) {
          await ask(NOTHING);
          expect(asked).toHaveBeenCalledTimes(time);
        }
      });

      it('are not stored after close()', async () => {
        const { ask, asked, close } = start();
        await ask(NOTHING);
        close();
        for (const time of [2, 3]) {
          await ask(NOTHING);
          expect(asked).toHaveBeenCalledTimes(time);
        }
      });

      it('are not shared between instances with the same options', async () => {
        const [first, second] = [start(), start()];
        for (const { ask, asked } of [first, second]) {
          await ask(NOTHING);
          expect(asked).toHaveBeenCalledTimes(1);
        }
      });
    },
  );

  it('to navigations that lead to a handshake are Clerk’s for each request', async () => {
    const { ask, asked } = instance();
    for (const time of [1, 2, 3]) {
      const { status } = await ask({ headers: NAVIGATION });
      expect([status, asked.mock.calls.length]).toEqual(['handshake', time]);
    }
  });

  describe('to a session token in the header that is certainly not valid', () => {
    const ISSUED = { authorizedParty: 'https://app.test', claims: { aud: 'api' }, expiresIn: 3_600 };
    const seconds = () => now / SECOND;

    /** The tokens, and the handlers for which they are not valid. */
    const TOKENS: Readonly<
      Record<string, { readonly make: () => string | Promise<string>; readonly types?: readonly AcceptsToken[] }>
    > = {
      'a malformed token': { make: () => 'nonsense' },
      'three parts that are not JSON': { make: () => 'a.b.c' },
      'a forged signature': { make: () => clerks.development.sessionToken({ ...ISSUED, key: attacker }) },
      'another payload': {
        make: async () => {
          const [header, , signature] = (await clerks.development.sessionToken(ISSUED)).split('.');
          const claims = { sub: 'user_evil', sid: 'sess_evil', exp: 9_999_999_999 };
          return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
        },
      },
      'an expired token': {
        make: () => clerks.development.sessionToken({ ...ISSUED, issuedAt: seconds() - 600, expiresIn: 60 }),
      },
      'a future nbf': { make: () => clerks.development.sessionToken({ ...ISSUED, notBefore: seconds() + 600 }) },
      'a future iat': {
        make: () => clerks.development.sessionToken({ ...ISSUED, claims: { aud: 'api', iat: seconds() + 600 } }),
      },
      'another azp': {
        make: () => clerks.development.sessionToken({ ...ISSUED, authorizedParty: 'https://evil.test' }),
      },
      'no azp': { make: () => clerks.development.sessionToken({ ...ISSUED, omit: ['azp'] }) },
      'another aud': { make: () => clerks.development.sessionToken({ ...ISSUED, claims: { aud: 'other' } }) },
      'a template token': { make: () => clerks.development.templateToken({ expiresIn: 3_600 }) },
      'an M2M JWT': {
        make: async () =>
          (await clerks.development.createM2MToken({ machine: clerks.development.createMachine(), format: 'jwt' }))
            .token,
        types: ['session_token'],
      },
      'an OAuth JWT': {
        make: async () =>
          (await clerks.development.createOAuthToken({ user: clerks.development.createUser(), format: 'jwt' })).token,
        types: ['session_token'],
      },
      'an API key': {
        make: () => clerks.development.createApiKey({ subject: clerks.development.createUser() }).secret,
        types: ['session_token'],
      },
    };
    const CASES = Object.keys(TOKENS).flatMap((name) =>
      (TOKENS[name]?.types ?? TYPES).map((types) => [name, types] as const),
    );

    it.each(CASES)('are those of the Clerk lane: %s, where %j is accepted', async (name, acceptsToken) => {
      const token = await (TOKENS[name] as { make: () => string | Promise<string> }).make();
      const { ask, asked } = instance(OPTIONS);
      const alone = instance({ ...OPTIONS, ...CLERK_LANE_ONLY });
      for (const method of ['GET', 'POST', 'HEAD']) {
        for (const cookie of ['', '_ga=1', '__client_uat=1; __clerk_db_jwt=d']) {
          const headers = { authorization: `Bearer ${token}`, ...(cookie && { cookie }) };
          const sent = { method, headers, acceptsToken };
          for (let time = 0; time < 2; time++) await expectIdentityOf(await alone.ask(sent), await ask(sent));
        }
      }
      expect(asked).not.toHaveBeenCalled();
    });

    it.each(TYPES.map((types) => [types]))(
      'are those of the Clerk lane: an unknown kid with fetched keys, where %j is accepted',
      async (acceptsToken) => {
        const { ask, asked } = instance(OPTIONS, { fetchesKeys: true });
        const valid = await clerks.development.sessionToken(ISSUED);
        await ask({ headers: { authorization: `Bearer ${valid}` } });
        asked.mockClear();
        const token = await clerks.development.sessionToken({ ...ISSUED, header: { kid: 'unknown' }, key: attacker });
        for (const method of ['GET', 'POST']) {
          const { status, reason } = await ask({ method, headers: { authorization: `Bearer ${token}` }, acceptsToken });
          expect([status, reason]).toEqual(['signed-out', 'jwk-kid-mismatch']);
        }
        expect(asked).not.toHaveBeenCalled();
      },
    );

    it.each<[string, ClerkModuleOptions, (token: string) => Sent]>([
      ['a session cookie', {}, (token) => ({ headers: { ...bearer(token), cookie: '__session=x' } })],
      [
        'a refresh token, with which a GET can be signed in',
        {},
        (token) => ({
          headers: {
            ...bearer(token),
            cookie: `__client_uat=1; __refresh_${computeCookieSuffix(clerks.development.publishableKey)}=x`,
          },
        }),
      ],
      [
        'a document navigation, which leads to a handshake',
        {},
        (token) => ({ headers: { ...NAVIGATION, ...bearer(token) } }),
      ],
      ['a navigation by its Accept header', {}, (token) => ({ headers: { accept: 'text/html', ...bearer(token) } })],
      [
        'a satellite',
        { isSatellite: true, domain: 'a.test', signInUrl: 'https://b.test/x' },
        (token) => ({ headers: bearer(token) }),
      ],
      ['a text after the token', {}, (token) => ({ headers: bearer(`${token} x`) })],
      ['no direct verification', { directVerification: false }, (token) => ({ headers: bearer(token) })],
    ])('are Clerk’s for each request with an expired token and %s', async (_, given, make) => {
      const token = await clerks.development.sessionToken({ ...ISSUED, issuedAt: seconds() - 600, expiresIn: 60 });
      const { ask, asked } = instance({ ...OPTIONS, ...given });
      const sent = make(token);
      for (let time = 0; time < 3; time++) {
        const before = asked.mock.calls.length;
        await ask(sent);
        expect(asked.mock.calls.length).toBeGreaterThan(before);
      }
    });
  });
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
