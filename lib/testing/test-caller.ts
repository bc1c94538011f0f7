import type { AuthObject } from '@clerk/backend';
import { invalidTokenAuthObject, signedOutAuthObject } from '@clerk/backend/internal';

import { memoizedAuth } from '../authentication/identity/auth-memo.js';
import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { tokenInHeader } from '../authentication/identity/credentials.js';
import { signedOutIdentity, type Identity } from '../authentication/identity/identity.js';
import { tokenTypesOf, type AcceptsToken } from '../authentication/identity/token-types.js';
import { MODULE_OPTIONS_TOKEN } from '../clerk.module-definition.js';
import type { ClerkModuleOptions } from '../options/clerk-options.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { randomText } from './local-clerk/ids.js';
import { madeUpOptions } from './made-up-options.js';
import { ClerkTestingError } from './testing.error.js';

/** What {@link TestCaller.override} needs of `TestingModuleBuilder`, so that `@nestjs/testing` is nobody's dependency. */
export interface ProviderOverrider {
  overrideProvider(token: unknown): {
    useValue(value: unknown): unknown;
    useFactory(options: { factory: (...args: never[]) => unknown; inject?: unknown[] }): unknown;
  };
}

/**
 * Says who is calling, while the application's real guard, policies and decisions run. No token is verified and nothing
 * is asked of Clerk; tests about tokens themselves want a `LocalClerk`.
 *
 * The caller counts as one who sends its token in the Authorization header: where a route does not accept that kind of
 * token, it is refused as Clerk would.
 *
 * @throws ClerkTestingError with code `production` where NODE_ENV says so.
 * @example
 * const caller = new TestCaller();
 * const module = await caller.override(Test.createTestingModule({ imports: [AppModule] })).compile();
 * // …
 * caller.is(signedIn({ userId: 'user_1', permissions: ['org:invoices:create'] }));
 * await request(app.getHttpServer()).post('/invoices').expect(201);
 */
export class TestCaller {
  private current: AuthObject = signedOutAuthObject();
  private readonly byToken = new Map<string, AuthObject>();

  constructor() {
    if (process.env.NODE_ENV === 'production') {
      throw new ClerkTestingError(
        'production',
        'A TestCaller signs in anybody, so there is none where NODE_ENV is "production". Run tests with another NODE_ENV.',
      );
    }
  }

  /**
   * Puts this caller in the place of Clerk. Keys of the application are replaced by made-up ones, wherever they come
   * from, so that it boots without any and never reaches a real Clerk; its other options hold. With `resolveOptions`,
   * every tenant is the same made-up instance. What asks Clerk for more (`@CurrentUser()`, `ClerkClients`, your own
   * services) does so through `ClerkClientService`, which is yours to override.
   *
   * @returns the same builder.
   * @example
   * await caller
   *   .override(Test.createTestingModule({ imports: [AppModule] }))
   *   .overrideProvider(ClerkClientService)
   *   .useValue({ users: { getUser: async (id: string) => ({ id, firstName: 'Ada' }) } })
   *   .compile();
   */
  override<Builder extends ProviderOverrider>(builder: Builder): Builder {
    const authenticator: Authenticator = {
      authenticate: async ({ request }, acceptsToken) => this.identify(request, acceptsToken),
    };
    builder.overrideProvider(AUTHENTICATOR).useValue(authenticator);
    builder.overrideProvider(CLERK_OPTIONS).useFactory({
      factory: (given: ClerkModuleOptions) => madeUpOptions(given, process.env),
      inject: [MODULE_OPTIONS_TOKEN],
    });
    return builder;
  }

  /**
   * Who calls from now on, by requests that bring no bearer token. Nobody, until told.
   *
   * @param auth Made with `signedIn()`, `signedOut()`, `apiKey()`, `m2mToken()` or `oauthToken()`.
   * @example
   * caller.is(signedOut());
   */
  is(auth: AuthObject): void {
    this.current = auth;
  }

  /**
   * Headers by which a single request is made by somebody else, for several callers at a time. They mean something to
   * this TestCaller alone; any other bearer token is refused as one that Clerk does not know.
   *
   * @example
   * await request(app.getHttpServer()).get('/invoices').set(caller.as(signedIn({ userId: 'user_2' }))).expect(404);
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

/** As the real authenticator would answer to a token of this caller. */
function identityOf(auth: AuthObject, acceptsToken: AcceptsToken): Identity {
  if (!auth.isAuthenticated) return signedOutIdentity(reasonForNothing(acceptsToken), acceptsToken, false);
  const { tokenType } = auth;
  if (!tokenTypesOf(acceptsToken).includes(tokenType)) return mismatch(acceptsToken);
  const pending = tokenType === 'session_token' && auth.sessionStatus === 'pending';
  return {
    status: 'signed-in',
    tokenType,
    reason: null,
    credentialSent: true,
    headers: new Headers(),
    toAuth: memoizedAuth(({ treatPendingAsSignedOut = true } = {}) =>
      pending && treatPendingAsSignedOut ? signedOutAuthObject(undefined, 'pending') : auth,
    ),
  };
}

/** Clerk's answer to a token of another type: on a route for sessions it does not even look which. */
function mismatch(acceptsToken: AcceptsToken): Identity {
  const reason = acceptsToken === 'session_token' ? 'token-invalid' : 'token-type-mismatch';
  const identity = signedOutIdentity(reason, acceptsToken, true);
  return Array.isArray(acceptsToken) ? { ...identity, toAuth: memoizedAuth(() => invalidTokenAuthObject()) } : identity;
}

/** Clerk's answer to text that is no token: it takes it for a session's. */
function unknownIdentity(acceptsToken: AcceptsToken): Identity {
  return tokenTypesOf(acceptsToken).includes('session_token')
    ? signedOutIdentity('token-invalid', acceptsToken, true)
    : mismatch(acceptsToken);
}

/** Clerk's word where a request brings nothing. */
function reasonForNothing(acceptsToken: AcceptsToken): string {
  if (tokenTypesOf(acceptsToken).includes('session_token')) return 'session-token-and-uat-missing';
  return typeof acceptsToken === 'string' ? 'No token in header' : 'token-type-mismatch';
}
