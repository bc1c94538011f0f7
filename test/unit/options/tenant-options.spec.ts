import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import type { Scope } from '../../../lib/options/option-row.js';
import { OPTION_TABLE } from '../../../lib/options/option-table.js';
import type { RequestOptions } from '../../../lib/options/request-options.js';
import { resolveRequestOptions } from '../../../lib/options/tenant-options.js';

const keysOf = (tenant: string) => ({
  publishableKey: `pk_test_${btoa(`${tenant}.clerk.accounts.dev$`)}`,
  secretKey: `sk_test_${tenant}`,
});
const resolveOptions = () => undefined;
const ENVIRONMENT = {
  CLERK_PUBLISHABLE_KEY: keysOf('environment').publishableKey,
  CLERK_SECRET_KEY: keysOf('environment').secretKey,
  CLERK_MACHINE_SECRET_KEY: 'ask_environment',
  CLERK_JWT_KEY: 'of the environment',
  CLERK_API_URL: 'https://env.example',
};

/** The options of a request for which `resolveOptions` returned these. */
const resolve = (returned: unknown, module: ClerkModuleOptions = {}) =>
  resolveRequestOptions({ ...module, resolveOptions }, returned as RequestOptions, ENVIRONMENT);
const configurationError = (...problems: unknown[]) =>
  expect.objectContaining({ code: 'invalid-configuration', problems });

describe('resolveRequestOptions()', () => {
  it('takes options from the module that the result leaves out, but never keys or the client', () => {
    const module = {
      ...keysOf('module'),
      machineSecretKey: 'ask_module',
      jwtKey: 'of the module',
      clerkClient: { authenticateRequest: resolveOptions } as never,
      clockSkewInMs: 7,
      timeoutInMs: 8,
    };
    expect(resolve({ ...keysOf('tenant'), timeoutInMs: 9 }, module)).toMatchObject({
      ...keysOf('tenant'),
      machineSecretKey: undefined,
      jwtKey: undefined,
      clerkClient: undefined,
      clockSkewInMs: 7,
      timeoutInMs: 9,
      apiUrl: 'https://env.example',
      resolveOptions: undefined,
      verificationCache: { maxEntries: 1_000, maxBytes: 2_097_152 },
      currentUserCache: { maxAgeInMs: 10_000, maxEntries: 100 },
    });
  });

  it.each([[undefined], [null], ['']])('uses the option of the module if the result has %j for it', (nothing) => {
    const module = {
      authorizedParties: ['https://a.example'],
      audience: 'web',
      requireAudience: true,
      clockSkewInMs: 7,
    };
    const returned = Object.fromEntries([...Object.keys(module), 'apiUrl', 'jwtKey'].map((name) => [name, nothing]));
    expect(
      resolve({ ...keysOf('tenant'), ...returned }, { ...module, apiUrl: 'https://module.example' }),
    ).toMatchObject({
      ...module,
      audience: { session_token: 'web' },
      apiUrl: 'https://module.example',
      jwtKey: undefined,
    });
  });

  it('throws for an unknown option, even if its value is undefined', () => {
    expect(() => resolve({ ...keysOf('tenant'), authorisedParties: undefined })).toThrow(
      configurationError(expect.stringContaining('"authorisedParties" is not an option')),
    );
  });

  it.each([[{}], [{ machineSecretKey: undefined }]])(
    'throws for the result %p without keys, although module and environment have some',
    (returned) => {
      expect(() => resolve(returned, keysOf('module'))).toThrow(
        configurationError(
          expect.stringMatching(/^publishableKey .* is missing/),
          expect.stringMatching(/^secretKey .* is missing/),
        ),
      );
    },
  );

  it.each([[undefined], [null], ['text'], [5]])('throws for the result %p, which is no object', (returned) => {
    expect(() => resolve(returned)).toThrow(
      configurationError('resolveOptions must return an object with the keys of a Clerk instance'),
    );
  });

  it.each([[[]], [new Map()]])('throws for the result %p, an object without named properties', (returned) => {
    expect(() => resolve(returned)).toThrow(configurationError('the options must be an object'));
  });
});

describe('the scope of an option', () => {
  const SCOPES: Readonly<Record<keyof ClerkModuleOptions, Scope>> = {
    publishableKey: 'instance',
    secretKey: 'instance',
    machineSecretKey: 'instance',
    jwtKey: 'instance',
    clerkClient: 'instance',
    resolveOptions: 'module',
    apiUrl: 'request',
    apiVersion: 'request',
    telemetry: 'request',
    protection: 'module',
    onError: 'module',
    explainDenials: 'module',
    debug: 'module',
    authorizedParties: 'request',
    allowMissingAzp: 'request',
    audience: 'request',
    requireAudience: 'request',
    clockSkewInMs: 'request',
    treatPendingAsSignedOut: 'module',
    endStreamsOnExpiry: 'module',
    enableHandshake: 'request',
    redirectToSignIn: 'module',
    signInUrl: 'request',
    signUpUrl: 'request',
    afterSignInUrl: 'request',
    afterSignUpUrl: 'request',
    organizationSyncOptions: 'request',
    isSatellite: 'request',
    domain: 'request',
    satelliteAutoSync: 'request',
    proxyUrl: 'request',
    frontendApiProxy: 'module',
    timeoutInMs: 'request',
    maxRetries: 'request',
    maxPendingCalls: 'request',
    staleKeysInMs: 'request',
    verificationCache: 'module',
    currentUserCache: 'module',
    directVerification: 'module',
    graphql: 'module',
    webSocket: 'module',
    rpc: 'module',
    transports: 'module',
  };
  const namesOf = (...scopes: Scope[]) =>
    Object.entries(SCOPES).flatMap(([name, scope]) => (scopes.includes(scope) ? [name] : []));

  it('is as listed here for every option', () => {
    expect(Object.fromEntries(Object.entries(OPTION_TABLE).map(([name, { scope }]) => [name, scope]))).toEqual(SCOPES);
  });

  it.each(namesOf('module'))('makes resolveRequestOptions() throw if the result contains %s', (name) => {
    expect(() => resolve({ ...keysOf('tenant'), [name]: undefined })).toThrow(
      configurationError(`resolveOptions returned ${name}, which applies to the whole module: set it in forRoot()`),
    );
  });

  it.each(namesOf('instance', 'request'))('lets resolveOptions return %s', (name) => {
    const returned = { [name]: undefined, ...keysOf('tenant') };
    expect(() => resolve(returned)).not.toThrow();
  });
});
