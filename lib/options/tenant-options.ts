import type { ClerkClient } from '@clerk/backend';
import type { OrganizationSyncOptions } from '@clerk/backend/internal';

import type { AudienceByTokenType, ValueOrFunction } from './option-types.js';

/**
 * The options that can differ from request to request (see `resolveOptions`): which Clerk instance is asked, and what it
 * is asked for.
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
   * The secret key of one machine (`ask_…`), used instead of `secretKey` to verify M2M tokens meant for that machine.
   * An application that accepts nothing else needs no other key.
   * @default process.env.CLERK_MACHINE_SECRET_KEY
   */
  machineSecretKey?: string | undefined;

  /**
   * The instance's public key in PEM format. With it no key is ever fetched: session tokens verify without network,
   * and a key rotation needs a new value here.
   * @default process.env.CLERK_JWT_KEY; without it the keys are fetched from the Backend API
   */
  jwtKey?: string | undefined;

  /**
   * Accepted values of the `aud` claim. A string or list speaks to session tokens, an object to each kind of JWT. As
   * Clerk has it, a token without `aud` is not held to it; see `requireAudience`.
   * @example { session_token: 'web', m2m_token: ['billing', 'reports'] }
   */
  audience?: string | string[] | AudienceByTokenType | undefined;

  /**
   * Whether a session token without an `aud` claim is refused where an `audience` is set for it.
   * @default false
   */
  requireAudience?: boolean | undefined;

  /**
   * Origins whose frontends may call: the `azp` claim of a session token must be one of them. Protects from cookies
   * leaked to a sibling subdomain. Machine tokens carry no `azp` and are not held to it.
   *
   * Origins are compared literally, so each is written as browsers send it: scheme, host in lowercase (punycode), and
   * the port unless it is the default one. There are no patterns. Custom schemes (`chrome-extension://…`,
   * `tauri://localhost`) are origins as well; `null` is not accepted, since every sandboxed frame has it.
   *
   * An `X-Forwarded-Host` that makes one of the origins given to the module is taken for the host of the request, also
   * where the application trusts no proxy.
   * @example ['https://app.example.com', 'http://localhost:3000']
   */
  authorizedParties?: string[] | undefined;

  /**
   * Whether session tokens without an `azp` claim are accepted although `authorizedParties` is set. For instances
   * whose cookie tokens lack it.
   * @default false
   */
  allowMissingAzp?: boolean | undefined;

  /**
   * Clock difference to Clerk that is tolerated, in milliseconds.
   * @default 5000
   */
  clockSkewInMs?: number | undefined;

  /**
   * The longest that one request waits for Clerk, in milliseconds; then it is answered 503.
   * @default 5000
   */
  timeoutInMs?: number | undefined;

  /**
   * How often Clerk is asked again where it could not be asked: where the connection fails, and after a 5xx, or a 429
   * whose `Retry-After` leaves time. Holds for keys, opaque machine tokens and `@CurrentUser()`, within `timeoutInMs` and
   * after a short pause. A Clerk that is down is asked once.
   * @default 1
   */
  maxRetries?: number | undefined;

  /**
   * How many calls to Clerk's Backend API may be pending at once; beyond them requests that need one are answered 503.
   * Callers who are known without asking Clerk are not held up. A call that hangs counts for half a minute, though it is
   * waited for no longer than `timeoutInMs`.
   *
   * What anybody can send has no more than a third of the places each, rounded up: opaque tokens that Clerk has not
   * verified lately, and what browsers exchange (handshake nonces and refresh tokens). So neither keeps out callers whose
   * opaque tokens were verified before, who have one place each, nor `@CurrentUser()`. With less than 3 places nothing is
   * left for those.
   *
   * Opaque tokens that Clerk cannot have made cost no call, and those that it has just refused none for five seconds: a
   * key that is created after it was tried is refused that long. What Clerk accepts is only remembered with
   * `verificationCache.machineTokens.ttl`.
   * @default 250
   */
  maxPendingCalls?: number | undefined;

  /**
   * How long the keys that are known go on working while Clerk is down and new ones cannot be fetched, in milliseconds
   * beyond their five minutes. Unknown keys are answered 503 meanwhile.
   * @default 3600000
   */
  staleKeysInMs?: number | undefined;

  /**
   * The domain of a satellite application, without scheme.
   * @default process.env.CLERK_DOMAIN
   */
  domain?: ValueOrFunction<string> | undefined;

  /**
   * Whether this application is a satellite: its users sign in on another domain.
   * @default process.env.CLERK_IS_SATELLITE, else false
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/satellite-domains
   */
  isSatellite?: ValueOrFunction<boolean> | undefined;

  /**
   * Whether a satellite asks the primary domain for the session on the first visit.
   * @default Clerk's default
   */
  satelliteAutoSync?: boolean | undefined;

  /**
   * Where Clerk's Frontend API is proxied: an absolute URL, or a path of this server.
   * @default process.env.CLERK_PROXY_URL
   */
  proxyUrl?: ValueOrFunction<string> | undefined;

  /**
   * The URL of the sign-in page. Required (absolute) for satellites of a development instance.
   * @default process.env.CLERK_SIGN_IN_URL
   */
  signInUrl?: string | undefined;

  /** The URL of the sign-up page. */
  signUpUrl?: string | undefined;

  /** Where Clerk sends users after signing in, unless the way back says otherwise. */
  afterSignInUrl?: string | undefined;

  /** Where Clerk sends users after signing up, unless the way back says otherwise. */
  afterSignUpUrl?: string | undefined;

  /**
   * URLs that name an organization: it is activated by a handshake when a session arrives there with another one.
   * @example { organizationPatterns: ['/orgs/:slug', '/orgs/:slug/(.*)'], personalAccountPatterns: ['/me'] }
   */
  organizationSyncOptions?:
    { [Name in keyof OrganizationSyncOptions]: OrganizationSyncOptions[Name] | undefined } | undefined;

  /**
   * Whether a browser navigation may be redirected to Clerk to refresh its session. Switch it off for backends that
   * only serve an API: nothing is redirected then, and handshake parameters and cookies are ignored.
   * @default true
   */
  enableHandshake?: boolean | undefined;

  /**
   * The Backend API. Point it at a local Clerk in tests.
   * @default process.env.CLERK_API_URL, else 'https://api.clerk.com'
   */
  apiUrl?: string | undefined;

  /**
   * Version of the Backend API.
   * @default process.env.CLERK_API_VERSION, else 'v1'
   */
  apiVersion?: string | undefined;

  /**
   * A Clerk Backend client to use instead of the one built from these options. Both the guard and
   * `ClerkClientService` use it; it must have been created for the same instance.
   *
   * Its `authenticateRequest` is asked about every request that Clerk has to judge. Where a browser comes back from a
   * handshake, or an expired session is refreshed, its `clients.getHandshakePayload` and `sessions.refreshSession` are
   * called, and Clerk's own `authenticateRequest` judges what they bring. A client without these two is left to do it all.
   */
  clerkClient?: ClerkClient | undefined;

  /**
   * Clerk's SDK telemetry, which development instances send.
   * @default disabled and debug from process.env.CLERK_TELEMETRY_DISABLED and CLERK_TELEMETRY_DEBUG
   * @see https://clerk.com/docs/telemetry
   */
  telemetry?: { disabled?: boolean | undefined; debug?: boolean | undefined } | undefined;
}
