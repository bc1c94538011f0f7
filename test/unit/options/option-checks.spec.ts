import { generateKeyPairSync } from 'node:crypto';

import fc from 'fast-check';

import type { ClerkConfigurationError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const ofHost = (host: string) => `pk_test_${btoa(host)}`;
const keys = { publishableKey: ofHost('blue-owl-1.clerk.accounts.dev$'), secretKey: 'sk_test_secret' };
const yes = () => true;
/** An object like the namespace of an ES module, whose `Symbol.toStringTag` is `Module`. */
const namespace = (exported: object) => Object.defineProperty({ ...exported }, Symbol.toStringTag, { value: 'Module' });

type Name = keyof ClerkModuleOptions;

/** The problems that the application refuses to boot with; empty if the options are valid. */
function problemsOf(options: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    resolveClerkOptions({ ...keys, ...options } as ClerkModuleOptions, {});
    return [];
  } catch (error) {
    return (error as ClerkConfigurationError).problems;
  }
}

describe('the check of a valid option', () => {
  it.each<[Name, ...unknown[]]>([
    ['publishableKey', ofHost('a.b$'), ofHost('clerk.example.com$')],
    ['secretKey', 'sk_test_!', 'sk_test_a~'],
    ['machineSecretKey', 'ask_!', 'ask_a~'],
    ['audience', 'web', ['web', 'app'], {}, { m2m_token: 'a', oauth_token: ['b'], session_token: undefined }],
    ['audience', namespace({ session_token: 'web' })],
    ['requireAudience', true, false],
    ['authorizedParties', ['https://a.example'], ['https://a.example', 'https://b.example']],
    ['allowMissingAzp', true],
    ['treatPendingAsSignedOut', false],
    ['clockSkewInMs', 0, 2 ** 31 - 1],
    ['timeoutInMs', 1, 2 ** 31 - 1],
    ['maxRetries', 0, 10],
    ['maxPendingCalls', 1, 1_000_000],
    ['staleKeysInMs', 0, 2 ** 31 - 1],
    ['domain', 'A.example-1.com', 'localhost:8080', yes],
    ['isSatellite', false],
    ['satelliteAutoSync', true],
    ['proxyUrl', 'https://a.example/clerk', 'http://a.example', '/', '/__clerk', yes],
    ['signInUrl', 'https://a.example/in', '/in'],
    ['signUpUrl', '/up'],
    ['afterSignInUrl', '/'],
    ['afterSignUpUrl', '/'],
    ['organizationSyncOptions', { organizationPatterns: ['/orgs/:id', '/o'], personalAccountPatterns: ['/me'] }],
    ['enableHandshake', false],
    ['apiUrl', 'http://127.0.0.1:1'],
    ['apiVersion', 'v2'],
    ['clerkClient', { authenticateRequest: yes }],
    ['redirectToSignIn', true],
    ['onError', yes],
    ['resolveOptions', yes],
    ['endStreamsOnExpiry', true],
    ['rpc', { credentials: yes }],
    ['transports', {}, { a: { call: yes, credentials: yes }, b: { call: yes, credentials: yes, deny: yes } }],
    ['transports', { a: 'skip', b: { call: yes, credentials: yes, handlers: [] } }],
    ['transports', { a: { call: yes, credentials: yes, handlers: ['key', Symbol('key')] } }],
    ['frontendApiProxy', { enabled: false }, { enabled: yes, path: '/a.b/~c-d/' }],
    ['webSocket', { allowedOrigins: ['https://a.example'], tokenParameter: 'token', disconnectOnExpiry: true }],
    ['webSocket', { tokenSubprotocol: 'clerk' }, { tokenSubprotocol: "!#$%&'*+-.^_`|~09azAZ" }],
    ['graphql', {}, { connectionParams: ['authorization', 'headers.authorization'], disconnectOnExpiry: true }],
    ['verificationCache', false, true, {}, { maxEntries: 1, maxBytes: 1, machineTokens: { ttl: 0 } }],
    [
      'currentUserCache',
      false,
      true,
      {},
      { maxAgeInMs: 1, maxEntries: 1 },
      { maxAgeInMs: 60_000, maxEntries: 100_000 },
    ],
    ['verificationCache', { maxEntries: 1_000_000, maxBytes: 2 ** 40, machineTokens: { ttl: 60_000 } }],
    ['directVerification', false],
    ['explainDenials', true],
    ['debug', true],
    ['telemetry', { disabled: true, debug: false }],
    ['protection', 'strict', 'lax'],
  ])('accepts %s, for example the value %j', (name, ...values) => {
    for (const value of values) expect(problemsOf({ [name]: value })).toEqual([]);
  });
});

describe('the check for placeholders', () => {
  it.each([
    [
      'short keys, as tests use them',
      'sk_test_x',
      'sk_test_secret',
      'sk_live_madeUp',
      'sk_test_fake',
      'sk_test_changed',
    ],
    ['a long key that contains words of placeholders by chance', `sk_test_yourXXXXXXXpasteInsertchangemeSecretKey0001`],
  ])('accepts %s', (_, ...secrets) => {
    for (const secretKey of secrets) {
      const publishableKey = keys.publishableKey.replace('test', secretKey.slice(3, 7));
      expect(problemsOf({ publishableKey, secretKey })).toEqual([]);
    }
  });

  it('accepts any key of 40 to 42 letters and digits, as Clerk issues them', () => {
    const body = fc.stringMatching(/^[A-Za-z0-9]{40,42}$/).filter((text) => !/x{8}/i.test(text));
    fc.assert(fc.property(body, (text) => expect(problemsOf({ secretKey: `sk_test_${text}` })).toEqual([])));
  });
});

describe('the check of an invalid option', () => {
  const URL_OR_PATH = 'must be an absolute http(s) URL or a path of this server that starts with one "/".';
  const STRINGS = 'must be a non-empty list of non-empty strings.';
  const ADAPTER = 'must have the functions call(context) and credentials(context), and may have deny(context, denial).';
  const RPC = 'must be an object with the function credentials(context).';
  const CLIENT = "must be a client made with createClerkClient() of '@clerk/backend'.";
  const HOST = 'must be a host name without scheme or path, such as "app.example.com".';
  const CUT_OFF = 'is cut off or mistyped: copy it again from the API keys page of the Clerk Dashboard.';
  const PLACEHOLDER = 'is a placeholder: replace it with the key from the API keys page of the Clerk Dashboard.';
  const WRAPPED = 'has quotes or blanks around it: remove them from the value.';
  const ms = (minimum: number, maximum = 2_147_483_647) =>
    `must be a whole number of milliseconds, at least ${minimum} and at most ${maximum}.`;
  const count = (minimum: number, maximum = 1_000_000) =>
    `must be a whole number, at least ${minimum} and at most ${maximum}.`;

  it.each<[Name, sentence: string, ...values: unknown[]]>([
    ['publishableKey', 'must be a string that starts with pk_test_ or pk_live_.', 5, [keys.publishableKey]],
    [
      'publishableKey',
      'must start with pk_test_ or pk_live_.',
      'pk_dev_x',
      `x${keys.publishableKey}`,
      'pk_test_',
      'xsk_test_a',
    ],
    [
      'publishableKey',
      'holds a secret key: the publishable and the secret key are swapped. Rotate the secret key if this value was ever sent to a browser.',
      'sk_test_x',
      'sk_live_x',
    ],
    ['publishableKey', CUT_OFF, ...['localhost$', '$', 'a.b', 'a.b$c', 'a.$', '.$', 'a$.b$'].map(ofHost)],
    ['publishableKey', CUT_OFF, ...['a b.c$', '/a.b$', 'a/b.c$', 'a.b/c$', 'a.b c$', ' a.b$', 'x a.b$'].map(ofHost)],
    [
      'publishableKey',
      WRAPPED,
      ...[`"pk_test_a`, `'pk_test_a`, ` pk_test_a`],
      'pk_test_a"',
      "pk_test_a'",
      'pk_test_a ',
    ],
    ['publishableKey', WRAPPED, ...['\n', ' ', '\t', "'", '"'].map((after) => keys.publishableKey + after)],
    ['publishableKey', CUT_OFF, ...[';', ',', '%', ' # mine'].map((after) => keys.publishableKey + after)],
    ['secretKey', 'must be a string that starts with sk_test_ or sk_live_.', 5, [keys.secretKey]],
    ['secretKey', 'must start with sk_test_ or sk_live_.', 'xsk_test_a', 'sk_dev_a', 'sk_test_', 'sk_test_a b'],
    ['secretKey', 'holds a publishable key: the publishable and the secret key are swapped.', 'pk_test_x'],
    ['secretKey', 'holds a machine secret key: that belongs in machineSecretKey.', 'ask_x'],
    [
      'publishableKey',
      PLACEHOLDER,
      ...[
        'pk_test_...',
        'pk_live_…',
        'pk_test_xxx',
        '<publishable-key>',
        'pk_test_YOUR_PUBLISHABLE_KEY',
        '{{pub_key}}',
      ],
      ...['YOUR_PUBLISHABLE_KEY', 'sk_test_...', `${keys.publishableKey.slice(0, 20)}...`],
    ],
    [
      'secretKey',
      PLACEHOLDER,
      ...['sk_test_...', 'sk_live_...', 'sk_test_…', 'sk_test_xxx', 'sk_test_XXXX-XXXX', 'sk_test_***', 'sk_test____'],
      ...['sk_test_51xxxxxxxxxxxx', 'sk_test_ab••••yz', 'sk_test_ab*****yz', 'sk_test_ab...yz'],
      ...[
        'sk_test_YOUR_SECRET_KEY',
        'sk_test_yourKey',
        'sk_test_your-key-here',
        'sk_test_secret_key',
        'sk_test_SECRETKEY',
      ],
      ...['sk_live_replace_me', 'sk_test_changeme', 'sk_test_insert_here', 'sk_test_placeholder', 'sk_test_key_here'],
      'sk_test_paste_the_secret_key_of_your_instance_right_here',
      ...['<secret>', '<CLERK_SECRET_KEY>', '{{secret}}', '${CLERK_SECRET_KEY}', '[secret]', 'sk_test_<secret>'],
      ...['YOUR_SECRET_KEY', 'your_clerk_secret_key', 'xxx', '...', 'pk_test_...'],
    ],
    ['machineSecretKey', PLACEHOLDER, 'ask_...', 'ask_xxx', '<machine-secret>', 'ask_YOUR_KEY', 'sk_test_...'],
    ['jwtKey', PLACEHOLDER, '-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----', '<jwt-key>', 'YOUR_JWT_KEY'],
    ['secretKey', WRAPPED, ' sk_test_a', '"sk_test_a', 'sk_test_a ', "sk_test_a'"],
    ['machineSecretKey', 'must be a string that starts with ask_.', 5, ['ask_a']],
    ['machineSecretKey', 'must start with ask_.', 'xask_a', 'ask_', 'ask_a b'],
    ['machineSecretKey', "holds the instance's secret key: that belongs in secretKey.", 'sk_test_x'],
    ['machineSecretKey', WRAPPED, ' ask_a', 'ask_a"'],
    [
      'jwtKey',
      'is not a readable public key: copy the JWKS public key (PEM, RSA 2048) from the API keys page of the Clerk Dashboard, with its line breaks (or \\n in their place).',
      'x',
      5,
    ],
    [
      'jwtKey',
      'holds a private key: use the JWKS public key (PEM) of the API keys page of the Clerk Dashboard.',
      '-----BEGIN PRIVATE KEY-----',
    ],
    ['audience', 'must be a non-empty string.', ' '],
    ['audience', STRINGS, [], [''], ['a', ' '], [5], new Array(1)],
    ['audience', 'must be an object with any of these fields: session_token, m2m_token, oauth_token.', 5, new Map()],
    ['audience', 'has no field "api_key": it takes session_token, m2m_token, oauth_token.', { api_key: 'a' }],
    ['audience', 'has no field "constructor": it takes session_token, m2m_token, oauth_token.', { constructor: 'a' }],
    ['audience', '.m2m_token must be a non-empty string.', { session_token: 'a', m2m_token: '' }],
    ['audience', `.oauth_token ${STRINGS}`, { oauth_token: 5 }],
    [
      'audience',
      '.session_token must be a property of the object itself: inherited properties and getters of its class are not read.',
      Object.create({ session_token: 'web' }),
    ],
    ['authorizedParties', STRINGS, 'https://a.example', []],
    ['clockSkewInMs', ms(0), -1, 0.5, NaN, '0', 2 ** 31],
    ['timeoutInMs', ms(1), 0],
    ['staleKeysInMs', ms(0), -1],
    ['maxRetries', count(0, 10), -1, 1.5, '1', 11],
    ['maxPendingCalls', count(1), 0],
    [
      'domain',
      HOST,
      'https://a.example',
      'a.example/b',
      '/a.example',
      'a.example:',
      'a.example:8a',
      ':80',
      ['a.example'],
    ],
    ['proxyUrl', URL_OR_PATH, '//a.example', '/\\a.example', 'a/b', 'https://', ['/a'], 5],
    ['signInUrl', URL_OR_PATH, 'in', yes],
    ['signUpUrl', URL_OR_PATH, 'up'],
    ['afterSignInUrl', URL_OR_PATH, 'in'],
    ['afterSignUpUrl', URL_OR_PATH, 'up'],
    [
      'organizationSyncOptions',
      'must be an object with any of these fields: organizationPatterns, personalAccountPatterns.',
      ['/orgs'],
    ],
    ['organizationSyncOptions', `.organizationPatterns ${STRINGS}`, { organizationPatterns: [] }],
    [
      'organizationSyncOptions',
      '.personalAccountPatterns must be paths that start with "/".',
      { personalAccountPatterns: ['/me', 'us/'] },
    ],
    [
      'apiUrl',
      'must be an absolute http(s) URL.',
      'a.example',
      'xhttps://a',
      'ftp://a',
      'http://',
      new URL('http://a'),
    ],
    ['apiVersion', 'must be a non-empty string.', 5, ' '],
    ['clerkClient', CLIENT, {}, 'x', { authenticateRequest: true }],
    ['onError', 'must be a function.', 'x'],
    ['resolveOptions', 'must be a function.', {}],
    ['rpc', RPC, {}, 'x', { credentials: true }],
    ['transports', 'must be an object that maps context types to adapters.', [], new Map()],
    ['transports', `.a ${ADAPTER}`, { a: null }, { a: { call: yes } }, { a: { credentials: yes } }],
    ['transports', `.a ${ADAPTER}`, { a: { call: yes, credentials: yes, deny: true } }, { a: 'lax' }],
    [
      'transports',
      '.a.handlers must be a list of metadata keys.',
      ...['key', [''], [1], {}].map((handlers) => ({ a: { call: yes, credentials: yes, handlers } })),
    ],
    ['frontendApiProxy', 'must be an object with any of these fields: enabled, path.', true],
    ['frontendApiProxy', 'needs enabled: true, false, or a function.', {}, { path: '/a' }, { enabled: undefined }],
    ['frontendApiProxy', '.enabled must be true or false.', { enabled: 'yes' }],
    [
      'frontendApiProxy',
      '.path must be a path such as "/__clerk".',
      ...['//a', 'a', '/', '/a?b', 'x/a', '/a//b', ['/a']].map((path) => ({ enabled: true, path })),
    ],
    [
      'webSocket',
      'must be an object with any of these fields: allowedOrigins, tokenParameter, tokenSubprotocol, disconnectOnExpiry.',
      true,
    ],
    ['webSocket', `.allowedOrigins ${STRINGS}`, { allowedOrigins: '*' }],
    ['webSocket', '.tokenParameter must be a non-empty string.', { tokenParameter: '' }],
    ['webSocket', '.disconnectOnExpiry must be true or false.', { disconnectOnExpiry: 1 }],
    [
      'webSocket',
      '.tokenSubprotocol must be the name of a subprotocol, such as "clerk".',
      ...['', 'a b', 'a,b', 'a/b', 'é', 'a\n', 5, ['clerk']].map((tokenSubprotocol) => ({ tokenSubprotocol })),
    ],
    ['graphql', 'must be an object with any of these fields: connectionParams, disconnectOnExpiry.', true, 'x', []],
    ['graphql', '.disconnectOnExpiry must be true or false.', { disconnectOnExpiry: 'yes' }],
    ['graphql', `.connectionParams ${STRINGS}`, { connectionParams: 'authToken' }, { connectionParams: [] }],
    [
      'graphql',
      '.connectionParams must be names such as "authorization" or "headers.authorization".',
      ...['.', 'a.', '.a', 'a..b'].map((name) => ({ connectionParams: [name] })),
    ],
    ['currentUserCache', 'must be an object with any of these fields: maxAgeInMs, maxEntries.', 'x'],
    ['currentUserCache', `.maxAgeInMs ${ms(1, 60_000)}`, { maxAgeInMs: 0 }, { maxAgeInMs: 60_001 }],
    ['currentUserCache', `.maxEntries ${count(1, 100_000)}`, { maxEntries: 0 }, { maxEntries: 100_001 }],
    ['verificationCache', 'must be an object with any of these fields: maxEntries, maxBytes, machineTokens.', 'x'],
    ['verificationCache', `.maxEntries ${count(1)}`, { maxEntries: 0 }],
    [
      'verificationCache',
      '.maxBytes must be a whole number of bytes, at least 1 and at most 1099511627776.',
      ...[0, -1, 1.5, Infinity, '1', 2 ** 40 + 1].map((maxBytes) => ({ maxBytes })),
    ],
    ['verificationCache', '.machineTokens must be an object with any of these fields: ttl.', { machineTokens: 5 }],
    ['verificationCache', `.machineTokens.ttl ${ms(0, 60_000)}`, { machineTokens: { ttl: 60_001 } }],
    ['telemetry', 'must be an object with any of these fields: disabled, debug.', false],
    ['telemetry', '.disabled must be true or false.', { disabled: 'x' }],
    ['telemetry', '.debug must be true or false.', { disabled: true, debug: 'x' }],
    ['protection', "must be one of 'strict', 'lax'.", 'loose'],
  ])('rejects %s with the message "%s", for example the value %j', (name, sentence, ...values) => {
    for (const value of values) {
      const [problem, ...others] = problemsOf({ [name]: value });
      expect(problem?.replace(/ \(environment variable CLERK_[A-Z_]+\)/, '')).toBe(
        `${name}${sentence.startsWith('.') ? '' : ' '}${sentence}`,
      );
      expect(others).toEqual([]);
    }
  });

  it.each<Name>([
    'requireAudience',
    'allowMissingAzp',
    'treatPendingAsSignedOut',
    'satelliteAutoSync',
    'enableHandshake',
    'redirectToSignIn',
    'endStreamsOnExpiry',
    'directVerification',
    'explainDenials',
    'debug',
  ])('rejects %s with the message "must be true or false."', (name) => {
    expect(problemsOf({ [name]: 'no' })).toEqual([`${name} must be true or false.`]);
  });

  it('rejects an RSA-PSS key as jwtKey', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    const jwtKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(problemsOf({ jwtKey })).toEqual([expect.stringContaining('is not a readable public key')]);
  });
});
