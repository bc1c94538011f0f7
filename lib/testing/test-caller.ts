import type { AuthObject } from '@clerk/backend';
import { invalidTokenAuthObject, signedOutAuthObject } from '@clerk/backend/internal';

import { memoizeAuth } from '../authentication/identity/auth-memo.js';
import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { tokenInHeader } from '../authentication/identity/credentials.js';
import { signedOutIdentity, type Identity } from '../authentication/identity/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/identity/token-types.js';
import { MODULE_OPTIONS_TOKEN } from '../clerk.module-definition.js';
import type { ClerkModuleOptions } from '../options/clerk-options.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { randomText } from './local-clerk/ids.js';
import { placeholderOptions } from './placeholder-options.js';
import { ClerkTestingError } from './testing.error.js';

/** The part of `TestingModuleBuilder` that {@link TestCaller.override} uses, so that `@nestjs/testing` is no dependency. */
export interface ProviderOverrider {
  overrideProvider(token: unknown): {
    useValue(value: unknown): unknown;
    useFactory(options: { factory: (...args: never[]) => unknown; inject?: unknown[] }): unknown;
  };
}

/**
 * Sets who is calling in a test, while the application's real guard, policies and decisions run. No token is verified and
 * Clerk is never called; for tests of tokens themselves use a `LocalClerk`.
 *
 * The caller is treated as if its token were in the Authorization header: a route that does not accept that type of
 * token denies it, as with Clerk.
 *
 * @throws ClerkTestingError with code `production` if NODE_ENV is "production".
 * @example
 * ```ts
 * const caller = new TestCaller();
 * const module = await caller.override(Test.createTestingModule({ imports: [AppModule] })).compile();
 * // …
 * caller.is(signedIn({ userId: 'user_1', permissions: ['org:invoices:create'] }));
 * await request(app.getHttpServer()).post('/invoices').expect(201);
 * ```
 */
export class TestCaller {
  private current: AuthObject = signedOutAuthObject();
  private readonly byToken = new Map<string, AuthObject>();

  constructor() {
    if (process.env.NODE_ENV === 'production') {
      throw new ClerkTestingError(
        'production',
        'A TestCaller signs in any caller, so it cannot be created where NODE_ENV is "production". Run tests with another NODE_ENV.',
      );
    }
  }

  /**
   * Replaces Clerk by this caller. All keys of the application are replaced by placeholders, so that it boots without
   * keys and never reaches a real Clerk; its other options stay. With `resolveOptions`, all tenants share the same
   * placeholder instance. `@CurrentUser()`, `ClerkClients` and your own services call Clerk through
   * `ClerkClientService`, which you can override.
   *
   * @returns the same builder.
   * @example
   * ```ts
   * await caller
   *   .override(Test.createTestingModule({ imports: [AppModule] }))
   *   .overrideProvider(ClerkClientService)
   *   .useValue({ users: { getUser: async (id: string) => ({ id, firstName: 'Ada' }) } })
   *   .compile();
   * ```
   */
  override<Builder extends ProviderOverrider>(builder: Builder): Builder {
    const authenticator: Authenticator = {
      authenticate: async ({ request }, acceptsToken) => this.identify(request, acceptsToken),
    };
    builder.overrideProvider(AUTHENTICATOR).useValue(authenticator);
    builder.overrideProvider(CLERK_OPTIONS).useFactory({
      factory: (given: ClerkModuleOptions) => placeholderOptions(given, process.env),
      inject: [MODULE_OPTIONS_TOKEN],
    });
    return builder;
  }

  /**
   * Sets the caller of all following requests without a bearer token. Before the first call, requests are anonymous.
   *
   * @param auth Created with `signedIn()`, `signedOut()`, `apiKey()`, `m2mToken()` or `oauthToken()`.
   * @example
   * ```ts
   * caller.is(signedOut());
   * ```
   */
  is(auth: AuthObject): void {
    this.current = auth;
  }

  /**
   * Returns headers that set the caller of a single request, for tests with several callers. They work with this
   * TestCaller only; any other bearer token is denied as one that Clerk does not know.
   *
   * @example
   * ```ts
   * await request(app.getHttpServer()).get('/invoices').set(caller.as(signedIn({ userId: 'user_2' }))).expect(404);
   * ```
   */
  as(auth: AuthObject): { authorization: string } {
    const token = `test_caller_${randomText(32)}`;
    this.byToken.set(token, auth);
    return { authorization: `Bearer ${token}` };
  }

  private identify(request: Request, acceptsToken: AcceptsToken): Identity {
    const token = tokenInHeader(request.headers.get('authorization'));
    const auth = token === undefined ? this.current : this.byToken.get(token);
    return auth ? identityOf(auth, acceptsToken) : unknownIdentity(acceptsToken);
  }
}

/** The identity that the real authenticator would return for a token of this caller. */
function identityOf(auth: AuthObject, acceptsToken: AcceptsToken): Identity {
  if (!auth.isAuthenticated) return signedOutIdentity(reasonWithoutCredentials(acceptsToken), acceptsToken, false);
  const { tokenType } = auth;
  if (!tokenTypesOf(acceptsToken).includes(tokenType)) return mismatch(acceptsToken);
  const pending = tokenType === 'session_token' && auth.sessionStatus === 'pending';
  return {
    status: 'signed-in',
    tokenType,
    reason: null,
    hasCredentials: true,
    headers: new Headers(),
    toAuth: memoizeAuth(({ treatPendingAsSignedOut = true } = {}) =>
      pending && treatPendingAsSignedOut ? signedOutAuthObject(undefined, 'pending') : auth,
    ),
  };
}

/** Clerk's result for a token of another type; on a route for sessions it does not check the type. */
function mismatch(acceptsToken: AcceptsToken): Identity {
  const reason = acceptsToken === 'session_token' ? 'token-invalid' : 'token-type-mismatch';
  const identity = signedOutIdentity(reason, acceptsToken, true);
  return Array.isArray(acceptsToken) ? { ...identity, toAuth: memoizeAuth(() => invalidTokenAuthObject()) } : identity;
}

/** Clerk's result for a string that is not a token: it is treated as a session token. */
function unknownIdentity(acceptsToken: AcceptsToken): Identity {
  return tokenTypesOf(acceptsToken).includes('session_token')
    ? signedOutIdentity('token-invalid', acceptsToken, true)
    : mismatch(acceptsToken);
}

/** Clerk's reason for a request without credentials. */
function reasonWithoutCredentials(acceptsToken: AcceptsToken): string {
  if (tokenTypesOf(acceptsToken).includes('session_token')) return 'session-token-and-uat-missing';
  return typeof acceptsToken === 'string' ? 'No token in header' : 'token-type-mismatch';
}
