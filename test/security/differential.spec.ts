import { createClerkClient, type AuthObject } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type AuthenticateRequestOptions } from '@clerk/backend/internal';
import fc from 'fast-check';

import { createAuthenticator, createInstance } from '../../lib/authentication/instances/clerk-instance.js';
import { tokenInHeader } from '../../lib/authentication/identity/credentials.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { toWebRequest } from '../../lib/transports/http/web-request.js';
import type { HttpRequestLike } from '../../lib/transports/http/http-request.js';
import {
  mint,
  optionsSpec,
  populate,
  request,
  requestSpec,
  TOKENS,
  tokenSpec,
  type Instance,
  type RequestSpec,
} from '../support/generated-requests.js';
import { KEYS, RotatingClerk, type BrowserSpec, type KeyName, type SessionSpec } from '../support/key-rotation.js';

/** The number of requests compared; .ci/run sets more. */
const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2_000);
const REQUESTS_A_RUN = 8;
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? Date.now() % 1_000_000);

/** The parts of an auth object that are compared; functions by their results. */
async function described(auth: AuthObject | null) {
  if (!auth) return null;
  const has = auth.has as (params: object) => boolean;
  const rights = [
    {},
    { role: 'org:admin' },
    { permission: 'org:read' },
    { feature: 'x' },
    { reverification: 'strict' },
  ];
  const properties = Object.entries(auth).filter(([, value]) => typeof value !== 'function');
  return {
    ...Object.fromEntries(properties),
    has: rights.map((params) => has(params)),
    // Without a template, this is the token itself, without a call to Clerk.
    token: await auth.getToken(),
  };
}

/**
 * The request that is passed to Clerk's own client. Which forwarded headers to trust is decided here independently of
 * the tested code: a host if the application trusts its proxy or lists that origin, a protocol if it is http or https.
 */
function withTrustedHeaders(
  { method, url, headers }: HttpRequestLike,
  { trustsProxy }: RequestSpec,
  origins: readonly string[] = [],
): Request {
  const trusted = new Headers(headers as Record<string, string>);
  for (const name of ['x-forwarded-proto', 'cloudfront-forwarded-proto']) {
    if (!/^https?(,|$)/.test(trusted.get(name) ?? '')) trusted.delete(name);
  }
  const [protocol] = (trusted.get('x-forwarded-proto') ?? 'http').split(',');
  const [host] = (trusted.get('x-forwarded-host') ?? '').split(',');
  const isHost = /^[a-z.]+$/.test(host ?? '');
  if (!isHost || (!trustsProxy && !origins.includes(`${protocol}://${host}`))) trusted.delete('x-forwarded-host');
  return new Request(`http://localhost${url}`, { method, headers: trusted });
}

const PENDING = { treatPendingAsSignedOut: false };

describe('the authenticator with all lanes', () => {
  let instance: Instance;
  let now = 0;

  beforeAll(async () => {
    instance = { clerk: await LocalClerk.start(), other: await LocalClerk.start() };
    populate(instance);
    now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    // Clerk logs many of the generated requests.
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockImplementation();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all([instance.clerk.stop(), instance.other.stop()]);
  });

  /** Our three lanes and Clerk's own client, for one instance with these options. */
  function sides(given: ClerkModuleOptions) {
    const { clerk } = instance;
    const { publishableKey, secretKey, apiUrl, jwtKey } = { ...clerk.options, jwtKey: clerk.jwtKey };
    const base = { publishableKey, secretKey, apiUrl, jwtKey, telemetry: { disabled: true } };
    const options = resolveClerkOptions({ ...base, ...given }, {});
    const client = createClerkClient(base);
    const lanes = createAuthenticator(
      options,
      () => client,
      new StaticKeySet(jwtKey),
      () => now,
    );

    const ask = (source: HttpRequestLike, { acceptsToken }: RequestSpec): Promise<Identity> =>
      Promise.resolve(lanes.authenticate(new HttpCredentials(source, source, given.authorizedParties), acceptsToken));

    const askClerk = async (source: HttpRequestLike, spec: RequestSpec) => {
      const { acceptsToken } = spec;
      try {
        const sent = withTrustedHeaders(source, spec, given.authorizedParties);
        const { clerkUrl } = createClerkRequest(sent);
        const token = tokenInHeader(sent.headers.get('authorization'));
        const { isSatellite, audience, authorizedParties, ...others } = given;
        const state = await client.authenticateRequest(sent, {
          ...base,
          clockSkewInMs: 5_000,
          ...(others as AuthenticateRequestOptions),
          isSatellite: typeof isSatellite === 'function' ? isSatellite(clerkUrl) : isSatellite,
          // Our options apply to session tokens only, Clerk's to every token type.
          ...(token && isMachineToken(token) ? {} : { authorizedParties, audience: audience as string[] }),
          acceptsToken: acceptsToken as 'any',
        } as AuthenticateRequestOptions & { acceptsToken: 'any' });
        return { state, clerkUrl };
      } catch {
        return undefined;
      }
    };
    return { ask, askClerk };
  }

  it(`returns the same status, reason and auth object as Clerk’s client for ${REQUESTS} requests (seed ${SEED})`, async () => {
    const seen = { requests: 0, signedIn: 0, forwarded: 0 };
    const run = fc.record({
      options: optionsSpec,
      tokens: fc.array(tokenSpec, { minLength: TOKENS, maxLength: TOKENS }),
      // Each request with the milliseconds by which the clock moves before it.
      requests: fc.array(fc.tuple(requestSpec, fc.constantFrom(0, 0, 0, 900, 4_000, 20_000, 59_000, -3_000, -90_000)), {
        minLength: REQUESTS_A_RUN,
        maxLength: REQUESTS_A_RUN,
      }),
    });
    const property = fc.asyncProperty(run, async ({ options, tokens: specs, requests }) => {
      const tokens = await Promise.all(specs.map((spec) => mint(spec, instance, Math.floor(now / 1000))));
      const { ask, askClerk } = sides(options);
      const began = now;
      for (const [spec, passed] of requests) {
        now += passed;
        const source = request(spec, tokens, instance.clerk.publishableKey);
        const [ours, asked] = [await ask(source, spec), await askClerk(source, spec)];
        seen.requests += 1;
        if (!asked) {
          expect(ours.status).toBe('signed-out');
          continue;
        }
        const { state: theirs, clerkUrl } = asked;
        // Our redirects to this server are paths, resolved here for the comparison.
        const location = ours.headers.get('location');
        const leadsTo = location && new URL(location, clerkUrl).href;
        expect(leadsTo).toBe(theirs.headers.get('location'));
        if (leadsTo?.includes('app.test')) seen.forwarded += 1;
        if (ours.status === 'signed-in') seen.signedIn += 1;
        expect([ours.status, ours.reason]).toEqual([theirs.status, theirs.reason]);
        for (const settings of [undefined, PENDING]) {
          const theirAuth = await described(theirs.toAuth(settings) as AuthObject | null);
          if (theirAuth) expect(await described(ours.toAuth(settings))).toEqual(theirAuth);
        }
      }
      now = began;
    });
    await fc.assert(property, { numRuns: Math.ceil(REQUESTS / REQUESTS_A_RUN), seed: SEED, endOnFailure: true });
    // Guards against a generator that only makes invalid requests.
    expect(seen.requests).toBeGreaterThanOrEqual(REQUESTS);
    expect(seen.signedIn).toBeGreaterThan(REQUESTS / 20);
    expect(seen.forwarded).toBeGreaterThan(0);
  }, 600_000);
});

describe('the authenticator while keys rotate', () => {
  const session: fc.Arbitrary<SessionSpec> = fc.record({
    // Mostly keys that Clerk publishes.
    key: fc.constantFrom<KeyName>('former', 'current', ...KEYS),
    isExpired: fc.boolean(),
  });
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const browserSpec: fc.Arbitrary<BrowserSpec> = fc
    .record({
      carriers: fc.oneof(
        { weight: 3, arbitrary: fc.record({ cookie: session, suffixedCookie: session }) },
        { weight: 2, arbitrary: fc.record({ suffixedCookie: session }) },
        { weight: 1, arbitrary: fc.record({ cookie: session }) },
        { weight: 2, arbitrary: fc.record({ header: session, suffixedCookie: maybe(session) }) },
        { weight: 1, arbitrary: fc.constant({}) },
      ),
      clientUat: fc.constantFrom('1', '1', '1', '0', undefined),
      suffixedClientUat: fc.constantFrom('1', '1', '1', '0', undefined),
      refresh: fc.constantFrom<BrowserSpec['refresh']>('good', 'good', 'made-up', undefined),
      handshake: maybe(
        fc.record({
          by: fc.constantFrom('nonce' as const, 'token' as const),
          in: fc.constantFrom('target' as const, 'cookie' as const),
          session: fc.oneof({ weight: 6, arbitrary: session }, { weight: 1, arbitrary: fc.constant(null) }),
          key: fc.constantFrom(...KEYS),
        }),
      ),
      isNavigation: fc.boolean(),
    })
    .map(({ carriers, ...rest }) => ({ ...carriers, ...rest }));

  beforeAll(() => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockImplementation();
  });
  afterAll(() => void jest.restoreAllMocks());

  /** The result for browser and handler, without tokens and sessions, which are new each time. */
  const comparable = (headers: Headers, auth: object | null) => {
    // Our redirects to this server are paths.
    const location =
      headers.get('location') === null ? null : new URL(headers.get('location') as string, 'http://api.test');
    for (const name of ['__session', 'redirect_url']) location?.searchParams.delete(name);
    const { isAuthenticated, tokenType, userId } = (auth ?? {}) as Record<string, unknown>;
    return {
      cookies: headers.getSetCookie().map((line) => line.split('=')[0]),
      location: location?.href,
      auth: auth && { isAuthenticated, tokenType, userId },
    };
  };

  it.each(['development', 'production'] as const)(
    `returns the same result as a Clerk client that fetches its own keys, on a %s instance (seed ${SEED})`,
    async (instanceType) => {
      const rotating = await RotatingClerk.start(instanceType);
      const { clerk } = rotating;
      const user = clerk.createUser().id;
      const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
      const settings = { publishableKey, secretKey, apiUrl, telemetry };
      const theirClient = rotating.client();
      const lanes = createInstance(resolveClerkOptions(settings, {})).authenticator;
      const signedIn = { ours: 0, byExchange: 0 };

      const property = fc.asyncProperty(
        browserSpec,
        fc.constantFrom<AcceptsToken>('session_token', 'session_token', 'any', ['session_token', 'api_key']),
        async (spec, acceptsToken) => {
          const sources = await Promise.all(
            [1, 2].map(async () => {
              const { target, headers } = await rotating.request(spec, user);
              return { method: 'GET', url: `/${target}`, headers: { host: 'api.test', ...headers } };
            }),
          );
          const [source, same] = sources as [HttpRequestLike, HttpRequestLike];
          // For requests that are not document navigations, we remove the handshake, which Clerk's client would not.
          if (spec.handshake && !spec.isNavigation) return;
          const before = rotating.exchanges;
          const ours = await lanes.authenticate(new HttpCredentials(source, source), acceptsToken);
          const spent = rotating.exchanges - before;
          const theirs = await theirClient
            .authenticateRequest(toWebRequest(same), { ...settings, acceptsToken: acceptsToken as 'any' })
            .catch(() => undefined);
          expect(spent).toBe(rotating.exchanges - before - spent);
          if (!theirs) return expect([ours.status, ours.reason]).toEqual(['signed-out', 'unexpected-error']);

          if (ours.status === 'signed-in') signedIn.ours++;
          if (spent > 0 && ours.toAuth().isAuthenticated) signedIn.byExchange++;
          // Where Clerk's client redirects, our status is `handshake`.
          const status = theirs.headers.has('location') ? 'handshake' : theirs.status;
          expect([ours.status, ours.reason]).toEqual([status, theirs.reason]);
          const theirAuth = theirs.toAuth();
          expect(comparable(ours.headers, theirAuth && ours.toAuth())).toEqual(comparable(theirs.headers, theirAuth));
        },
      );
      try {
        await fc.assert(property, { numRuns: Math.ceil(REQUESTS / 5), seed: SEED, endOnFailure: true });
        expect(signedIn.ours).toBeGreaterThan(REQUESTS / 100);
        expect(signedIn.byExchange).toBeGreaterThan(0);
      } finally {
        await rotating.stop();
      }
    },
    600_000,
  );
});
