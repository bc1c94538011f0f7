import { createPublicKey, generateKeyPairSync } from 'node:crypto';

import { ClerkConfigurationError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { OPTION_TABLE } from '../../../lib/options/option-table.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const publishableKey = `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`;
const secretKey = 'sk_test_secret';
const keys = { publishableKey, secretKey };
/** An RSA public key whose private key nobody has. */
const pem = (bits = 2048, exponent = 'AQAB') => {
  const n = Buffer.alloc(bits / 8, 0xff).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: exponent }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
};

/** The problems that the options are rejected for. Throws if they are accepted. */
function problemsOf(options: unknown, env: Record<string, string> = {}): string[] {
  try {
    resolveClerkOptions(options as ClerkModuleOptions, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ClerkConfigurationError);
    expect((error as ClerkConfigurationError).code).toBe('invalid-configuration');
    return [...(error as ClerkConfigurationError).problems];
  }
  throw new Error('the options were accepted');
}

describe('resolveClerkOptions()', () => {
  it('reads the keys from the environment and uses the defaults for everything else', () => {
    const env = { CLERK_PUBLISHABLE_KEY: publishableKey, CLERK_SECRET_KEY: secretKey };
    expect(resolveClerkOptions(undefined, env)).toEqual({
      publishableKey,
      secretKey,
      machineOnly: false,
      machineSecretKey: undefined,
      jwtKey: undefined,
      audience: {},
      requireAudience: false,
      authorizedParties: undefined,
      allowMissingAzp: false,
      treatPendingAsSignedOut: true,
      clockSkewInMs: 5000,
      timeoutInMs: 5000,
      maxRetries: 1,
      maxPendingCalls: 250,
      domain: undefined,
      isSatellite: false,
      satelliteAutoSync: undefined,
      proxyUrl: undefined,
      signInUrl: undefined,
      signUpUrl: undefined,
      afterSignInUrl: undefined,
      afterSignUpUrl: undefined,
      organizationSyncOptions: undefined,
      enableHandshake: true,
      redirectToSignIn: false,
      onError: undefined,
      resolveOptions: undefined,
      frontendApiProxy: undefined,
      debug: false,
      explainDenials: false,
      endStreamsOnExpiry: false,
      staleKeysInMs: 3_600_000,
      webSocket: {},
      verificationCache: { maxEntries: 10_000, maxBytes: 33_554_432, machineTokens: { ttl: 0 } },
      currentUserCache: { maxAgeInMs: 10_000, maxEntries: 1_000 },
      directVerification: true,
      apiUrl: 'https://api.clerk.com',
      apiVersion: 'v1',
      clerkClient: undefined,
      protection: 'strict',
      telemetry: { disabled: false, debug: false },
    });
  });

  it('prefers an explicit option to the environment variable, and the environment variable to the default', () => {
    const env = { CLERK_API_URL: 'https://env.example', CLERK_SECRET_KEY: 'sk_test_env' };
    expect(resolveClerkOptions(keys, env)).toMatchObject({
      secretKey,
      apiUrl: 'https://env.example',
    });
    expect(resolveClerkOptions({ ...keys, apiUrl: 'https://given.example' }, env).apiUrl).toBe('https://given.example');
  });

  it.each([undefined, ''])('falls back to the environment variable when an option is %p', (value) => {
    expect(resolveClerkOptions({ ...keys, secretKey: value }, { CLERK_SECRET_KEY: 'sk_test_env' }).secretKey).toBe(
      'sk_test_env',
    );
  });

  it.each([
    ['CLERK_JWT_KEY', 'jwtKey', pem(), pem()],
    ['CLERK_MACHINE_SECRET_KEY', 'machineSecretKey', 'ask_machine', 'ask_machine'],
    ['CLERK_API_VERSION', 'apiVersion', 'v2', 'v2'],
    ['CLERK_DOMAIN', 'domain', 'app.example.com', 'app.example.com'],
    ['CLERK_PROXY_URL', 'proxyUrl', '/__clerk', '/__clerk'],
    ['CLERK_SIGN_IN_URL', 'signInUrl', 'https://example.com/in', 'https://example.com/in'],
    ['CLERK_IS_SATELLITE', 'isSatellite', '0', false],
    ['CLERK_IS_SATELLITE', 'isSatellite', 'False', false],
  ] as const)('reads %s into the option %s, for example the text %j', (variable, option, text, value) => {
    expect(resolveClerkOptions(keys, { [variable]: text })[option]).toEqual(value);
  });

  it('reads the options of a satellite from the environment', () => {
    const env = {
      CLERK_IS_SATELLITE: 'true',
      CLERK_DOMAIN: 's.example',
      CLERK_SIGN_IN_URL: 'https://p.example/in',
    };
    expect(resolveClerkOptions(keys, env)).toMatchObject({
      isSatellite: true,
      domain: 's.example',
    });
  });

  it('reads the fields of telemetry from the environment, except those that are set', () => {
    const env = { CLERK_TELEMETRY_DISABLED: '1', CLERK_TELEMETRY_DEBUG: 'true' };
    expect(resolveClerkOptions(keys, env).telemetry).toEqual({ disabled: true, debug: true });
    expect(resolveClerkOptions({ ...keys, telemetry: { disabled: false } }, env).telemetry).toEqual({
      disabled: false,
      debug: true,
    });
  });

  it('requires no other key beside machineSecretKey, but requires publishableKey beside a secretKey', () => {
    expect(resolveClerkOptions({ machineSecretKey: 'ask_x' }, {})).toMatchObject({
      machineOnly: true,
      publishableKey: '',
      secretKey: '',
    });
    expect(resolveClerkOptions({ ...keys, machineSecretKey: 'ask_x' }, {}).machineOnly).toBe(false);
    expect(problemsOf({ secretKey, machineSecretKey: 'ask_x' })).toEqual([expect.stringContaining('publishableKey')]);
  });

  it('applies a string or list of audiences to session tokens, and keeps an object of audiences by token type', () => {
    const audienceOf = (audience: ClerkModuleOptions['audience']) =>
      resolveClerkOptions({ ...keys, audience }, {}).audience;
    expect(audienceOf('web')).toEqual({ session_token: 'web' });
    expect(audienceOf(['web', 'app'])).toEqual({ session_token: ['web', 'app'] });
    expect(audienceOf({ m2m_token: 'billing' })).toEqual({ m2m_token: 'billing' });
  });

  it('accepts functions for domain, isSatellite and proxyUrl without calling them, but not for signInUrl', () => {
    const given = { domain: () => 's.example', isSatellite: () => true, proxyUrl: () => '/__clerk' };
    expect(resolveClerkOptions({ ...keys, ...given }, {})).toMatchObject(given);
    expect(problemsOf({ ...keys, signInUrl: () => '/in' })).toHaveLength(1);
  });

  it('returns frozen options that do not change when the given ones are modified', () => {
    const authorizedParties = ['https://app.example.com'];
    const options = resolveClerkOptions({ ...keys, authorizedParties }, {});
    authorizedParties.push('https://evil.example');
    expect(options.authorizedParties).toEqual(['https://app.example.com']);
    expect(Object.isFrozen(options)).toBe(true);
    expect(Object.isFrozen(options.authorizedParties)).toBe(true);
    expect(Object.isFrozen(options.telemetry)).toBe(true);
  });

  it('returns options whose injection token is shared by all copies of this library', () => {
    expect(CLERK_OPTIONS).toBe(Symbol.for('nest-clerk:options'));
  });

  it('keeps rpc, transports and clerkClient as they are, and copies and freezes other objects', () => {
    const fn = () => undefined;
    const given = { rpc: { credentials: fn }, transports: { a: { call: () => ({}), credentials: fn } } };
    const clerkClient = { authenticateRequest: fn } as never;
    const webSocket = { allowedOrigins: ['https://a.example'] };
    const options = resolveClerkOptions({ ...keys, ...given, clerkClient, webSocket }, {});
    expect(options.rpc).toBe(given.rpc);
    expect(options.transports).toBe(given.transports);
    expect(options.clerkClient).toBe(clerkClient);
    webSocket.allowedOrigins.push('https://evil.example');
    expect(options.webSocket).toEqual({ allowedOrigins: ['https://a.example'] });
    expect(Object.isFrozen(options.webSocket.allowedOrigins)).toBe(true);
  });

  it.each<[object, Record<string, string>, object]>([
    [{ verificationCache: false }, {}, { verificationCache: false }],
    ...[
      [true, {}],
      [{ maxEntries: 5 }, { maxEntries: 5 }],
      [{ maxBytes: 5 }, { maxBytes: 5 }],
      [{ machineTokens: { ttl: 9 } }, { machineTokens: { ttl: 9 } }],
    ].map(([given, resolved]): [object, Record<string, string>, object] => {
      const defaults = { maxEntries: 10_000, maxBytes: 33_554_432, machineTokens: { ttl: 0 } };
      return [{ verificationCache: given }, {}, { verificationCache: { ...defaults, ...(resolved as object) } }];
    }),
    [{ currentUserCache: false }, {}, { currentUserCache: false }],
    [{ currentUserCache: true }, {}, { currentUserCache: { maxAgeInMs: 10_000, maxEntries: 1_000 } }],
    [{ currentUserCache: { maxAgeInMs: 5 } }, {}, { currentUserCache: { maxAgeInMs: 5, maxEntries: 1_000 } }],
    [{ currentUserCache: { maxEntries: 5 } }, {}, { currentUserCache: { maxAgeInMs: 10_000, maxEntries: 5 } }],
    [{ frontendApiProxy: { enabled: true } }, {}, { frontendApiProxy: { enabled: true, path: '/__clerk' } }],
    [
      { frontendApiProxy: { enabled: false, path: '/a/b/' } },
      {},
      { frontendApiProxy: { enabled: false, path: '/a/b' } },
    ],
    [{}, { CLERK_API_URL: '' }, { apiUrl: 'https://api.clerk.com' }],
    [{}, { CLERK_IS_SATELLITE: 'FALSE', CLERK_API_VERSION: 'true' }, { isSatellite: false, apiVersion: 'true' }],
    [{}, { CLERK_TELEMETRY_DISABLED: 'yes' }, { telemetry: { disabled: false, debug: false } }],
    [
      {},
      { CLERK_TELEMETRY_DISABLED: 'true', CLERK_TELEMETRY_DEBUG: '0' },
      { telemetry: { disabled: true, debug: false } },
    ],
    [{ explainDenials: null, debug: null }, {}, { explainDenials: false, debug: false }],
  ])('resolves %j with the environment %j to %j', (given, env, expected) => {
    expect(resolveClerkOptions({ ...keys, ...given }, env)).toMatchObject(expected);
  });

  it('reads the value "1" of CLERK_IS_SATELLITE as true', () => {
    const env = { CLERK_IS_SATELLITE: '1', CLERK_DOMAIN: 's.example', CLERK_SIGN_IN_URL: 'https://p.example/in' };
    expect(resolveClerkOptions(keys, env).isSatellite).toBe(true);
  });

  describe('for jwtKey', () => {
    const key = pem();
    const body = key.replace(/-----.*-----/g, '').trim();
    it.each([
      ['with line breaks', key],
      ['with \\n instead of line breaks', key.replaceAll('\n', '\\n')],
      ['with Windows line breaks', key.replaceAll('\n', '\r\n')],
      ['with surrounding whitespace', `\n ${key} `],
      ['without header and footer', body],
    ])('accepts a PEM %s', (_, jwtKey) => {
      expect(resolveClerkOptions({ ...keys, jwtKey }, {}).jwtKey).toBe(key);
    });

    it.each([
      ['text that is no PEM', 'not a key'],
      ['a truncated PEM', key.slice(0, 200)],
      ['an RSA key of 4096 bits', pem(4096)],
      ['an RSA key with another exponent', pem(2048, 'Aw')],
      [
        'an EC key',
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      ],
      ['a number', 5],
    ])('rejects %s, naming the option and its variable', (_, jwtKey) => {
      const [problem, ...others] = problemsOf({ ...keys, jwtKey });
      expect(problem).toMatch(/^jwtKey \(environment variable CLERK_JWT_KEY\) is not a readable public key: copy/);
      expect(others).toEqual([]);
    });

    it('rejects a private key with a message of its own', () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const jwtKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      expect(problemsOf({ ...keys, jwtKey })[0]).toContain('holds a private key');
    });
  });

  describe('validates options and', () => {
    it('rejects missing keys, reporting both at once', () => {
      const advice =
        "is missing: copy it from the API keys page of the Clerk Dashboard, or start a LocalClerk from 'nest-clerk/testing' and pass its options.";
      expect(problemsOf({})).toEqual([
        `publishableKey (environment variable CLERK_PUBLISHABLE_KEY) ${advice}`,
        `secretKey (environment variable CLERK_SECRET_KEY) ${advice}`,
      ]);
    });

    it.each([
      [
        'swapped keys',
        { publishableKey: secretKey, secretKey: publishableKey },
        [/publishableKey .* swapped/, /secretKey .* swapped/],
      ],
      [
        'keys that are not strings',
        { publishableKey: 1, secretKey: {} },
        [/publishableKey .* must be a string/, /secretKey .* must be a string/],
      ],
      [
        'an unknown option',
        { ...keys, secret: 'x' },
        [/^"secret" is not an option: the options are publishableKey, secretKey, .*\.$/],
      ],
      [
        'a misspelled option, suggesting the right name',
        { ...keys, SECRET_key: 'x' },
        [/^"SECRET_key" is not an option: did you mean secretKey\?$/],
      ],
      [
        'guard and isGlobal from a factory, showing where to pass them',
        { ...keys, guard: false, isGlobal: false },
        [
          /^"guard" .*: pass it next to the factory, as in forRootAsync\(\{ guard: …, useFactory: … \}\)\.$/,
          /^"isGlobal" .*: pass it next to the factory, as in forRootAsync\(\{ isGlobal: …, useFactory: … \}\)\.$/,
        ],
      ],
      [
        'an option named like a member of Object.prototype',
        { ...keys, constructor: 'x' },
        [/^"constructor" is not an option/],
      ],
    ])('rejects %s', (_, options, expected) => {
      const problems = problemsOf(options);
      expect(problems).toHaveLength(expected.length);
      expected.forEach((pattern, index) => expect(problems[index]).toMatch(pattern));
    });

    it.each([['text'], [[]], [5], [new Map()], [Promise.resolve({})], [() => ({})]])(
      'rejects options that are not an object with named properties: %p',
      (options) => {
        expect(problemsOf(options)).toEqual(['the options must be an object']);
      },
    );

    it('rejects getters of a class, which copying the options would lose', () => {
      class Settings {
        readonly publishableKey = publishableKey;
        readonly secretKey = secretKey;
        get authorizedParties() {
          return ['https://app.example.com'];
        }
      }
      expect(problemsOf(new Settings())).toEqual([
        expect.stringMatching(/^authorizedParties must be a property of the object itself/),
      ]);
    });

    it('rejects the value "constructor" of CLERK_IS_SATELLITE, which every object has as a member', () => {
      expect(problemsOf(keys, { CLERK_IS_SATELLITE: 'constructor' })).toEqual([
        expect.stringMatching(/^isSatellite .* must be true or false/),
      ]);
    });

    const OTHER_INSTANCE =
      'publishableKey (environment variable CLERK_PUBLISHABLE_KEY) and secretKey (environment variable CLERK_SECRET_KEY) belong to different instances: one is a test key, the other a live key. Copy both from the same instance.';
    const NO_DOMAIN =
      'isSatellite needs domain (environment variable CLERK_DOMAIN) or proxyUrl (environment variable CLERK_PROXY_URL): set one of them.';
    const NO_SIGN_IN_URL =
      "isSatellite needs signInUrl (environment variable CLERK_SIGN_IN_URL) on a development instance: set it to the absolute URL of the primary application's sign-in page.";
    const live = { publishableKey: publishableKey.replace('test', 'live'), secretKey: 'sk_live_x' };
    const [domain, signInUrl] = ['a.example', 'https://p.example/in'];

    it.each<[string, object, string[]]>([
      ['a live secret key with a test publishable key', { ...keys, secretKey: live.secretKey }, [OTHER_INSTANCE]],
      ['a live publishable key with a test secret key', { ...live, secretKey }, [OTHER_INSTANCE]],
      [
        'a satellite without domain, proxyUrl and signInUrl',
        { ...keys, isSatellite: true },
        [NO_DOMAIN, NO_SIGN_IN_URL],
      ],
      ['a satellite without signInUrl', { ...keys, isSatellite: true, domain }, [NO_SIGN_IN_URL]],
      [
        'a satellite with a relative signInUrl',
        { ...keys, isSatellite: true, domain, signInUrl: '/in' },
        [NO_SIGN_IN_URL],
      ],
      ['a satellite without domain and proxyUrl', { ...keys, isSatellite: true, signInUrl }, [NO_DOMAIN]],
      ['a live satellite without domain and proxyUrl', { ...live, isSatellite: true }, [NO_DOMAIN]],
      [
        'an invalid option, before checking how options fit together',
        { ...keys, isSatellite: true, domain: 5 },
        [expect.stringMatching(/^domain/) as string],
      ],
    ])('rejects %s', (_, options, expected) => {
      expect(problemsOf(options)).toEqual(expected);
    });

    it.each<[string, object]>([
      ['two live keys', live],
      ['a live satellite without signInUrl', { ...live, isSatellite: true, domain }],
      ['a satellite with proxyUrl instead of domain', { ...keys, isSatellite: true, proxyUrl: '/__clerk', signInUrl }],
      ['a function for isSatellite', { ...keys, isSatellite: () => true }],
      [
        'a secret key without a publishable key beside resolveOptions',
        { resolveOptions: () => keys, secretKey: live.secretKey },
      ],
      [
        'a publishable key without a secret key beside resolveOptions',
        { resolveOptions: () => keys, publishableKey: live.publishableKey },
      ],
      [
        'a satellite without keys and signInUrl beside resolveOptions',
        { resolveOptions: () => keys, isSatellite: true, domain },
      ],
    ])('accepts %s', (_, options) => {
      expect(() => resolveClerkOptions(options, {})).not.toThrow();
    });
  });

  describe('for a missing key', () => {
    it.each([
      [
        { NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: publishableKey },
        'publishableKey (environment variable CLERK_PUBLISHABLE_KEY) is missing, but NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY is set: that name is for a frontend. Set CLERK_PUBLISHABLE_KEY to the same value for this server.',
      ],
      [
        { NEXT_PUBLIC_CLERK_SECRET_KEY: secretKey, CLERK_API_KEY: 'x' },
        'secretKey (environment variable CLERK_SECRET_KEY) is missing, and NEXT_PUBLIC_CLERK_SECRET_KEY is set: a prefixed variable is built into the frontend, where a secret key must never be. Rotate the key in the Clerk Dashboard and set CLERK_SECRET_KEY.',
      ],
      [
        { CLERK_API_KEY: 'x' },
        'secretKey (environment variable CLERK_SECRET_KEY) is missing, but CLERK_API_KEY is set: that is its old name. Rename the variable to CLERK_SECRET_KEY.',
      ],
    ])('hints at the variable that is set instead: %j', (env: Record<string, string>, sentence) => {
      expect(problemsOf({}, env)).toContain(sentence);
    });

    it.each<Record<string, string>>([
      { VITE_CLERK_SECRET_KEY: '' },
      { MYCLERK_SECRET_KEY: 'x' },
      { CLERK_SECRET_KEY_OLD: 'x' },
      { CLERK_API_KEY: '' },
      { VITE_CLERK_PUBLISHABLE_KEY: 'x' },
    ])('gives no hint for a variable that is empty or similar: %j', (env) => {
      expect(problemsOf({}, env)).toContainEqual(expect.stringMatching(/^secretKey .* is missing: copy it/));
    });

    it('does not mention CLERK_API_KEY if only publishableKey is missing', () => {
      expect(problemsOf({ secretKey }, { CLERK_API_KEY: 'x' })).toEqual([expect.stringContaining('is missing: copy')]);
    });
  });

  it('never repeats a key in a message', () => {
    const leaky = [
      { publishableKey: 'sk_live_LEAK', secretKey: 'pk_live_LEAK' },
      {
        publishableKey: '"pk_test_LEAK"',
        secretKey: 'LEAK',
        machineSecretKey: 'sk_LEAK',
        jwtKey: 'LEAK',
      },
    ];
    for (const options of leaky) expect(problemsOf(options).join()).not.toContain('LEAK');
  });

  it('treats undefined as not set, for every option and every field', () => {
    const nothing = Object.fromEntries(Object.keys(OPTION_TABLE).map((name) => [name, undefined]));
    expect(resolveClerkOptions({ ...nothing, ...keys }, {})).toEqual(resolveClerkOptions(keys, {}));
    const env = { CLERK_TELEMETRY_DISABLED: '1', CLERK_TELEMETRY_DEBUG: 'true' };
    const within = {
      verificationCache: { maxEntries: undefined, maxBytes: undefined, machineTokens: { ttl: undefined } },
      telemetry: { disabled: undefined, debug: undefined },
      webSocket: { allowedOrigins: undefined, tokenParameter: undefined, disconnectOnExpiry: undefined },
      audience: { session_token: undefined, m2m_token: undefined, oauth_token: undefined },
    };
    expect(resolveClerkOptions({ ...keys, ...within }, env)).toEqual(resolveClerkOptions(keys, env));
    expect(resolveClerkOptions({ ...keys, verificationCache: { machineTokens: undefined } }, {})).toEqual(
      resolveClerkOptions(keys, {}),
    );
    const frontendApiProxy = { enabled: true, path: undefined };
    expect(resolveClerkOptions({ ...keys, frontendApiProxy }, {}).frontendApiProxy?.path).toBe('/__clerk');
  });
});
