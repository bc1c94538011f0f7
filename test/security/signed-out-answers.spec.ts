import { createClerkClient } from '@clerk/backend';
import fc from 'fast-check';

import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import { ClerkInstances } from '../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../lib/authentication/instances/tenant.authenticator.js';
import { computeCookieSuffix } from '../../lib/authentication/identity/credentials.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { expectIdentityOf } from '../support/clerk-alone.js';

/** A request in which only the differences to `GET /` at api.test are given. */
interface Sent {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly acceptsToken?: AcceptsToken;
  readonly isEncrypted?: boolean;
}

const TRUSTING = { get: () => () => true };
const CLERK_LANE_ONLY = { verificationCache: false, directVerification: false } as const;
const NOTHING: Sent = {};
const NAVIGATION = { 'sec-fetch-dest': 'document', accept: 'text/html' };

/** Requests without credentials; the last one would be a navigation if it were a GET. */
const ANONYMOUS: readonly Sent[] = [
  NOTHING,
  { headers: { cookie: '_ga=1', 'user-agent': 'jest' } },
  { method: 'POST', headers: NAVIGATION },
];

/** Every order in which two requests can follow each other, and in which a cached answer could be mistaken. */
const ORDERS = [
  [0, 1, 0, 1],
  [1, 0, 1, 0],
  [0, 0, 1, 1, 0, 0],
  [1, 1, 0, 0, 1, 1],
  [0, 0, 0, 1],
  [1, 1, 1, 0],
] as const;

describe.each(['development', 'production'] as const)(
  'the answers to signed-out callers on a %s instance',
  (instanceType) => {
    let clerk: LocalClerk;
    let attacker: LocalClerk;
    let now: number;

    beforeAll(async () => {
      for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
      now = Date.now();
      jest.spyOn(Date, 'now').mockImplementation(() => now);
      [clerk, attacker] = await Promise.all([LocalClerk.start({ instanceType }), LocalClerk.start()]);
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      await Promise.all([clerk.stop(), attacker.stop()]);
    });

    /** One instance with all lanes, or with the given options. */
    function instance(given: ClerkModuleOptions = {}) {
      const { publishableKey, secretKey, apiUrl } = clerk.options;
      const base = { publishableKey, secretKey, apiUrl, jwtKey: clerk.jwtKey, telemetry: { disabled: true } };
      const client = createClerkClient({ ...base, apiVersion: 'v1' });
      const options = resolveClerkOptions({ ...base, ...given }, {});
      const authenticator = createAuthenticator(
        options,
        () => client,
        new StaticKeySet(clerk.jwtKey),
        () => now,
      );
      return async (sent: Sent): Promise<Identity> => {
        const { method = 'GET', url = '/', headers, acceptsToken = 'session_token', isEncrypted = false } = sent;
        const socket = { encrypted: isEncrypted };
        const source = { method, url, headers: { host: 'api.test', ...headers }, app: TRUSTING, socket };
        return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
      };
    }

    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const suffix = () => computeCookieSuffix(clerk.publishableKey);
    const issued = (secondsAgo: number) => Math.floor(now / 1000) - secondsAgo;

    /** Requests that differ from one without credentials in what Clerk reads. */
    const OTHERS: Readonly<Record<string, () => Sent | Promise<Sent>>> = {
      'a session in the header': async () => bearer(await clerk.sessionToken()),
      'a session in the header of a handler of any token': async () => ({
        ...bearer(await clerk.sessionToken()),
        acceptsToken: 'any',
      }),
      'a session in the cookies of a browser': async () => ({ headers: { cookie: await clerk.browserCookies() } }),
      'a session with our suffix only': async () => ({
        headers: {
          cookie: `__session_${suffix()}=${await clerk.sessionToken()}; __client_uat_${suffix()}=1; __clerk_db_jwt_${suffix()}=d`,
        },
      }),
      'a pending session': async () => bearer(await clerk.sessionToken({ sessionStatus: 'pending' })),
      'an M2M token': async () => ({
        ...bearer((await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt' })).token),
        acceptsToken: 'm2m_token',
      }),
      'a forged session': async () => bearer(await clerk.sessionToken({ key: attacker })),
      'an expired session': async () => bearer(await clerk.sessionToken({ issuedAt: issued(600) })),
      'an expired session that a POST carries': async () => ({
        ...bearer(await clerk.sessionToken({ issuedAt: issued(600) })),
        method: 'POST',
      }),
      'an expired session with a refresh token': async () => ({
        headers: {
          authorization: `Bearer ${await clerk.sessionToken({ issuedAt: issued(600) })}`,
          cookie: `__client_uat=1; __refresh_${suffix()}=forged`,
        },
      }),
      'an expired session on a navigation': async () => ({
        headers: { ...NAVIGATION, authorization: `Bearer ${await clerk.sessionToken({ issuedAt: issued(600) })}` },
      }),
      'a session that is not valid yet, on a navigation': async () => ({
        headers: { ...NAVIGATION, authorization: `Bearer ${await clerk.sessionToken({ issuedAt: issued(-600) })}` },
      }),
      'a template token': async () => bearer(await clerk.templateToken()),
      'a malformed token': () => bearer('nonsense'),
      'a valid token after a scheme that Clerk does not read': async () => ({
        headers: { authorization: `bearer ${await clerk.sessionToken()}` },
      }),
      'a valid token without a scheme': async () => ({ headers: { authorization: await clerk.sessionToken() } }),
      'a password': () => ({ headers: { authorization: 'Basic dTpw' } }),
      'a session cookie for a handler of M2M tokens': async () => ({
        headers: { cookie: await clerk.browserCookies() },
        acceptsToken: 'm2m_token',
      }),
      'an encrypted connection': () => ({ isEncrypted: true }),
      'a navigation on an encrypted connection': () => ({ isEncrypted: true, headers: NAVIGATION }),
      'another host of HTTP/2': () => ({ headers: { host: undefined, ':authority': 'other.test' } }),
      'a navigation to another host of HTTP/2': () => ({
        headers: { ...NAVIGATION, host: undefined, ':authority': 'other.test' },
      }),
      'a navigation': () => ({ headers: NAVIGATION }),
      'a navigation to another host': () => ({ headers: { ...NAVIGATION, host: 'other.test' } }),
      'a navigation that has been redirected twice': () => ({
        headers: { ...NAVIGATION, cookie: '__clerk_redirect_count=2' },
      }),
      'a navigation that has been redirected too often': () => ({
        headers: { ...NAVIGATION, cookie: '__clerk_redirect_count=3' },
      }),
      'a navigation with a handshake': async () => ({
        url: `/?__clerk_handshake=${(await clerk.createHandshake({})).token}`,
        headers: NAVIGATION,
      }),
      'a handshake cookie': async () => ({
        headers: { cookie: `__clerk_handshake=${(await clerk.createHandshake({})).token}` },
      }),
      'a sign-in time without a session': () => ({ headers: { cookie: '__client_uat=1; __clerk_db_jwt=d' } }),
      'a dev browser': () => ({ headers: { cookie: '__clerk_db_jwt=d' } }),
      'a dev browser in the URL': () => ({ url: '/?__clerk_db_jwt=d' }),
      'a return to a satellite': () => ({ url: '/?__clerk_redirect_url=https%3A%2F%2Fa.test' }),
      'another host': () => ({ headers: { host: 'other.test' } }),
      'another forwarded host': () => ({ headers: { 'x-forwarded-host': 'other.test' } }),
      'another protocol': () => ({ headers: { 'x-forwarded-proto': 'https' } }),
      'another origin': () => ({ headers: { origin: 'https://other.test' } }),
      'another referer': () => ({ headers: { referer: 'https://other.test/' } }),
      'another user agent': () => ({ headers: { 'user-agent': 'of someone else' } }),
      'another method': () => ({ method: 'POST' }),
      'a handler of M2M tokens': () => ({ acceptsToken: 'm2m_token' }),
      'a handler of API keys': () => ({ acceptsToken: 'api_key' }),
      'a handler of any token': () => ({ acceptsToken: 'any' }),
      'a handler of two types': () => ({ acceptsToken: ['session_token', 'api_key'] }),
      'a handler of two machine types': () => ({ acceptsToken: ['m2m_token', 'api_key'] }),
    };

    it.each(Object.keys(OTHERS))(
      'are those of the Clerk lane, in any order: no credentials, and %s',
      async (name) => {
        const other = await OTHERS[name]!();
        const alone = instance(CLERK_LANE_ONLY);
        const expected = await alone(other);
        for (const anonymous of ANONYMOUS) {
          const answers = [await alone(anonymous), expected] as const;
          for (const order of ORDERS) {
            const ask = instance();
            for (const index of order)
              await expectIdentityOf(answers[index], await ask([anonymous, other][index] as Sent));
          }
        }
      },
      60_000,
    );

    it('are their own for eight concurrent requests of each kind', async () => {
      const alone = instance(CLERK_LANE_ONLY);
      const ask = instance({ timeoutInMs: 60_000 });
      const kinds = [NOTHING, ...(await Promise.all(Object.values(OTHERS).map(async (make) => make())))];
      const expected = await Promise.all(kinds.map((sent) => alone(sent)));
      const requests = Array.from({ length: 8 * kinds.length }, (_, index) => index % kinds.length);
      await Promise.all(
        requests.map(async (kind) => expectIdentityOf(expected[kind] as Identity, await ask(kinds[kind] as Sent))),
      );
    });

    it('are their own if a value is that of another header', async () => {
      const alone = instance(CLERK_LANE_ONLY);
      const names = [
        'host',
        'origin',
        'referer',
        'accept',
        'sec-fetch-dest',
        'x-forwarded-host',
        'cookie',
        'user-agent',
      ];
      for (const value of ['document', 'text/html', 'null', '__clerk_db_jwt=x']) {
        const requests = names.map((name): Sent => ({ headers: { [name]: value } }));
        const expected = await Promise.all(requests.map((sent) => alone(sent)));
        for (const order of [requests.keys(), [...requests.keys()].reverse()]) {
          const ask = instance();
          for (const index of order) {
            await expectIdentityOf(expected[index] as Identity, await ask(requests[index] as Sent));
          }
        }
      }
    });

    it('are their own for values that contain what may separate the parts of a key', async () => {
      const alone = instance(CLERK_LANE_ONLY);
      const names = ['host', 'origin', 'referer', 'accept', 'sec-fetch-dest', 'x-forwarded-host', 'x-forwarded-proto'];
      const values = ['document', 'text/html', 'https', 'GET', '', 'a b', 'a\tb', 'a,b', 'a|b', 'a","b', '",null,"'];
      const headers = fc.dictionary(fc.constantFrom(...names, 'cookie'), fc.constantFrom(...values), { maxKeys: 3 });
      const sent = fc.record({
        headers: headers.map((given) => ({ ...given })),
        method: fc.constantFrom('GET', 'POST'),
        url: fc.constantFrom('/', '/?a', '/?__clerk_db_jwt=', '/?__clerk_db_jwt=null'),
        acceptsToken: fc.constantFrom<AcceptsToken>('session_token', 'any', 'api_key'),
      });
      const property = fc.asyncProperty(fc.array(sent, { minLength: 10, maxLength: 10 }), async (requests) => {
        const ask = instance();
        for (const one of [...requests, ...requests]) await expectIdentityOf(await alone(one), await ask(one));
      });
      await fc.assert(property, { numRuns: Math.ceil(Number(process.env.PROPERTY_RUNS ?? 100) / 4) });
    }, 120_000);

    it.each<[string, Sent]>([
      ['no credentials', NOTHING],
      ['cookies of other software', { headers: { cookie: '_ga=1' } }],
      ['a malformed token', { headers: { authorization: 'Bearer nonsense' } }],
    ])('cannot be changed by a request with %s that received one before', async (_, sent) => {
      const expected = await instance(CLERK_LANE_ONLY)(sent);
      const ask = instance();
      for (let time = 0; time < 3; time++) {
        const identity = await ask(sent);
        await expectIdentityOf(expected, identity);
        const attempt = (change: () => unknown) => {
          // It may throw, as long as nobody else sees the change.
          try {
            change();
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
          }
        };
        attempt(() => ((identity as { status: string }).status = 'signed-in'));
        attempt(() => ((identity as { hasCredentials: boolean }).hasCredentials = true));
        const auth = identity.toAuth() as unknown as Record<string, unknown>;
        attempt(() => (auth.userId = 'user_evil'));
        attempt(() => (auth.has = () => true));
        attempt(() => Object.assign((auth.debug as () => object)(), { reason: 'changed' }));
      }
      await expectIdentityOf(expected, await ask(sent));
    });

    it('have headers that cannot be changed by a request that received them before', async () => {
      const ask = instance();
      await ask(NOTHING);
      const { headers } = await ask(NOTHING);
      expect(() => headers.append('set-cookie', '__session=evil')).toThrow(TypeError);
      expect(() => headers.set('x-clerk-auth-reason', 'changed')).toThrow(TypeError);
      expect(() => headers.delete('x-clerk-auth-reason')).toThrow(TypeError);
      await expectIdentityOf(await instance(CLERK_LANE_ONLY)(NOTHING), await ask(NOTHING));
    });

    it.each<[string, (count: () => void) => ClerkModuleOptions]>([
      ['proxyUrl', (count) => ({ proxyUrl: (url) => (count(), `${url.origin}/__clerk`) })],
      ['domain', (count) => ({ domain: (url) => (count(), url.hostname) })],
      ['isSatellite', (count) => ({ isSatellite: () => (count(), false) })],
      ['frontendApiProxy.enabled', (count) => ({ frontendApiProxy: { enabled: () => (count(), true) } })],
    ])('depend on the function %s, which is called for each request', async (_, options) => {
      let calls = 0;
      const ask = instance(options(() => (calls += 1)));
      for (const time of [1, 2, 3]) {
        await ask(NOTHING);
        expect(calls).toBe(time);
      }
    });

    it('follow organizationSyncOptions: they depend on the path', async () => {
      const options = { organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'] } };
      const [ask, alone] = [instance(options), instance({ ...options, ...CLERK_LANE_ONLY })];
      for (const url of ['/orgs/a', '/orgs/b', '/x', '/orgs/a', '/x']) {
        await expectIdentityOf(await alone({ url }), await ask({ url }));
        const navigation = { url, headers: NAVIGATION };
        await expectIdentityOf(await alone(navigation), await ask(navigation));
      }
    });

    it('of a satellite are those of the Clerk lane, whatever the origin', async () => {
      const options = { isSatellite: true, domain: 'satellite.test', signInUrl: 'https://primary.test/sign-in' };
      const [ask, alone] = [instance(options), instance({ ...options, ...CLERK_LANE_ONLY })];
      const origins = ['https://primary.test', 'https://satellite.test', 'https://primary.test'];
      for (const origin of [...origins, ...origins]) {
        for (const headers of [{ origin }, { origin, ...NAVIGATION }]) {
          await expectIdentityOf(await alone({ headers }), await ask({ headers }));
        }
      }
    });
  },
);

describe('the answers to signed-out callers of several tenants', () => {
  it('are those of their own instance, in any order', async () => {
    const clerks = await Promise.all([
      LocalClerk.start(),
      LocalClerk.start({ instanceType: 'production' }),
      LocalClerk.start(),
    ]);
    const given = {
      resolveOptions: (({ tenant }: { tenant: number }) =>
        (clerks[tenant] as LocalClerk).options) as unknown as ClerkModuleOptions['resolveOptions'],
    };
    const client = createClerkClient(clerks[0].options);
    const tenants = new TenantAuthenticator(new ClerkInstances(resolveClerkOptions(given, {}), client, given, {}));
    const reasons = ['dev-browser-missing', 'session-token-and-uat-missing', 'dev-browser-missing'];
    for (const tenant of [0, 1, 2, 1, 0, 0, 1, 1, 2]) {
      const navigation = { 'sec-fetch-dest': 'document' };
      for (const headers of [{ host: 'api.test' }, { host: 'api.test', ...navigation }, { host: 'api.test' }]) {
        const source = { method: 'GET', url: '/', headers, tenant };
        const identity = await tenants.authenticate(new HttpCredentials(source, source), 'session_token');
        expect(identity.reason).toBe(reasons[tenant]);
        expect(identity.headers.get('x-clerk-auth-reason')).toBe(reasons[tenant]);
        const location = identity.headers.get('location');
        if (location !== null) expect(location.startsWith((clerks[tenant] as LocalClerk).url)).toBe(true);
      }
    }
    await Promise.all(clerks.map((clerk) => clerk.stop()));
  });
});
