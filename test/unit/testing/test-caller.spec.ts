import type { AuthObject } from '@clerk/backend';

import { AUTHENTICATOR, type Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import { createInstance } from '../../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { TOKEN_TYPES, type AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../../../lib/options/resolved-options.js';
import type { ClerkModuleOptions } from '../../../lib/index.js';
import {
  apiKey,
  ClerkTestingError,
  LocalClerk,
  m2mToken,
  oauthToken,
  signedIn,
  signedOut,
  TestCaller,
} from '../../../lib/testing/index.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

/** The providers that a TestCaller overrides. */
function overridesOf(caller: TestCaller) {
  const found = new Map<unknown, any>();
  const builder = {
    overrideProvider: (token: unknown) => ({
      useValue: (value: unknown) => (found.set(token, value), builder),
      useFactory: ({ factory }: { factory: unknown }) => (found.set(token, factory), builder),
    }),
  };
  expect(caller.override(builder)).toBe(builder);
  return {
    authenticator: found.get(AUTHENTICATOR) as Authenticator,
    options: found.get(CLERK_OPTIONS) as (given?: ClerkModuleOptions) => ResolvedClerkOptions,
  };
}

const ask = (authenticator: Authenticator, headers: Record<string, string>, acceptsToken: AcceptsToken) => {
  const source = { method: 'GET', url: '/', headers };
  return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
};

/** The parts of an identity without IDs and functions. */
function seen({ status, tokenType, reason, hasCredentials, headers, failure, toAuth }: Identity) {
  const brief = (auth: AuthObject) => ({
    tokenType: auth.tokenType,
    isAuthenticated: auth.isAuthenticated,
    sessionStatus: 'sessionStatus' in auth ? auth.sessionStatus : undefined,
    properties: Object.keys(auth).sort(),
  });
  return {
    ...{ status, tokenType, reason, hasCredentials, failure, headers: Object.fromEntries(headers) },
    auth: brief(toAuth()),
    withPending: brief(toAuth({ treatPendingAsSignedOut: false })),
  };
}

const ACCEPTED: AcceptsToken[] = [...TOKEN_TYPES, 'any', ['session_token', 'api_key'], ['api_key', 'm2m_token']];

/** Each caller as an auth object, and as the token that it would send in production. */
const CALLERS: Record<string, { auth: () => AuthObject; token?: (clerk: LocalClerk) => Promise<string> | string }> = {
  'signed out': { auth: signedOut },
  'signed in': { auth: signedIn, token: (clerk) => clerk.sessionToken() },
  'with a pending session': {
    auth: () => signedIn({ sessionStatus: 'pending' }),
    token: (clerk) => clerk.sessionToken({ sessionStatus: 'pending' }),
  },
  'with an API key': { auth: apiKey, token: (clerk) => clerk.createApiKey({ subject: clerk.createUser() }).secret },
  'with an M2M token': {
    auth: m2mToken,
    token: async (clerk) => (await clerk.createM2MToken({ machine: clerk.createMachine() })).token,
  },
  'with an OAuth token': {
    auth: oauthToken,
    token: async (clerk) => (await clerk.createOAuthToken({ user: clerk.createUser() })).token,
  },
};

describe('TestCaller', () => {
  let clerk: LocalClerk;
  beforeAll(async () => (clerk = await LocalClerk.start({ instanceType: 'production' })));
  afterAll(() => clerk.stop());

  describe.each(ACCEPTED)('where %s is accepted,', (...types) => {
    const acceptsToken = (types.length > 1 ? types : types[0]) as AcceptsToken;

    it.each(Object.entries(CALLERS))(
      'returns the same identity as Clerk for a caller %s',
      async (_, { auth, token }) => {
        const real = createInstance(resolveClerkOptions(clerk.options, {})).authenticator;
        const headers: Record<string, string> = token ? { authorization: `Bearer ${await token(clerk)}` } : {};
        const expected = seen(await ask(real, headers, acceptsToken));

        const caller = new TestCaller();
        const { authenticator } = overridesOf(caller);
        expect(seen(await ask(authenticator, caller.as(auth()), acceptsToken))).toEqual(expected);
        caller.is(auth());
        expect(seen(await ask(authenticator, {}, acceptsToken))).toEqual(expected);
      },
    );

    it('returns the same identity as Clerk for a malformed token', async () => {
      const real = createInstance(resolveClerkOptions(clerk.options, {})).authenticator;
      const forged = { authorization: 'Bearer forged' };
      const { authenticator } = overridesOf(new TestCaller());
      expect(seen(await ask(authenticator, forged, acceptsToken))).toEqual(seen(await ask(real, forged, acceptsToken)));
    });
  });

  it('is signed out before is() is called', async () => {
    const { authenticator } = overridesOf(new TestCaller());
    expect(await ask(authenticator, {}, 'any')).toMatchObject({ status: 'signed-out', hasCredentials: false });
  });

  it('returns the same auth object that is() was given', async () => {
    const caller = new TestCaller();
    const auth = signedIn();
    caller.is(auth);
    expect((await ask(overridesOf(caller).authenticator, {}, 'session_token')).toAuth()).toBe(auth);
  });

  it('denies bearer tokens that it did not issue, even if is() has signed in a caller', async () => {
    const caller = new TestCaller();
    const { authenticator } = overridesOf(caller);
    caller.is(signedIn());
    for (const headers of [{ authorization: 'Bearer forged' }, new TestCaller().as(signedIn())]) {
      const identity = await ask(authenticator, headers, 'session_token');
      expect(identity).toMatchObject({ status: 'signed-out', hasCredentials: true, reason: 'token-invalid' });
    }
    // Basic authentication is not a credential for Clerk either.
    expect(await ask(authenticator, { authorization: 'Basic YTpi' }, 'session_token')).toMatchObject({
      status: 'signed-in',
    });
  });

  describe('resolves the application’s options', () => {
    const before = { ...process.env };
    afterEach(() => {
      process.env = { ...before };
    });
    const resolved = (given?: ClerkModuleOptions) => overridesOf(new TestCaller()).options(given);

    it('with fake keys if there are none', () => {
      expect(resolved()).toMatchObject({ protection: 'strict', telemetry: { disabled: true } });
      expect(resolved().secretKey).toMatch(/^sk_/);
    });

    it('with fake keys instead of real ones from arguments or environment, without jwtKey', () => {
      const real = {
        publishableKey: clerk.publishableKey,
        secretKey: clerk.secretKey,
        machineSecretKey: 'ask_real',
        jwtKey: clerk.jwtKey,
        apiUrl: 'https://api.clerk.com',
        clerkClient: { authenticateRequest: () => undefined } as never,
        resolveOptions: () => ({ secretKey: clerk.secretKey }),
      };
      Object.assign(process.env, clerk.env, {
        CLERK_MACHINE_SECRET_KEY: 'ask_real',
        CLERK_JWT_KEY: clerk.jwtKey,
        CLERK_API_URL: 'https://api.clerk.com',
      });
      for (const options of [resolved(), resolved(real)]) {
        const values = Object.values(options) as unknown[];
        for (const value of Object.values(real)) expect(values).not.toContain(value);
        expect(options.jwtKey).toBeUndefined();
      }
    });

    it('otherwise unchanged, with arguments before environment variables', () => {
      process.env.CLERK_SIGN_IN_URL = 'https://env.example.com/sign-in';
      const given = { protection: 'lax', redirectToSignIn: true, explainDenials: true } as const;
      expect(resolved(given)).toMatchObject({ ...given, signInUrl: 'https://env.example.com/sign-in' });
      expect(resolved({ signInUrl: '/sign-in' }).signInUrl).toBe('/sign-in');
    });

    it('with machineOnly if only a machine secret key is given', () => {
      expect(resolved({ machineSecretKey: 'ask_real' }).machineOnly).toBe(true);
      process.env.CLERK_MACHINE_SECRET_KEY = 'ask_real';
      expect(resolved().machineOnly).toBe(true);
      expect(resolved({ secretKey: 'sk_test_real' }).machineOnly).toBe(false);
    });

    it('with frontendApiProxy disabled', () => {
      expect(resolved({ frontendApiProxy: { enabled: true, path: '/clerk' } }).frontendApiProxy).toEqual({
        enabled: false,
        path: '/clerk',
      });
    });

    it('and throws for unknown and incomplete options', () => {
      expect(() => resolved({ protecton: 'lax' } as never)).toThrow('"protecton" is not an option');
      expect(() => resolved({ isSatellite: true })).toThrow('isSatellite needs domain');
    });
  });

  it('throws the code production when NODE_ENV is production', () => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    let thrown: unknown;
    try {
      new TestCaller();
    } catch (error) {
      thrown = error;
    } finally {
      process.env.NODE_ENV = before;
    }
    expect(thrown).toBeInstanceOf(ClerkTestingError);
    expect(thrown).toMatchObject({ code: 'production', message: expect.stringContaining('NODE_ENV') });
  });
});
