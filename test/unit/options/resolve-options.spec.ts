import { generateKeyPairSync } from 'node:crypto';

import { ClerkConfigurationError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const publishableKey = `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`;
const secretKey = 'sk_test_secret';
const keys = { publishableKey, secretKey };
const pem = (bits = 2048, exponent = 65537) =>
  generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();

/** The problems that options are refused for; fails where they are accepted. */
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

describe('resolveClerkOptions', () => {
  it('takes the keys from the environment, the rest from defaults', () => {
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
      verificationCache: { maxEntries: 10_000, machineTokens: { ttl: 0 } },
      directVerification: true,
      apiUrl: 'https://api.clerk.com',
      apiVersion: 'v1',
      clerkClient: undefined,
      protection: 'strict',
      telemetry: { disabled: false, debug: false },
    });
  });

  it('prefers an explicit option to the environment, and the environment to the default', () => {
    const env = { CLERK_API_URL: 'https://env.example', CLERK_SECRET_KEY: 'sk_test_env' };
    expect(resolveClerkOptions(keys, env)).toMatchObject({
      secretKey,
      apiUrl: 'https://env.example',
    });
    expect(resolveClerkOptions({ ...keys, apiUrl: 'https://given.example' }, env).apiUrl).toBe('https://given.example');
  });

  it.each([undefined, ''])('takes %p, as a ConfigService hands it on, for not given', (value) => {
    expect(resolveClerkOptions({ ...keys, secretKey: value }, { CLERK_SECRET_KEY: 'sk_test_env' }).secretKey).toBe(
      'sk_test_env',
    );
  });

  it.each([
    ['CLERK_MACHINE_SECRET_KEY', 'machineSecretKey', 'ask_machine', 'ask_machine'],
    ['CLERK_API_VERSION', 'apiVersion', 'v2', 'v2'],
    ['CLERK_DOMAIN', 'domain', 'app.example.com', 'app.example.com'],
    ['CLERK_PROXY_URL', 'proxyUrl', '/__clerk', '/__clerk'],
    ['CLERK_SIGN_IN_URL', 'signInUrl', 'https://example.com/in', 'https://example.com/in'],
    ['CLERK_IS_SATELLITE', 'isSatellite', '0', false],
    ['CLERK_IS_SATELLITE', 'isSatellite', 'False', false],
  ] as const)('reads %s into %s', (variable, option, text, value) => {
    expect(resolveClerkOptions(keys, { [variable]: text })[option]).toEqual(value);
  });

  it('reads a satellite from the environment', () => {
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

  it('reads telemetry from the environment, unless given', () => {
    const env = { CLERK_TELEMETRY_DISABLED: '1', CLERK_TELEMETRY_DEBUG: 'true' };
    expect(resolveClerkOptions(keys, env).telemetry).toEqual({ disabled: true, debug: true });
    expect(resolveClerkOptions({ ...keys, telemetry: { disabled: false } }, env).telemetry).toEqual({
      disabled: false,
      debug: true,
    });
  });

  it('needs no other key where there is a machine’s, unless a secret key wants its publishable one', () => {
    expect(resolveClerkOptions({ machineSecretKey: 'ask_x' }, {})).toMatchObject({
      machineOnly: true,
      publishableKey: '',
      secretKey: '',
    });
    expect(resolveClerkOptions({ ...keys, machineSecretKey: 'ask_x' }, {}).machineOnly).toBe(false);
    expect(problemsOf({ secretKey, machineSecretKey: 'ask_x' })).toEqual([expect.stringContaining('publishableKey')]);
  });

  it('takes an audience as Clerk does for session tokens, or one for each kind', () => {
    const audienceOf = (audience: ClerkModuleOptions['audience']) =>
      resolveClerkOptions({ ...keys, audience }, {}).audience;
    expect(audienceOf('web')).toEqual({ session_token: 'web' });
    expect(audienceOf(['web', 'app'])).toEqual({ session_token: ['web', 'app'] });
    expect(audienceOf({ m2m_token: 'billing' })).toEqual({ m2m_token: 'billing' });
  });

  it('takes functions where Clerk does, and judges them only when a request comes', () => {
    const given = { domain: () => 's.example', isSatellite: () => true, proxyUrl: () => '/__clerk' };
    expect(resolveClerkOptions({ ...keys, ...given }, {})).toMatchObject(given);
    expect(problemsOf({ ...keys, signInUrl: () => '/in' })).toHaveLength(1);
  });

  it('is frozen, and untouched by later changes to what was given', () => {
    const authorizedParties = ['https://app.example.com'];
    const options = resolveClerkOptions({ ...keys, authorizedParties }, {});
    authorizedParties.push('https://evil.example');
    expect(options.authorizedParties).toEqual(['https://app.example.com']);
    expect(Object.isFrozen(options)).toBe(true);
    expect(Object.isFrozen(options.authorizedParties)).toBe(true);
    expect(Object.isFrozen(options.telemetry)).toBe(true);
  });

  describe('jwtKey', () => {
    const key = pem();
    const body = key.replace(/-----.*-----/g, '').trim();
    it.each([
      ['as it is', key],
      ['with \\n for its line breaks', key.replaceAll('\n', '\\n')],
      ['with Windows line breaks', key.replaceAll('\n', '\r\n')],
      ['without header and footer', body],
    ])('accepts a PEM %s', (_, jwtKey) => {
      expect(resolveClerkOptions({ ...keys, jwtKey }, {}).jwtKey).toBe(key);
    });

    it.each([
      ['no PEM', 'not a key'],
      ['cut off', key.slice(0, 200)],
      ['RSA 4096', pem(4096)],
      ['another exponent', pem(2048, 3)],
      [
        'an EC key',
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      ],
      ['no string', 5],
    ])('refuses %s, naming option and variable', (_, jwtKey) => {
      const [problem, ...others] = problemsOf({ ...keys, jwtKey });
      expect(problem).toMatch(/^jwtKey \(environment variable CLERK_JWT_KEY\) is no readable public key: copy/);
      expect(others).toEqual([]);
    });

    it('tells a private key', () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const jwtKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      expect(problemsOf({ ...keys, jwtKey })[0]).toContain('holds a private key');
    });
  });

  describe('refuses, saying what to do,', () => {
    it('missing keys, both at once', () => {
      const problems = problemsOf({});
      expect(problems).toHaveLength(2);
      expect(problems[0]).toContain('publishableKey (environment variable CLERK_PUBLISHABLE_KEY) is missing: copy');
      expect(problems[1]).toContain('secretKey (environment variable CLERK_SECRET_KEY) is missing: copy');
    });

    it.each([
      [
        'swapped keys',
        { publishableKey: secretKey, secretKey: publishableKey },
        [/publishableKey .* swapped/, /secretKey .* swapped/],
      ],
      [
        'a live secret key as publishable key',
        { ...keys, publishableKey: 'sk_live_x' },
        [/publishableKey .* swapped.*Rotate/],
      ],
      [
        'a malformed publishable key',
        { ...keys, publishableKey: 'key' },
        [/publishableKey .* must start with pk_test_ or pk_live_/],
      ],
      [
        'a cut-off publishable key',
        { ...keys, publishableKey: publishableKey.slice(0, 20) },
        [/publishableKey .* cut off/],
      ],
      [
        'a publishable key whose host has no dot',
        { ...keys, publishableKey: `pk_test_${btoa('localhost$')}` },
        [/cut off/],
      ],
      [
        'a quoted publishable key',
        { ...keys, publishableKey: `"${publishableKey}"` },
        [/publishableKey .* quotes or blanks/],
      ],
      [
        'a publishable key with a line break',
        { ...keys, publishableKey: `${publishableKey}\n` },
        [/quotes or blanks|cut off/],
      ],
      [
        'a malformed secret key',
        { ...keys, secretKey: 'secret' },
        [/secretKey .* must start with sk_test_ or sk_live_/],
      ],
      ['a quoted secret key', { ...keys, secretKey: `'${secretKey}'` }, [/secretKey .* quotes or blanks/]],
      ['a machine key as secret key', { ...keys, secretKey: 'ask_x' }, [/secretKey .* machineSecretKey/]],
      [
        'keys that are no strings',
        { publishableKey: 1, secretKey: {} },
        [/publishableKey .* must be a string/, /secretKey .* must be a string/],
      ],
      [
        'a secret key as machine key',
        { ...keys, machineSecretKey: 'sk_test_x' },
        [/machineSecretKey .* belongs in secretKey/],
      ],
      ['a malformed machine key', { ...keys, machineSecretKey: 'x' }, [/machineSecretKey .* must start with ask_/]],
      ['a machine key that is no string', { ...keys, machineSecretKey: 5 }, [/machineSecretKey .* must be a string/]],
      [
        'a live beside a test key',
        { ...keys, secretKey: 'sk_live_x' },
        [/publishableKey .* secretKey .* different instances/],
      ],
      ['an unknown option', { ...keys, secret: 'x' }, [/"secret" is not an option: known are publishableKey, /]],
      ['a misspelt option', { ...keys, secret_key: 'x' }, [/"secret_key" is not an option: did you mean secretKey\?/]],
      ['a prototype name as option', { ...keys, constructor: 'x' }, [/"constructor" is not an option/]],
      ['audience', { ...keys, audience: [] }, [/^audience must be a non-empty list/]],
      ['audience', { ...keys, audience: ' ' }, [/^audience must be a non-empty string/]],
      [
        'parties that are no list',
        { ...keys, authorizedParties: 'https://a.example' },
        [/^authorizedParties must be a non-empty list/],
      ],
      [
        'parties with a slash',
        { ...keys, authorizedParties: ['https://a.example/'] },
        [/without a slash: write 'https:\/\/a.example'/],
      ],
      [
        'clockSkewInMs',
        { ...keys, clockSkewInMs: -1 },
        [/^clockSkewInMs must be a whole number of milliseconds, at least 0/],
      ],
      ['clockSkewInMs', { ...keys, clockSkewInMs: NaN }, [/^clockSkewInMs must be/]],
      ['timeoutInMs', { ...keys, timeoutInMs: 0 }, [/^timeoutInMs must be a whole number of milliseconds, at least 1/]],
      ['timeoutInMs', { ...keys, timeoutInMs: '5000' }, [/^timeoutInMs must be/]],
      ['maxRetries', { ...keys, maxRetries: -1 }, [/^maxRetries must be a whole number, at least 0/]],
      ['maxRetries', { ...keys, maxRetries: 1.5 }, [/^maxRetries must be/]],
      ['maxPendingCalls', { ...keys, maxPendingCalls: 0 }, [/^maxPendingCalls must be a whole number, at least 1/]],
      ['domain', { ...keys, domain: 'https://a.example' }, [/^domain .* host name without scheme/]],
      ['isSatellite', { ...keys, isSatellite: 'maybe' }, [/^isSatellite .* must be true or false/]],
      ['proxyUrl', { ...keys, proxyUrl: '//evil.example' }, [/^proxyUrl .* absolute http\(s\) URL or a path/]],
      ['proxyUrl', { ...keys, proxyUrl: 5 }, [/^proxyUrl /]],
      ['signInUrl', { ...keys, signInUrl: 'sign-in' }, [/^signInUrl /]],
      ['apiUrl', { ...keys, apiUrl: 'api.clerk.com' }, [/^apiUrl .* absolute http\(s\) URL/]],
      ['apiUrl', { ...keys, apiUrl: 'http://' }, [/^apiUrl /]],
      ['apiVersion', { ...keys, apiVersion: 1 }, [/^apiVersion .* non-empty string/]],
      ['clerkClient', { ...keys, clerkClient: {} }, [/^clerkClient must be a client made with createClerkClient/]],
      ['clerkClient', { ...keys, clerkClient: 'x' }, [/^clerkClient /]],
      ['protection', { ...keys, protection: 'loose' }, [/^protection must be one of 'strict', 'lax'/]],
      ['telemetry', { ...keys, telemetry: false }, [/^telemetry must be an object/]],
      ['telemetry', { ...keys, telemetry: { off: true } }, [/^telemetry has no field "off": it takes disabled, debug/]],
      [
        'audience by an unknown type',
        { ...keys, audience: { api_key: 'x' } },
        [/^audience has no field "api_key": it takes session_token/],
      ],
      [
        'audience by type',
        { ...keys, audience: { m2m_token: [] } },
        [/^audience : m2m_token must be a non-empty list/],
      ],
      [
        'organizationSyncOptions',
        { ...keys, organizationSyncOptions: ['/orgs'] },
        [/^organizationSyncOptions must be an object with organizationPatterns/],
      ],
      [
        'organizationSyncOptions',
        { ...keys, organizationSyncOptions: { organizationPatterns: ['orgs/:id'] } },
        [/organizationPatterns must be paths/],
      ],
      [
        'frontendApiProxy',
        { ...keys, frontendApiProxy: true },
        [/^frontendApiProxy must be an object with enabled, path/],
      ],
      ['frontendApiProxy', { ...keys, frontendApiProxy: { path: '/__clerk' } }, [/^frontendApiProxy needs enabled/]],
      [
        'frontendApiProxy',
        { ...keys, frontendApiProxy: { enabled: true, path: '//evil' } },
        [/^frontendApiProxy .*path must be a path/],
      ],
      ['onError', { ...keys, onError: 'x' }, [/^onError must be a function/]],
      ['enableHandshake', { ...keys, enableHandshake: 'no' }, [/^enableHandshake must be true or false/]],
      [
        'a list of nothing but holes, which would demand no audience',
        { ...keys, audience: new Array(2) },
        [/^audience must be a non-empty list/],
      ],
      [
        'a Map, which has no fields',
        { ...keys, audience: new Map([['session_token', 'web']]) },
        [/^audience must be an object with session_token/],
      ],
      [
        'a field that is inherited',
        { ...keys, audience: Object.create({ session_token: 'web' }) },
        [/^audience : session_token must be a property of the object itself/],
      ],
      ['transports in a Map', { ...keys, transports: new Map() }, [/^transports must be an object of adapters/]],
      ['a deadline that no timer knows', { ...keys, timeoutInMs: 2 ** 31 }, [/^timeoutInMs .* at most 2147483647/]],
      [
        'a memory that no array can hold',
        { ...keys, verificationCache: { maxEntries: 2 ** 40 } },
        [/^verificationCache : maxEntries must be a whole number, at least 1 and at most 1000000/],
      ],
      ['null as protection', { ...keys, protection: { strict: true } }, [/^protection must be one of/]],
    ])('%s', (_, options, expected) => {
      const problems = problemsOf(options);
      expect(problems).toHaveLength(expected.length);
      expected.forEach((pattern, index) => expect(problems[index]).toMatch(pattern));
    });

    it.each([['text'], [[]], [5], [new Map()], [Promise.resolve({})], [() => ({})]])(
      'options that are no object: %p',
      (options) => {
        expect(problemsOf(options)).toEqual(['the options must be an object']);
      },
    );

    it('what a class says by getters, instead of forgetting it', () => {
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

    it('the word "constructor", which every object knows, for a satellite', () => {
      expect(problemsOf(keys, { CLERK_IS_SATELLITE: 'constructor' })).toEqual([
        expect.stringMatching(/^isSatellite .* must be true or false/),
      ]);
    });

    it.each([
      ['no domain or proxy', {}, /isSatellite needs domain .* or proxyUrl/],
      ['no sign-in URL', { domain: 'a.example' }, /isSatellite needs signInUrl/],
      ['a relative sign-in URL', { domain: 'a.example', signInUrl: '/in' }, /isSatellite needs signInUrl/],
    ])('a satellite with %s', (_, options, pattern) => {
      expect(problemsOf({ ...keys, isSatellite: true, ...options }).join('\n')).toMatch(pattern);
    });
  });

  describe('recognises where a missing key was left', () => {
    it.each(['NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY', 'VITE_CLERK_PUBLISHABLE_KEY', 'REACT_APP_CLERK_PUBLISHABLE_KEY'])(
      '%s',
      (variable) => {
        expect(problemsOf({ secretKey }, { [variable]: publishableKey })[0]).toContain(
          `is missing, but ${variable} is set: that name is for a frontend. Set CLERK_PUBLISHABLE_KEY`,
        );
      },
    );

    it('a secret key in a variable that is built into the frontend', () => {
      const [problem] = problemsOf({ publishableKey }, { NEXT_PUBLIC_CLERK_SECRET_KEY: secretKey });
      expect(problem).toContain('NEXT_PUBLIC_CLERK_SECRET_KEY is set');
      expect(problem).toContain('Rotate the key');
    });

    it('the old name CLERK_API_KEY', () => {
      expect(problemsOf({ publishableKey }, { CLERK_API_KEY: 'x' })[0]).toContain(
        'Rename the variable to CLERK_SECRET_KEY',
      );
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
});
