import { createClerkClient } from '@clerk/backend';
import fc from 'fast-check';

import { createAuthenticator, createInstance } from '../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { toWebRequest } from '../../lib/transports/http/web-request.js';
import type { HttpRequestLike } from '../../lib/transports/http/http-request.js';
import { askClerkAlone, expectAnswerOf, expectIdentityOf } from '../support/clerk-alone.js';
import {
  mint,
  optionsSpec,
  populate,
  request,
  requestSpecs,
  TOKENS,
  tokenSpec,
  type Instance,
  type RequestSpec,
} from '../support/generated-requests.js';
import { KEYS, RotatingClerk, type BrowserSpec, type KeyName, type SessionSpec } from '../support/key-rotation.js';

/** The number of requests compared; .ci/run sets more. */
const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2_000);
const REQUESTS_PER_INSTANCE = Math.ceil(REQUESTS / 2);
/** Each run has three series of at least three requests. */
const SERIES_A_RUN = 3;
const REQUESTS_A_RUN = 3 * SERIES_A_RUN;
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? Date.now() % 1_000_000);

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

describe.each(['development', 'production'] as const)(
  'the authenticator with all lanes, on a %s instance',
  (instanceType) => {
    let instance: Instance;
    let now = 0;

    beforeAll(async () => {
      instance = { clerk: await LocalClerk.start({ instanceType }), other: await LocalClerk.start() };
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

    /** Our three lanes, the Clerk lane alone, and Clerk's own client, for one instance with these options. */
    function sides(given: ClerkModuleOptions) {
      const { clerk } = instance;
      const { publishableKey, secretKey, apiUrl, jwtKey } = { ...clerk.options, jwtKey: clerk.jwtKey };
      const base = { publishableKey, secretKey, apiUrl, apiVersion: 'v1', jwtKey, telemetry: { disabled: true } };
      const client = createClerkClient(base);
      const authenticator = (lanes: ClerkModuleOptions) => {
        const options = resolveClerkOptions({ ...base, ...given, ...lanes }, {});
        const created = createAuthenticator(
          options,
          () => client,
          new StaticKeySet(jwtKey),
          () => now,
        );
        return async (source: HttpRequestLike, { acceptsToken }: RequestSpec): Promise<Identity> =>
          created.authenticate(new HttpCredentials(source, source, given.authorizedParties), acceptsToken);
      };
      return {
        ask: authenticator({}),
        askClerkLane: authenticator({ verificationCache: false, directVerification: false }),
        askClerk: (source: HttpRequestLike, spec: RequestSpec) => {
          const sent = withTrustedHeaders(source, spec, given.authorizedParties);
          return askClerkAlone(client, sent, { ...base, ...given }, spec.acceptsToken);
        },
      };
    }

    it(`returns the same answer as Clerk’s client and as the Clerk lane for ${REQUESTS_PER_INSTANCE} requests (seed ${SEED})`, async () => {
      const seen = { requests: 0, signedIn: 0, signedOut: 0, anonymous: 0, forwarded: 0 };
      // Each request with the milliseconds by which the clock moves before it.
      const passed = fc.constantFrom(0, 0, 0, 900, 4_000, 20_000, 59_000, -3_000, -90_000);
      const run = fc.record({
        options: optionsSpec,
        tokens: fc.array(tokenSpec, { minLength: TOKENS, maxLength: TOKENS }),
        series: fc.array(fc.tuple(requestSpecs, fc.infiniteStream(passed)), {
          minLength: SERIES_A_RUN,
          maxLength: SERIES_A_RUN,
        }),
      });
      const property = fc.asyncProperty(run, async ({ options, tokens: specs, series }) => {
        const tokens = await Promise.all(specs.map((spec) => mint(spec, instance, Math.floor(now / 1000))));
        const { ask, askClerkLane, askClerk } = sides(options);
        const began = now;
        for (const [spec, moves] of series.flatMap(([requests, stream]) =>
          requests.map((one) => [one, stream] as const),
        )) {
          now += moves.next().value as number;
          const source = request(spec, tokens, instance.clerk.publishableKey);
          const ours = await ask(source, spec);
          await expectIdentityOf(await askClerkLane(source, spec), ours);
          const theirs = await askClerk(source, spec);
          seen.requests += 1;
          if (!theirs) {
            expect(ours.status).toBe('signed-out');
            continue;
          }
          await expectAnswerOf(theirs, ours);
          if (ours.status === 'signed-in') seen.signedIn += 1;
          else if (ours.hasCredentials) seen.signedOut += 1;
          else seen.anonymous += 1;
          if (theirs.state.headers.get('location')?.includes('app.test')) seen.forwarded += 1;
        }
        now = began;
      });
      await fc.assert(property, {
        numRuns: Math.ceil(REQUESTS_PER_INSTANCE / REQUESTS_A_RUN),
        seed: SEED,
        endOnFailure: true,
      });
      // Guards against a generator that makes only one kind of request.
      expect(seen.requests).toBeGreaterThanOrEqual(REQUESTS_PER_INSTANCE);
      expect(seen.signedIn).toBeGreaterThan(REQUESTS_PER_INSTANCE / 20);
      expect(seen.signedOut).toBeGreaterThan(REQUESTS_PER_INSTANCE / 5);
      expect(seen.anonymous).toBeGreaterThan(REQUESTS_PER_INSTANCE / 5);
      expect(seen.forwarded).toBeGreaterThan(0);
    }, 600_000);
  },
);

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
