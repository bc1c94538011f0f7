import type { ClerkClient } from '@clerk/backend';
import type { OrganizationSyncOptions } from '@clerk/backend/internal';

import type { AudienceByTokenType, ValueOrFunction } from './option-types.js';

/**
 * The options that `resolveOptions` can return for each request: which Clerk instance to use, and how to use it.
 */
export interface RequestOptions {
  /**
   * The publishable key of the Clerk instance: `pk_test_…` or `pk_live_…`.
   * @default process.env.CLERK_PUBLISHABLE_KEY
   */
  publishableKey?: string | undefined;

  /**
   * The secret key of the Clerk instance: `sk_test_…` or `sk_live_…`. Never send it to a browser.
   * @default process.env.CLERK_SECRET_KEY
   */
  secretKey?: string | undefined;

  /**
   * The secret key of one machine (`ask_…`). Verifies M2M tokens meant for that machine, in place of `secretKey`. An
   * application that accepts nothing but M2M tokens needs no other key.
   * @default process.env.CLERK_MACHINE_SECRET_KEY
   */
  machineSecretKey?: string | undefined;

  /**
   * The instance's public key in PEM format. Session tokens are then verified without network. Key rotation needs a new
   * value. Without it, the keys are fetched from the Backend API.
   * @default process.env.CLERK_JWT_KEY
   */
  jwtKey?: string | undefined;

  /**
   * The accepted values of the `aud` claim. A string or list applies to session tokens, an object to each type of JWT.
   * As with Clerk, a token without `aud` passes unless `requireAudience` is set.
   * @example
   * ```ts
   * ClerkModule.forRoot({ audience: { session_token: 'web', m2m_token: ['billing', 'reports'] } });
   * ```
   */
  audience?: string | string[] | AudienceByTokenType | undefined;

  /**
   * Denies session tokens without `aud` where an `audience` is set for them.
   * @default false
   */
  requireAudience?: boolean | undefined;

  /**
   * The origins whose frontends may call: the `azp` claim of a session token must be one of them. Protects against
   * cookies leaked to a sibling subdomain. Does not apply to machine tokens, which carry no `azp`.
   *
   * Origins are compared literally, as browsers send them: scheme, host in lowercase (punycode), and the port unless it
   * is the default one. Patterns are not supported. Custom schemes (`chrome-extension://…`, `tauri://localhost`) are
   * origins too. `null` is not accepted, since every sandboxed frame has it.
   *
   * An `X-Forwarded-Host` that makes one of the module's origins counts as the host of the request, even if the
   * application trusts no proxy.
   * @example
   * ```ts
   * ClerkModule.forRoot({ authorizedParties: ['https://app.example.com', 'http://localhost:3000'] });
   * ```
   */
  authorizedParties?: string[] | undefined;

  /**
   * Accepts session tokens without `azp` although `authorizedParties` is set, for instances whose cookie tokens lack it.
   * @default false
   */
  allowMissingAzp?: boolean | undefined;

  /**
   * The tolerated clock difference to Clerk, in milliseconds.
   * @default 5000
   */
  clockSkewInMs?: number | undefined;

  /**
   * The longest a request waits for Clerk, in milliseconds. After that it gets 503.
   * @default 5000
   */
  timeoutInMs?: number | undefined;

  /**
   * How many times a failed call to Clerk is retried, within `timeoutInMs` and after a short pause: when the connection
   * fails, after a 5xx, and after a 429 whose `Retry-After` leaves time. Applies to keys, opaque machine tokens and
   * `@CurrentUser()`. After a call has failed despite its retries, calls are not retried until one succeeds.
   * @default 1
   */
  maxRetries?: number | undefined;

  /**
   * How many calls to Clerk's Backend API may be pending at once. Requests that need one beyond that get 503; callers
   * who are known without a call to Clerk are not affected. A call that hangs counts for half a minute, although no
   * request waits longer than `timeoutInMs`.
   *
   * Two kinds of calls get at most a third of it each, rounded up: opaque tokens that Clerk has not verified lately, and
   * handshakes and refreshes of browsers. So neither blocks callers whose opaque tokens were verified before (one call
   * each), nor `@CurrentUser()`. Below 3, nothing is left for those.
   *
   * Opaque tokens that Clerk cannot have issued cost no call. Those that Clerk has just rejected cost none for five
   * seconds, so a key that is created after it was tried is denied that long. Accepted ones are only cached with
   * `verificationCache.machineTokens.ttl`.
   * @default 250
   */
  maxPendingCalls?: number | undefined;

  /**
   * How long known keys keep working while Clerk is down, in milliseconds after their five minutes. Tokens with unknown
   * keys get 503 meanwhile.
   * @default 3600000
   */
  staleKeysInMs?: number | undefined;

  /**
   * The domain of a satellite, without scheme.
   * @default process.env.CLERK_DOMAIN
   */
  domain?: ValueOrFunction<string> | undefined;

  /**
   * Whether this application is a satellite: users sign in on another domain.
   * @default process.env.CLERK_IS_SATELLITE, else false
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/satellite-domains
   */
  isSatellite?: ValueOrFunction<boolean> | undefined;

  /**
   * Whether a satellite asks the primary domain for the session on the first visit. The default is Clerk's.
   */
  satelliteAutoSync?: boolean | undefined;

  /**
   * Where Clerk's Frontend API is proxied: an absolute URL, or a path of this server.
   * @default process.env.CLERK_PROXY_URL
   */
  proxyUrl?: ValueOrFunction<string> | undefined;

  /**
   * The URL of the sign-in page. Required, and absolute, for satellites of a development instance.
   * @default process.env.CLERK_SIGN_IN_URL
   */
  signInUrl?: string | undefined;

  /** The URL of the sign-up page. */
  signUpUrl?: string | undefined;

  /** Where Clerk sends users after sign-in, unless the redirect says otherwise. */
  afterSignInUrl?: string | undefined;

  /** Where Clerk sends users after sign-up, unless the redirect says otherwise. */
  afterSignUpUrl?: string | undefined;

  /**
   * URL patterns that name an organization. A handshake activates it when a session with another one arrives there:
   * `{ organizationPatterns: ['/orgs/:slug', '/orgs/:slug/(.*)'], personalAccountPatterns: ['/me'] }`.
   */
  organizationSyncOptions?:
    { [Name in keyof OrganizationSyncOptions]: OrganizationSyncOptions[Name] | undefined } | undefined;

  /**
   * Redirects page navigations to Clerk to refresh an expired session. Set it to `false` for a backend that only serves
   * an API: nothing is redirected then, and handshake parameters and cookies are ignored.
   * @default true
   */
  enableHandshake?: boolean | undefined;

  /**
   * The URL of Clerk's Backend API. Point it at a local Clerk in tests.
   * @default process.env.CLERK_API_URL, else 'https://api.clerk.com'
   */
  apiUrl?: string | undefined;

  /**
   * The version of the Backend API.
   * @default process.env.CLERK_API_VERSION, else 'v1'
   */
  apiVersion?: string | undefined;

  /**
   * Your own Backend client, used by the guard and by `ClerkClientService` instead of one built from these options. It
   * must belong to the same instance.
   *
   * Its `authenticateRequest` is called for every request that Clerk has to verify. When a browser returns from a
   * handshake or an expired session is refreshed, its `clients.getHandshakePayload` and `sessions.refreshSession` are
   * called, and Clerk's own `authenticateRequest` verifies the result. A client without these two does it all itself.
   */
  clerkClient?: ClerkClient | undefined;

  /**
   * Telemetry of Clerk's SDK, which development instances send. Defaults to the environment variables
   * `CLERK_TELEMETRY_DISABLED` and `CLERK_TELEMETRY_DEBUG`.
   * @see https://clerk.com/docs/telemetry
   */
  telemetry?: { disabled?: boolean | undefined; debug?: boolean | undefined } | undefined;
}
