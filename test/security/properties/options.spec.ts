/**
 * Whatever is given as options, an application is set up exactly as it says, or not at all: nothing that was said is
 * dropped, nothing is taken for a yes that is none, and no refusal repeats a secret.
 */
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { createInstance } from '../../../lib/authentication/instances/clerk-instance.js';
import { MODULE_OPTIONS_TOKEN } from '../../../lib/clerk.module-definition.js';
import { GLOBAL_GUARD } from '../../../lib/guard/global-guard.js';
import { ClerkConfigurationError, ClerkModule, type ClerkModuleOptions } from '../../../lib/index.js';
import { OPTION_TABLE } from '../../../lib/options/option-table.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import type { ResolvedClerkOptions } from '../../../lib/options/resolved-options.js';
import { resolveRequestOptions } from '../../../lib/options/tenant-options.js';
import { anything, HOLDERS, NEARLY, PROTOTYPE_NAMES, RUNS } from '../../support/hostile.js';

const KEYS = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_1' };
const JWT_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

type Name = keyof ClerkModuleOptions;
const NAMES = Object.keys(OPTION_TABLE) as Name[];
const fn = () => true;
const noOptions = () => undefined;
const adapter = { call: fn, credentials: fn };
const texts = [['https://a.test', 'https://b.test'], ['app://x']];
const LONGEST = 2 ** 31 - 1;

/** What an option may resolve to, said a second time; and some values that it has to take. */
const isBoolean = (value: unknown) => typeof value === 'boolean';
const isFunction = (value: unknown) => typeof value === 'function';
const isText = (value: unknown) => typeof value === 'string' && value.trim().length > 0;
const isList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && [...value].every(isText);
const isMs = (value: unknown) => typeof value === 'number' && value >= 0 && value <= LONGEST && value % 1 === 0;
const isCount = (value: unknown) => isMs(value) && (value as number) <= 1_000_000;
const isUrl = (value: unknown) => isText(value) && /^(https?:\/\/[^/]|\/([^/\\]|$))/.test(value as string);
const partly = (fields: Record<string, (value: unknown) => boolean>) => (value: unknown) =>
  typeof value === 'object' &&
  Object.entries(value as object).every(([name, field]) => field === undefined || fields[name]!(field));
const either =
  (...checks: ((value: unknown) => boolean)[]) =>
  (value: unknown) =>
    checks.some((check) => check(value));

const OPTIONS: { readonly [N in Name]: readonly [fits: (value: unknown) => boolean, ...good: readonly unknown[]] } = {
  publishableKey: [(value) => value === '' || /^pk_(test|live)_/.test(value as string), KEYS.publishableKey],
  secretKey: [(value) => value === '' || /^sk_(test|live)_./.test(value as string), KEYS.secretKey, 'sk_live_2'],
  machineSecretKey: [(value) => /^ask_./.test(value as string), 'ask_1'],
  jwtKey: [(value) => value === JWT_KEY, JWT_KEY, JWT_KEY.replaceAll('\n', '\\n')],
  audience: [
    partly({
      session_token: either(isText, isList),
      m2m_token: either(isText, isList),
      oauth_token: either(isText, isList),
    }),
    ...['web', ['web', 'app'], { m2m_token: 'billing' }, {}],
  ],
  requireAudience: [isBoolean, true, false],
  authorizedParties: [isList, ...texts],
  allowMissingAzp: [isBoolean, true, false],
  treatPendingAsSignedOut: [isBoolean, true, false],
  clockSkewInMs: [isMs, 0, 5000],
  timeoutInMs: [(value) => isMs(value) && value !== 0, 1, 5000],
  maxRetries: [(value) => isMs(value) && (value as number) <= 10, 0, 1],
  maxPendingCalls: [(value) => isMs(value) && value !== 0 && (value as number) <= 1_000_000, 1, 250],
  staleKeysInMs: [isMs, 0, 5000],
  domain: [either(isText, isFunction), 'a.test', fn],
  isSatellite: [either(isBoolean, isFunction), true, false, fn],
  satelliteAutoSync: [isBoolean, true, false],
  proxyUrl: [either(isUrl, isFunction), '/__clerk', 'https://a.test/c', fn],
  signInUrl: [isUrl, '/in', 'https://a.test/in'],
  signUpUrl: [isUrl, '/up'],
  afterSignInUrl: [isUrl, '/'],
  afterSignUpUrl: [isUrl, '/'],
  organizationSyncOptions: [
    partly({ organizationPatterns: isList, personalAccountPatterns: isList }),
    ...[{ organizationPatterns: ['/orgs/:slug'] }, {}],
  ],
  enableHandshake: [isBoolean, true, false],
  apiUrl: [(value) => isUrl(value) && (value as string).startsWith('http'), 'https://api.test'],
  apiVersion: [isText, 'v1'],
  clerkClient: [
    (value) => isFunction((value as { authenticateRequest: unknown }).authenticateRequest),
    { authenticateRequest: fn },
  ],
  redirectToSignIn: [isBoolean, true, false],
  onError: [isFunction, fn],
  resolveOptions: [isFunction, fn],
  endStreamsOnExpiry: [isBoolean, true, false],
  rpc: [(value) => isFunction((value as { credentials: unknown }).credentials), { credentials: fn }],
  graphql: [
    partly({ connectionParams: isList, disconnectOnExpiry: isBoolean }),
    ...[{ connectionParams: ['authorization', 'headers.authorization'], disconnectOnExpiry: true }, {}],
  ],
  transports: [partly({ necord: (value) => isFunction((value as typeof adapter).call) }), { necord: adapter }, {}],
  frontendApiProxy: [
    (value) =>
      partly({ enabled: either(isBoolean, isFunction), path: isUrl })(value) &&
      Object.keys(value as object).length === 2,
    ...[{ enabled: true }, { enabled: fn, path: '/proxy' }],
  ],
  webSocket: [
    partly({ allowedOrigins: isList, tokenParameter: isText, tokenSubprotocol: isText, disconnectOnExpiry: isBoolean }),
    ...[{ allowedOrigins: ['https://a.test'], tokenSubprotocol: 'clerk', disconnectOnExpiry: true }, {}],
  ],
  verificationCache: [
    either(
      (value) => value === false,
      partly({
        maxEntries: (value) => isCount(value) && value !== 0,
        maxBytes: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 40,
        machineTokens: partly({ ttl: (value) => isMs(value) && (value as number) <= 60_000 }),
      }),
    ),
    ...[true, false, { maxEntries: 5 }, { maxBytes: 5_000 }, { machineTokens: { ttl: 10 } }],
  ],
  currentUserCache: [
    either(
      (value) => value === false,
      partly({
        maxAgeInMs: (value) => isMs(value) && value !== 0 && (value as number) <= 60_000,
        maxEntries: (value) => isCount(value) && value !== 0 && (value as number) <= 100_000,
      }),
    ),
    ...[true, false, { maxAgeInMs: 5 }, { maxEntries: 5 }],
  ],
  directVerification: [isBoolean, true, false],
  explainDenials: [isBoolean, true, false],
  debug: [isBoolean, true, false],
  telemetry: [partly({ disabled: isBoolean, debug: isBoolean }), { disabled: true }, {}],
  protection: [(value) => value === 'strict' || value === 'lax', 'strict', 'lax'],
};

/** Options whose resolved value is written otherwise than it was said. */
const REWRITTEN: Partial<Record<Name, (said: any) => unknown>> = {
  jwtKey: () => JWT_KEY,
  audience: (said) => (typeof said === 'string' || Array.isArray(said) ? { session_token: said } : said),
  frontendApiProxy: ({ enabled, path = '/__clerk' }) => ({ enabled, path }),
  telemetry: (said) => ({ disabled: false, debug: false, ...said }),
  verificationCache: (said) =>
    said && {
      maxEntries: said.maxEntries ?? 10_000,
      maxBytes: said.maxBytes ?? 33_554_432,
      machineTokens: { ttl: said.machineTokens?.ttl ?? 0 },
    },
  currentUserCache: (said) => said && { maxAgeInMs: said.maxAgeInMs ?? 10_000, maxEntries: said.maxEntries ?? 1_000 },
};

/** Nothing was said: that is how settings arrive that are not set. */
const isUnsaid = (value: unknown) => value === undefined || value === null || value === '';

const withValue = (name: Name): fc.Arbitrary<[Name, unknown]> =>
  fc
    .oneof({ weight: 4, arbitrary: fc.constantFrom(...OPTIONS[name].slice(1)) }, { weight: 1, arbitrary: anything })
    .map((value) => [name, value]);
const option = fc.constantFrom(...NAMES).chain(withValue);
const holder = fc.oneof(
  { weight: 15, arbitrary: fc.constant('own' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(HOLDERS) as (keyof typeof HOLDERS)[])) },
);
const unknownName = fc.oneof(
  fc.constantFrom(...PROTOTYPE_NAMES, 'Protection', 'secret_key'),
  fc.string({ maxLength: 6 }),
);
const noEnvironment = {};

/** Options, said in whichever way; `said` is what a reader would take them for. */
const saidOptions = fc
  .tuple(
    fc.array(fc.tuple(option, holder), { maxLength: 4 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.tuple(unknownName, anything)),
  )
  .map(([parts, unknown]) => {
    const given = { ...KEYS } as object;
    const said: Record<string, unknown> = { ...KEYS };
    let prototype: object = Object.prototype;
    for (const [[name, value], how] of parts) {
      Reflect.deleteProperty(given, name);
      const held = HOLDERS[how](name, value);
      const descriptor = Object.getOwnPropertyDescriptor(held, name);
      if (descriptor) Object.defineProperty(given, name, { ...descriptor, configurable: true });
      else prototype = Object.assign(Object.create(prototype) as object, { [name]: value });
      said[name] = value;
    }
    if (unknown) Object.defineProperty(given, unknown[0], { value: unknown[1], enumerable: true, configurable: true });
    return { given: Object.setPrototypeOf(given, prototype) as ClerkModuleOptions, said, unknown: unknown?.[0] };
  });

/** The settled options, or the problems; fails on any other error. */
function settle(resolve: () => ResolvedClerkOptions): ResolvedClerkOptions | readonly string[] {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof ClerkConfigurationError)) throw error;
    expect(error.code).toBe('invalid-configuration');
    expect(error.problems.length).toBeGreaterThan(0);
    return error.problems;
  }
}
const isRefused = (settled: ResolvedClerkOptions | readonly string[]): settled is readonly string[] =>
  Array.isArray(settled);

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

/** That settled options are exactly those that were said, of known kinds, and cannot be changed. */
function expectToBe(settled: ResolvedClerkOptions, said: Readonly<Record<string, unknown>>) {
  const { clerkClient, rpc, transports, machineOnly, ...data } = settled;
  expect(Object.values(data).every(isDeeplyFrozen) && Object.isFrozen(settled)).toBe(true);
  const misfits = NAMES.filter((name) => settled[name] !== undefined && !OPTIONS[name][0](settled[name]));
  expect(misfits).toEqual([]);
  const due = NAMES.filter((name) => !isUnsaid(said[name])).map((name) => [
    name,
    REWRITTEN[name]?.(said[name]) ?? said[name],
  ]);
  expect(due.map(([name]) => [name, settled[name as Name]])).toEqual(due);
  if (isUnsaid(said.protection)) expect(settled.protection).toBe('strict');
}

describe('options', () => {
  it.each(NAMES)('%s is settled as it was said, or refused by name, with every value that is nearly right', (name) => {
    for (const value of [...OPTIONS[name].slice(1), ...NEARLY]) {
      const said = { ...KEYS, [name]: value };
      const settled = settle(() => resolveClerkOptions(said as ClerkModuleOptions, noEnvironment));
      if (isRefused(settled)) expect(settled.join()).toContain(name);
      else expectToBe(settled, said);
    }
  });

  it('are settled as they were said, in every part, or refused by name', () => {
    let settledOnes = 0;
    fc.assert(
      fc.property(saidOptions, ({ given, said, unknown }) => {
        const settled = settle(() => resolveClerkOptions(given, noEnvironment));
        if (isRefused(settled)) {
          const names = [...NAMES, 'resolveOptions', ...(unknown === undefined ? [] : [unknown])];
          for (const problem of settled) expect(names.some((name) => problem.includes(name))).toBe(true);
          return;
        }
        settledOnes += 1;
        expect(unknown === undefined).toBe(true);
        expectToBe(settled, said);
        // What was found good can be set up.
        createInstance({ ...settled, telemetry: { disabled: true } });
      }),
      { numRuns: RUNS * 2 },
    );
    expect(settledOnes).toBeGreaterThan(RUNS / 4);
  });

  it('are settled the same through forRoot(), and only a plain no takes the guard away', () => {
    const extras = fc.dictionary(fc.constantFrom('guard', 'isGlobal'), fc.oneof(anything, fc.boolean()), {
      maxKeys: 2,
    });
    fc.assert(
      fc.property(saidOptions, extras, ({ given, said, unknown }, { guard = true, ...others }) => {
        for (const [name, value] of Object.entries({ guard, ...others })) {
          Object.defineProperty(given, name, { value, enumerable: true, configurable: true });
        }
        const settled = settle(() => {
          const { providers = [] } = ClerkModule.forRoot(given);
          const provided = providers as { provide: unknown; useValue?: ClerkModuleOptions }[];
          expect(provided.some(({ provide }) => provide === GLOBAL_GUARD)).toBe(guard !== false);
          return resolveClerkOptions(
            provided.find(({ provide }) => provide === MODULE_OPTIONS_TOKEN)!.useValue,
            noEnvironment,
          );
        });
        if (isRefused(settled)) return;
        // Of Nest's copy it would be the prototype, where nothing is read.
        expect(unknown === undefined || unknown === '__proto__').toBe(true);
        expectToBe(settled, said);
      }),
      { numRuns: RUNS },
    );
  });

  it('of a request are held to the same', () => {
    fc.assert(
      fc.property(saidOptions, ({ given, said, unknown }) => {
        const settled = settle(() => resolveRequestOptions({ resolveOptions: noOptions }, given, noEnvironment));
        if (isRefused(settled)) return;
        expect(unknown === undefined).toBe(true);
        expectToBe(settled, { ...said, verificationCache: undefined });
      }),
      { numRuns: RUNS },
    );
  });

  it('that are no object at all are refused, wherever they are given', () => {
    const isObject = (value: unknown) => Object.prototype.toString.call(value) === '[object Object]';
    fc.assert(
      fc.property(anything, (value) => {
        const given = value as ClerkModuleOptions;
        fc.pre(value !== undefined && !isObject(value));
        const ways = [
          () => resolveRequestOptions({ resolveOptions: noOptions }, given, KEYS_IN_ENVIRONMENT),
          ...(value === null ? [] : [() => resolveClerkOptions(given, KEYS_IN_ENVIRONMENT)]),
          ...(value === null ? [] : [() => (ClerkModule.forRoot(given), resolveClerkOptions({}, KEYS_IN_ENVIRONMENT))]),
        ];
        for (const way of ways) expect(isRefused(settle(way))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('of the environment are settled as written, or refused by name', () => {
    const VARIABLES = Object.fromEntries(
      Object.entries(OPTION_TABLE).flatMap(([name, { env }]: [string, { env?: string }]) => (env ? [[env, name]] : [])),
    );
    const known = fc.constantFrom(...Object.keys(VARIABLES));
    const prefixed = fc.constantFrom(
      'NEXT_PUBLIC_CLERK_SECRET_KEY',
      'CLERK_API_KEY',
      'CLERK_PROTECTION',
      'CLERK_DEBUG',
    );
    const text = fc.oneof(
      known.map((variable) => String(OPTIONS[VARIABLES[variable] as Name][1])),
      fc.constantFrom(...PROTOTYPE_NAMES, 'true', 'FALSE', '0', ' ', 'yes'),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    const isBooleanOf: Record<string, boolean> = { true: true, '1': true, false: false, '0': false };
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(known, prefixed), text, { maxKeys: 4 }), (env) => {
        const settled = settle(() => resolveClerkOptions({}, { ...KEYS_IN_ENVIRONMENT, ...env }));
        if (isRefused(settled)) {
          for (const problem of settled)
            expect(Object.keys(VARIABLES).some((name) => problem.includes(name))).toBe(true);
          return;
        }
        const said = Object.entries({ ...KEYS_IN_ENVIRONMENT, ...env }).map(([variable, value]) => [
          VARIABLES[variable],
          value,
        ]);
        const { isSatellite, ...others } = Object.fromEntries(said) as Record<string, string>;
        expectToBe(settled, others);
        expect(settled.isSatellite).toBe(isSatellite ? isBooleanOf[isSatellite.toLowerCase()] : false);
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('are refused without a word of a secret', () => {
    const marker = fc.stringMatching(/^[a-zA-Z0-9]{16}$/);
    const shapes = [
      ...[
        '{}',
        'sk_test_{}',
        'sk_live_{}',
        'pk_test_{}',
        'ask_{}',
        ' sk_test_{}',
        '"sk_test_{}"',
        'sk_test_{}\n',
        '{}$',
      ],
      ...['-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----', '-----BEGIN PUBLIC KEY-----\n{}', 'Bearer {}'],
    ];
    const name = fc.constantFrom('secretKey', 'machineSecretKey', 'jwtKey', 'publishableKey');
    const wrapped = fc.constantFrom<((text: string) => unknown)[]>(
      (text) => text,
      (text) => [text],
      (text) => ({ text }),
      (text) => Buffer.from(text),
      (text) => new String(text),
    );
    const secret = fc.tuple(name, fc.constantFrom(...shapes), wrapped);
    const place = fc.constantFrom('given', 'env');
    fc.assert(
      fc.property(marker, fc.array(fc.tuple(secret, place), { minLength: 1, maxLength: 4 }), (hidden, secrets) => {
        const given: Record<string, unknown> = { protection: 'LAX' };
        const env: Record<string, string> = {};
        for (const [[option, shape, wrap], where] of secrets) {
          const text = shape.replace('{}', hidden);
          if (where === 'given') given[option] = wrap(text);
          else env[OPTION_TABLE[option as 'secretKey'].env!] = text;
        }
        let refusal: unknown;
        try {
          resolveClerkOptions(given as ClerkModuleOptions, env);
        } catch (error) {
          refusal = error;
        }
        expect(refusal).toBeInstanceOf(ClerkConfigurationError);
        const told = `${inspect(refusal, { depth: 9 })} ${(refusal as Error).stack} ${JSON.stringify(refusal)}`;
        const parts = Array.from({ length: hidden.length - 7 }, (_, index) => hidden.slice(index, index + 8));
        expect(parts.filter((part) => told.includes(part))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

const KEYS_IN_ENVIRONMENT = { CLERK_PUBLISHABLE_KEY: KEYS.publishableKey, CLERK_SECRET_KEY: KEYS.secretKey };
