import { createClerkClient, type ClerkClient } from '@clerk/backend';
import fc from 'fast-check';

import { ClerkInstances } from '../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../lib/authentication/instances/tenant.authenticator.js';
import type { ClerkModuleOptions, RequestOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { askClerkAlone, expectAnswerOf } from '../support/clerk-alone.js';
import {
  mint,
  optionsSpec,
  populate,
  request,
  requestSpecs,
  TOKENS,
  tokenSpec,
  type RequestSpec,
} from '../support/generated-requests.js';
import { FORMS } from '../support/tenant-answers.js';

/** The number of requests compared; .ci/run sets more. */
const REQUESTS = Math.ceil(Number(process.env.DIFFERENTIAL_REQUESTS ?? 2_000) / 4);
/** Each run has four series of at least three requests. */
const SERIES_A_RUN = 4;
const REQUESTS_A_RUN = 3 * SERIES_A_RUN;
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? Date.now() % 1_000_000);

type Form = (options: RequestOptions) => RequestOptions;

/** resolveOptions returns one object for all tenants, changed in place for each request. */
function changedInPlace(): Form {
  const answer: Record<string, unknown> = {};
  return (options) => {
    for (const name of Object.keys(answer)) Reflect.deleteProperty(answer, name);
    return Object.assign(answer, options);
  };
}

/** resolveOptions returns one Proxy for all tenants, which reads the options of the current one. */
function readsCurrentTenant(): Form {
  let current: RequestOptions = {};
  const answer = new Proxy({} as RequestOptions, {
    ownKeys: () => Reflect.ownKeys(current),
    getOwnPropertyDescriptor: (_, name) => ({ ...Reflect.getOwnPropertyDescriptor(current, name), configurable: true }),
    get: (_, name) => Reflect.get(current, name) as unknown,
    has: (_, name) => Reflect.has(current, name),
  });
  return (options) => ((current = options), answer);
}

/** resolveOptions returns a result once created for each tenant again. */
function madeOnce(form: Form): () => Form {
  return () => {
    const made = new Map<RequestOptions, RequestOptions>();
    return (options) => {
      const answer = made.get(options) ?? form(options);
      made.set(options, answer);
      return answer;
    };
  };
}

const WAYS: readonly (() => Form)[] = [
  ...Object.values(FORMS).flatMap((form) => [() => form, madeOnce(form)]),
  changedInPlace,
  readsCurrentTenant,
];

const LANES: readonly ClerkModuleOptions[] = [
  {},
  {},
  { verificationCache: false },
  { verificationCache: false, directVerification: false },
];

interface Tenant {
  readonly clerk: LocalClerk;
  readonly other: LocalClerk;
  readonly client: ClerkClient;
  readonly options: RequestOptions;
}

interface TenantRequest {
  readonly spec: RequestSpec;
  readonly tenant: number;
  /** Whose tokens it carries, and with whose cookie suffix. */
  readonly tokensOf: number;
  readonly namesOf: number;
  /** The milliseconds by which the clock moves before it. */
  readonly passed: number;
}

describe('the authenticator of tenants', () => {
  const clerks: LocalClerk[] = [];
  let now = 0;

  beforeAll(async () => {
    // Clerk answers callers who are not signed in differently on each type of instance.
    clerks.push(await LocalClerk.start(), await LocalClerk.start({ instanceType: 'production' }));
    populate({ clerk: clerks[0] as LocalClerk, other: clerks[1] as LocalClerk });
    now = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    // Clerk logs many of the generated requests.
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockImplementation();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await Promise.all(clerks.map((clerk) => clerk.stop()));
  });

  function tenant(number: number, given: RequestOptions, fetchesKeys: boolean): Tenant {
    const clerk = clerks[number] as LocalClerk;
    const { publishableKey, secretKey, apiUrl } = clerk.options;
    const base = { publishableKey, secretKey, apiUrl, telemetry: { disabled: true } };
    const theirs = { ...base, jwtKey: clerk.jwtKey };
    const options = { ...(fetchesKeys ? base : theirs), ...given };
    return { clerk, other: clerks[1 - number] as LocalClerk, client: createClerkClient(theirs), options };
  }

  /** The authenticator that the guard of an application with both tenants uses. */
  function application(tenants: readonly Tenant[], form: Form, lane: ClerkModuleOptions) {
    const given: ClerkModuleOptions = {
      ...lane,
      resolveOptions: (({ tenant }: { tenant: number }) =>
        form((tenants[tenant] as Tenant).options)) as ClerkModuleOptions['resolveOptions'],
    };
    const instances = new ClerkInstances(resolveClerkOptions(given, {}), {} as ClerkClient, given, {});
    return new TenantAuthenticator(instances);
  }

  const either = fc.constantFrom(0, 1);
  const seldomOther = fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  );
  /** Requests, some of them repeated, to either tenant in turn. */
  const series: fc.Arbitrary<readonly TenantRequest[]> = requestSpecs.chain((specs) =>
    fc
      .array(
        fc.record({
          tenant: either,
          isAwayToken: seldomOther,
          isAwayName: seldomOther,
          passed: fc.constantFrom(0, 0, 0, 0, 900, 20_000, 59_000, -3_000),
        }),
        { minLength: specs.length, maxLength: specs.length },
      )
      .map((requests) =>
        requests.map(({ isAwayToken, isAwayName, tenant, passed }, index) => ({
          ...{ spec: specs[index] as RequestSpec, tenant, passed },
          tokensOf: isAwayToken ? 1 - tenant : tenant,
          namesOf: isAwayName ? 1 - tenant : tenant,
        })),
      ),
  );

  it(`returns the same result as the tenant’s own Clerk client for ${REQUESTS} requests (seed ${SEED})`, async () => {
    const seen = { requests: 0, signedIn: 0, anonymous: 0, away: 0 };
    const run = fc.record({
      options: fc.tuple(optionsSpec, optionsSpec),
      way: fc.constantFrom(...WAYS),
      lane: fc.constantFrom(...LANES),
      fetchesKeys: fc.boolean(),
      tokens: fc.array(tokenSpec, { minLength: TOKENS, maxLength: TOKENS }),
      series: fc.array(series, { minLength: SERIES_A_RUN, maxLength: SERIES_A_RUN }),
    });
    const property = fc.asyncProperty(run, async ({ options, way, lane, fetchesKeys, tokens: specs, series: all }) => {
      const tenants = options.map((given, number) => tenant(number, given, fetchesKeys));
      const tokens = await Promise.all(
        tenants.map((one) =>
          Promise.all(
            // The `kid` matters only for fetched keys, not for a given one.
            specs.map((spec) => {
              const fetched = fetchesKeys ? { header: {}, foreignKey: false } : {};
              return mint({ ...spec, ...fetched }, one, Math.floor(now / 1000));
            }),
          ),
        ),
      );
      const authenticator = application(tenants, way(), lane);
      const began = now;
      for (const { spec, tenant: number, tokensOf, namesOf, passed } of all.flat()) {
        now += passed;
        const { client, options: own } = tenants[number] as Tenant;
        // Without forwarded headers: differential.spec.ts covers them.
        const headers = Object.fromEntries(
          Object.entries(spec.headers).filter(([name]) => !name.includes('forwarded')),
        );
        const { publishableKey } = (tenants[namesOf] as Tenant).clerk;
        const source = request({ ...spec, headers }, tokens[tokensOf] as string[], publishableKey);
        const sent = { ...source, tenant: number };
        const ours = await authenticator.authenticate(new HttpCredentials(sent, sent), spec.acceptsToken);
        seen.requests += 1;
        const { request: web } = new HttpCredentials(source, source);
        const { clerk } = tenants[number] as Tenant;
        const theirs = await askClerkAlone(client, web, { ...own, jwtKey: clerk.jwtKey }, spec.acceptsToken);
        if (!theirs) {
          expect(ours.status).toBe('signed-out');
          continue;
        }
        if (ours.status === 'signed-in') seen.signedIn += 1;
        if (!ours.hasCredentials) seen.anonymous += 1;
        if (tokensOf !== number) seen.away += 1;
        // A token of another instance names a key that is not among the fetched ones. Clerk's client has a given key here,
        // and another reason.
        if (fetchesKeys && ours.reason === 'jwk-kid-mismatch') {
          expect(theirs.state.status).toBe('signed-out');
          expect(ours.status).toBe('signed-out');
          expect(ours.toAuth().isAuthenticated).toBe(false);
          continue;
        }
        await expectAnswerOf(theirs, ours);
      }
      now = began;
    });
    await fc.assert(property, { numRuns: Math.ceil(REQUESTS / REQUESTS_A_RUN), seed: SEED, endOnFailure: true });
    // Guards against a generator that only makes invalid requests, or none for the other tenant.
    expect(seen.requests).toBeGreaterThanOrEqual(REQUESTS);
    expect(seen.signedIn).toBeGreaterThan(REQUESTS / 20);
    expect(seen.anonymous).toBeGreaterThan(REQUESTS / 5);
    expect(seen.away).toBeGreaterThan(REQUESTS / 20);
  }, 600_000);
});
