import type { ClerkModuleOptions, RequestOptions } from '../../../lib/options/clerk-options.js';
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

const settle = (answer: unknown, module: ClerkModuleOptions = {}) =>
  resolveRequestOptions({ ...module, resolveOptions }, answer as RequestOptions, ENVIRONMENT);
const refusal = (...problems: unknown[]) => expect.objectContaining({ code: 'invalid-configuration', problems });

describe('the options of one request', () => {
  it('are the module’s, but for what says which instance it is', () => {
    const module = {
      ...keysOf('module'),
      machineSecretKey: 'ask_module',
      jwtKey: 'of the module',
      clerkClient: { authenticateRequest: resolveOptions } as never,
      clockSkewInMs: 7,
      timeoutInMs: 8,
    };
    expect(settle({ ...keysOf('tenant'), timeoutInMs: 9 }, module)).toMatchObject({
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

  it.each([[undefined], [null], ['']])('are the module’s where the answer has %j in their place', (nothing) => {
    const module = {
      authorizedParties: ['https://a.example'],
      audience: 'web',
      requireAudience: true,
      clockSkewInMs: 7,
    };
    const answer = Object.fromEntries([...Object.keys(module), 'apiUrl', 'jwtKey'].map((name) => [name, nothing]));
    expect(settle({ ...keysOf('tenant'), ...answer }, { ...module, apiUrl: 'https://module.example' })).toMatchObject({
      ...module,
      audience: { session_token: 'web' },
      apiUrl: 'https://module.example',
      jwtKey: undefined,
    });
  });

  it('name no unknown option, be it undefined', () => {
    expect(() => settle({ ...keysOf('tenant'), authorisedParties: undefined })).toThrow(
      refusal(expect.stringContaining('"authorisedParties" is not an option')),
    );
  });

  it.each([[{}], [{ machineSecretKey: undefined }]])('take no key from elsewhere: %j is refused', (answer) => {
    expect(() => settle(answer, keysOf('module'))).toThrow(
      refusal(
        expect.stringMatching(/^publishableKey .* is missing/),
        expect.stringMatching(/^secretKey .* is missing/),
      ),
    );
  });

  it.each([[undefined], [null], ['text'], [5]])('are refused where the function answered %p', (answer) => {
    expect(() => settle(answer)).toThrow(refusal('resolveOptions answered nothing: answer the keys of the instance'));
  });

  it.each([[[]], [new Map()]])('are refused where they are no options: %p', (answer) => {
    expect(() => settle(answer)).toThrow(refusal('the options must be an object'));
  });

  it.each<keyof ClerkModuleOptions>([
    'protection',
    'treatPendingAsSignedOut',
    'redirectToSignIn',
    'onError',
    'resolveOptions',
    'endStreamsOnExpiry',
    'rpc',
    'graphql',
    'transports',
    'frontendApiProxy',
    'webSocket',
    'verificationCache',
    'currentUserCache',
    'directVerification',
    'explainDenials',
    'debug',
  ])('leave %s to the module', (name) => {
    expect(() => settle({ ...keysOf('tenant'), [name]: undefined })).toThrow(
      refusal(`resolveOptions answered ${name}: give it to the module`),
    );
  });
});
