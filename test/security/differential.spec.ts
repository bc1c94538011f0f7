import { createClerkClient, type AuthObject } from '@clerk/backend';
import { createClerkRequest, isMachineToken, type AuthenticateRequestOptions } from '@clerk/backend/internal';
import fc from 'fast-check';

import { createAuthenticator } from '../../lib/authentication/clerk-instance.js';
import { tokenInHeader } from '../../lib/authentication/credentials.js';
import type { Identity } from '../../lib/authentication/identity.js';
import { StaticInstanceKeys } from '../../lib/authentication/instance-keys.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http.credentials.js';
import type { HttpRequestLike } from '../../lib/transports/web-request.js';
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

/** How many requests are compared; .ci/run asks for more. */
const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2_000);
const REQUESTS_A_RUN = 8;
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? Date.now() % 1_000_000);

/** What is compared of an auth object: functions by what they answer. */
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
    // The token itself; Clerk is asked for none.
    token: await auth.getToken(),
  };
}

/**
 * The request as Clerk is asked about it. What is forwarded is told apart here once more, and not by what is tested: the
 * host counts where the application trusts its proxy or names that origin, the protocol where it is one of the web.
 */
function believed(
  { method, url, headers }: HttpRequestLike,
  { trustsProxy }: RequestSpec,
  origins: readonly string[] = [],
): Request {
  const said = new Headers(headers as Record<string, string>);
  for (const name of ['x-forwarded-proto', 'cloudfront-forwarded-proto']) {
    if (!/^https?(,|$)/.test(said.get(name) ?? '')) said.delete(name);
  }
  const [protocol] = (said.get('x-forwarded-proto') ?? 'http').split(',');
  const [host] = (said.get('x-forwarded-host') ?? '').split(',');
  const isHost = /^[a-z.]+$/.test(host ?? '');
  if (!isHost || (!trustsProxy && !origins.includes(`${protocol}://${host}`))) said.delete('x-forwarded-host');
  return new Request(`http://localhost${url}`, { method, headers: said });
}

const PENDING = { treatPendingAsSignedOut: false };

describe('the lanes to a verdict', () => {
  let instance: Instance;
  let now = 0;

  beforeAll(async () => {
    instance = { clerk: await LocalClerk.start(), other: await LocalClerk.start() };
    populate(instance);
    now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    // Clerk says much about what is generated here.
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockImplementation();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all([instance.clerk.stop(), instance.other.stop()]);
  });

  /** The three lanes, and Clerk's client alone, over one instance with these options. */
  function sides(given: ClerkModuleOptions) {
    const { clerk } = instance;
    const { publishableKey, secretKey, apiUrl, jwtKey } = { ...clerk.options, jwtKey: clerk.jwtKey };
    const base = { publishableKey, secretKey, apiUrl, jwtKey, telemetry: { disabled: true } };
    const options = resolveClerkOptions({ ...base, ...given }, {});
    const client = createClerkClient(base);
    const lanes = createAuthenticator(options, client, new StaticInstanceKeys(jwtKey), () => now);

    const ask = (source: HttpRequestLike, { acceptsToken }: RequestSpec): Promise<Identity> =>
      Promise.resolve(lanes.authenticate(new HttpCredentials(source, source, given.authorizedParties), acceptsToken));

    const askClerk = async (source: HttpRequestLike, spec: RequestSpec) => {
      const { acceptsToken } = spec;
      try {
        const sent = believed(source, spec, given.authorizedParties);
        const { clerkUrl } = createClerkRequest(sent);
        const token = tokenInHeader(sent.headers.get('authorization'));
        const { isSatellite, audience, authorizedParties, ...others } = given;
        const state = await client.authenticateRequest(sent, {
          ...base,
          clockSkewInMs: 5_000,
          ...(others as AuthenticateRequestOptions),
          isSatellite: typeof isSatellite === 'function' ? isSatellite(clerkUrl) : isSatellite,
          // These are about session tokens, which Clerk's option does not know.
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

  it(`say what Clerk says, in ${REQUESTS} requests (seed ${SEED})`, async () => {
    const seen = { requests: 0, signedIn: 0, forwarded: 0 };
    const run = fc.record({
      options: optionsSpec,
      tokens: fc.array(tokenSpec, { minLength: TOKENS, maxLength: TOKENS }),
      // Each request with how far the clock moves before it, in milliseconds.
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
        // To ourselves by path alone, which is the same place.
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
    // A test in which nobody ever gets in shows nothing.
    expect(seen.requests).toBeGreaterThanOrEqual(REQUESTS);
    expect(seen.signedIn).toBeGreaterThan(REQUESTS / 20);
    expect(seen.forwarded).toBeGreaterThan(0);
  }, 600_000);
});
