import type { ClerkClient } from '@clerk/backend';

/** What a handler that says nothing gets: `strict` demands a signed-in caller, `lax` only looks. */
export type DefaultProtection = 'strict' | 'lax';

/**
 * Options of `ClerkModule.forRoot()`.
 *
 * Each is taken from here, else from its environment variable, else from its default. They are read when the
 * application boots, so a `.env` that ConfigModule loads is seen.
 *
 * @see https://clerk.com/docs/guides/development/clerk-environment-variables
 */
export interface ClerkModuleOptions {
  /**
   * The publishable key of the Clerk instance: `pk_test_…` or `pk_live_…`.
   * @default process.env.CLERK_PUBLISHABLE_KEY
   */
  publishableKey?: string;

  /**
   * The secret key of the Clerk instance: `sk_test_…` or `sk_live_…`. Never send it to a browser.
   * @default process.env.CLERK_SECRET_KEY
   */
  secretKey?: string;

  /**
   * The secret key of one machine (`ask_…`), used instead of `secretKey` to verify M2M tokens meant for that machine.
   * @default process.env.CLERK_MACHINE_SECRET_KEY
   */
  machineSecretKey?: string;

  /**
   * The instance's public key in PEM format. With it no key is ever fetched: session tokens verify without network,
   * and a key rotation needs a new value here.
   * @default process.env.CLERK_JWT_KEY; without it the keys are fetched from the Backend API
   */
  jwtKey?: string;

  /** Accepted values of the `aud` claim. As Clerk does, a session token without `aud` is not held to it. */
  audience?: string | string[];

  /**
   * Origins whose frontends may call: the `azp` claim of a session token must be one of them. Protects from cookies
   * leaked to a sibling subdomain. Machine tokens carry no `azp` and are not held to it.
   * @example ['https://app.example.com', 'http://localhost:3000']
   */
  authorizedParties?: string[];

  /**
   * Clock difference to Clerk that is tolerated, in milliseconds.
   * @default 5000
   */
  clockSkewInMs?: number;

  /**
   * The longest that one request waits for Clerk, in milliseconds; then it is answered 503.
   * @default 5000
   */
  timeoutInMs?: number;

  /**
   * The domain of a satellite application, without scheme.
   * @default process.env.CLERK_DOMAIN
   */
  domain?: string;

  /**
   * Whether this application is a satellite: its users sign in on another domain.
   * @default process.env.CLERK_IS_SATELLITE
   */
  isSatellite?: boolean;

  /**
   * Where Clerk's Frontend API is proxied: an absolute URL, or a path of this server.
   * @default process.env.CLERK_PROXY_URL
   */
  proxyUrl?: string;

  /**
   * The URL of the sign-in page. Required (absolute) for satellites of a development instance.
   * @default process.env.CLERK_SIGN_IN_URL
   */
  signInUrl?: string;

  /**
   * The Backend API. Point it at a local Clerk in tests.
   * @default process.env.CLERK_API_URL, else 'https://api.clerk.com'
   */
  apiUrl?: string;

  /**
   * Version of the Backend API.
   * @default process.env.CLERK_API_VERSION, else 'v1'
   */
  apiVersion?: string;

  /**
   * A Clerk Backend client to use instead of the one built from these options. Both the guard and
   * `ClerkClientService` use it; it must have been created for the same instance.
   */
  clerkClient?: ClerkClient;

  /**
   * Clerk's SDK telemetry, which development instances send.
   * @default disabled and debug from process.env.CLERK_TELEMETRY_DISABLED and CLERK_TELEMETRY_DEBUG
   * @see https://clerk.com/docs/telemetry
   */
  telemetry?: { disabled?: boolean; debug?: boolean };

  /**
   * What handlers without a protection decorator get: `strict` denies unless somebody is signed in; `lax` lets
   * everybody through and only says who is calling.
   * @default 'strict'
   */
  protection?: DefaultProtection;
}

/** What `useClass` and `useExisting` of `forRootAsync()` must provide. */
export interface ClerkOptionsFactory {
  createClerkOptions(): ClerkModuleOptions | Promise<ClerkModuleOptions>;
}

/** Options after environment, defaults and validation; frozen. */
export interface ResolvedClerkOptions {
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly machineSecretKey: string | undefined;
  readonly jwtKey: string | undefined;
  readonly audience: string | readonly string[] | undefined;
  readonly authorizedParties: readonly string[] | undefined;
  readonly clockSkewInMs: number;
  readonly timeoutInMs: number;
  readonly domain: string | undefined;
  readonly isSatellite: boolean;
  readonly proxyUrl: string | undefined;
  readonly signInUrl: string | undefined;
  readonly apiUrl: string;
  readonly apiVersion: string;
  readonly clerkClient: ClerkClient | undefined;
  readonly protection: DefaultProtection;
  readonly telemetry: { readonly disabled?: boolean; readonly debug?: boolean };
}

/** Injection token of {@link ResolvedClerkOptions}. */
export const CLERK_OPTIONS = Symbol.for('nest-clerk:options');
