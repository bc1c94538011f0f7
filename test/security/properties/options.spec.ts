/**
 * For any options, the resolved ones are exactly those given, or a ClerkConfigurationError is thrown: no option is
 * dropped, no other value counts as `true`, and no error contains a secret.
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

/** What an option may resolve to, defined independently of lib/, and some values that it must accept. */
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

/** Options whose resolved value differs from the given one. */
const REWRITTEN: Partial<Record<Name, (value: any) => unknown>> = {
  jwtKey: () => JWT_KEY,
  audience: (value) => (typeof value === 'string' || Array.isArray(value) ? { session_token: value } : value),
  frontendApiProxy: ({ enabled, path = '/__clerk' }) => ({ enabled, path }),
  telemetry: (value) => ({ disabled: false, debug: false, ...value }),
  verificationCache: (value) =>
    value && {
      maxEntries: value.maxEntries ?? 10_000,
      maxBytes: value.maxBytes ?? 33_554_432,
      machineTokens: { ttl: value.machineTokens?.ttl ?? 0 },
    },
  currentUserCache: (value) =>
    value && { maxAgeInMs: value.maxAgeInMs ?? 10_000, maxEntries: value.maxEntries ?? 1_000 },
};

/** Values that count as not given: unset settings arrive like this. */
const isNotGiven = (value: unknown) => value === undefined || value === null || value === '';

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

/** Options, as any kind of property of the object; `expected` has their values. */
const generatedOptions = fc
  .tuple(
    fc.array(fc.tuple(option, holder), { maxLength: 4 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, fc.tuple(unknownName, anything)),
  )
  .map(([parts, unknown]) => {
    const given = { ...KEYS } as object;
    const expected: Record<string, unknown> = { ...KEYS };
    let prototype: object = Object.prototype;
    for (const [[name, value], how] of parts) {
      Reflect.deleteProperty(given, name);
      const held = HOLDERS[how](name, value);
      const descriptor = Object.getOwnPropertyDescriptor(held, name);
      if (descriptor) Object.defineProperty(given, name, { ...descriptor, configurable: true });
      else prototype = Object.assign(Object.create(prototype) as object, { [name]: value });
      expected[name] = value;
    }
    if (unknown) Object.defineProperty(given, unknown[0], { value: unknown[1], enumerable: true, configurable: true });
    return { given: Object.setPrototypeOf(given, prototype) as ClerkModuleOptions, expected, unknown: unknown?.[0] };
  });

/** The resolved options, or the problems of the ClerkConfigurationError; throws any other error. */
function resolvedOrProblems(resolve: () => ResolvedClerkOptions): ResolvedClerkOptions | readonly string[] {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof ClerkConfigurationError)) throw error;
    expect(error.code).toBe('invalid-configuration');
    expect(error.problems.length).toBeGreaterThan(0);
    return error.problems;
  }
}
const isInvalid = (result: ResolvedClerkOptions | readonly string[]): result is readonly string[] =>
  Array.isArray(result);

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

/** Expects the resolved options to be exactly the given ones, of the right types, and deeply frozen. */
function expectResolved(resolved: ResolvedClerkOptions, given: Readonly<Record<string, unknown>>) {
  const { clerkClient, rpc, transports, machineOnly, ...data } = resolved;
  expect(Object.values(data).every(isDeeplyFrozen) && Object.isFrozen(resolved)).toBe(true);
  const misfits = NAMES.filter((name) => resolved[name] !== undefined && !OPTIONS[name][0](resolved[name]));
  expect(misfits).toEqual([]);
  const expected = NAMES.filter((name) => !isNotGiven(given[name])).map((name) => [
    name,
    REWRITTEN[name]?.(given[name]) ?? given[name],
  ]);
  expect(expected.map(([name]) => [name, resolved[name as Name]])).toEqual(expected);
  if (isNotGiven(given.protection)) expect(resolved.protection).toBe('strict');
}

describe('options', () => {
  it.each(NAMES)('%s resolves to the given value or is reported by name, for valid and nearly valid values', (name) => {
    for (const value of [...OPTIONS[name].slice(1), ...NEARLY]) {
      const given = { ...KEYS, [name]: value };
      const result = resolvedOrProblems(() => resolveClerkOptions(given as ClerkModuleOptions, noEnvironment));
      if (isInvalid(result)) expect(result.join()).toContain(name);
      else expectResolved(result, given);
    }
  });

  it('resolve to the given values, or every problem names an option', () => {
    let valid = 0;
    fc.assert(
      fc.property(generatedOptions, ({ given, expected, unknown }) => {
        const result = resolvedOrProblems(() => resolveClerkOptions(given, noEnvironment));
        if (isInvalid(result)) {
          const names = [...NAMES, 'resolveOptions', ...(unknown === undefined ? [] : [unknown])];
          for (const problem of result) expect(names.some((name) => problem.includes(name))).toBe(true);
          return;
        }
        valid += 1;
        expect(unknown === undefined).toBe(true);
        expectResolved(result, expected);
        // An instance and its client can be created with valid options.
        expect(createInstance({ ...result, telemetry: { disabled: true } }).client).toBeDefined();
      }),
      { numRuns: RUNS * 2 },
    );
    expect(valid).toBeGreaterThan(RUNS / 4);
  });

  it('resolve the same through forRoot(), and only guard: false removes the global guard', () => {
    const extras = fc.dictionary(fc.constantFrom('guard', 'isGlobal'), fc.oneof(anything, fc.boolean()), {
      maxKeys: 2,
    });
    fc.assert(
      fc.property(generatedOptions, extras, ({ given, expected, unknown }, { guard = true, ...others }) => {
        for (const [name, value] of Object.entries({ guard, ...others })) {
          Object.defineProperty(given, name, { value, enumerable: true, configurable: true });
        }
        const result = resolvedOrProblems(() => {
          const { providers = [] } = ClerkModule.forRoot(given);
          const provided = providers as { provide: unknown; useValue?: ClerkModuleOptions }[];
          expect(provided.some(({ provide }) => provide === GLOBAL_GUARD)).toBe(guard !== false);
          return resolveClerkOptions(
            provided.find(({ provide }) => provide === MODULE_OPTIONS_TOKEN)!.useValue,
            noEnvironment,
          );
        });
        if (isInvalid(result)) return;
        // In Nest's copy, `__proto__` becomes the prototype, from which nothing is read.
        expect(unknown === undefined || unknown === '__proto__').toBe(true);
        expectResolved(result, expected);
      }),
      { numRuns: RUNS },
    );
  });

  it('of a tenant resolve to the given values, or every problem is reported', () => {
    fc.assert(
      fc.property(generatedOptions, ({ given, expected, unknown }) => {
        const result = resolvedOrProblems(() =>
          resolveRequestOptions({ resolveOptions: noOptions }, given, noEnvironment),
        );
        if (isInvalid(result)) return;
        expect(unknown === undefined).toBe(true);
        expectResolved(result, { ...expected, verificationCache: undefined });
      }),
      { numRuns: RUNS },
    );
  });

  it('that are not an object are rejected by forRoot(), resolveOptions and resolveClerkOptions()', () => {
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
        for (const way of ways) expect(isInvalid(resolvedOrProblems(way))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('of the environment resolve to the variables’ values, or every problem names a variable', () => {
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
        const result = resolvedOrProblems(() => resolveClerkOptions({}, { ...KEYS_IN_ENVIRONMENT, ...env }));
        if (isInvalid(result)) {
          for (const problem of result)
            expect(Object.keys(VARIABLES).some((name) => problem.includes(name))).toBe(true);
          return;
        }
        const entries = Object.entries({ ...KEYS_IN_ENVIRONMENT, ...env }).map(([variable, value]) => [
          VARIABLES[variable],
          value,
        ]);
        const { isSatellite, ...others } = Object.fromEntries(entries) as Record<string, string>;
        expectResolved(result, others);
        expect(result.isSatellite).toBe(isSatellite ? isBooleanOf[isSatellite.toLowerCase()] : false);
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('that are invalid cause an error without any part of a secret', () => {
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
        let thrown: unknown;
        try {
          resolveClerkOptions(given as ClerkModuleOptions, env);
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBeInstanceOf(ClerkConfigurationError);
        const shown = `${inspect(thrown, { depth: 9 })} ${(thrown as Error).stack} ${JSON.stringify(thrown)}`;
        const parts = Array.from({ length: hidden.length - 7 }, (_, index) => hidden.slice(index, index + 8));
        expect(parts.filter((part) => shown.includes(part))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

const KEYS_IN_ENVIRONMENT = { CLERK_PUBLISHABLE_KEY: KEYS.publishableKey, CLERK_SECRET_KEY: KEYS.secretKey };
