import type { ClerkModuleOptions } from './clerk-options.js';
import type { RequestOptions } from './tenant-options.js';
import * as keyCheck from './key-checks.js';
import * as check from './option-checks.js';
import { origins } from './origin-checks.js';
import * as transportCheck from './transport-checks.js';

/** One row per option: its environment variable, its default and its check. */
export interface OptionRow {
  readonly env?: string;
  readonly fallback?: unknown;
  readonly check: check.Check;
  /** Parses the environment variable. */
  readonly parse?: (text: string) => unknown;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

const parseBoolean = (text: string): unknown => BOOLEANS.get(text.toLowerCase()) ?? text;

/** All options: a name without a row here is rejected. */
export const OPTION_TABLE: { readonly [Name in keyof ClerkModuleOptions]-?: OptionRow } = {
  publishableKey: { env: 'CLERK_PUBLISHABLE_KEY', check: keyCheck.publishableKey },
  secretKey: { env: 'CLERK_SECRET_KEY', check: keyCheck.secretKey },
  machineSecretKey: { env: 'CLERK_MACHINE_SECRET_KEY', check: keyCheck.machineSecretKey },
  jwtKey: { env: 'CLERK_JWT_KEY', check: keyCheck.publicKeyPem },
  audience: { check: check.audience },
  requireAudience: { fallback: false, check: check.boolean },
  authorizedParties: { check: origins },
  allowMissingAzp: { fallback: false, check: check.boolean },
  treatPendingAsSignedOut: { fallback: true, check: check.boolean },
  clockSkewInMs: { fallback: 5_000, check: check.milliseconds(0) },
  timeoutInMs: { fallback: 5_000, check: check.milliseconds(1) },
  maxRetries: { fallback: 1, check: check.count(0, 10) },
  maxPendingCalls: { fallback: 250, check: check.count(1, 1_000_000) },
  staleKeysInMs: { fallback: 3_600_000, check: check.milliseconds(0) },
  domain: { env: 'CLERK_DOMAIN', check: check.orFunction(check.hostname) },
  isSatellite: {
    env: 'CLERK_IS_SATELLITE',
    fallback: false,
    check: check.orFunction(check.boolean),
    parse: parseBoolean,
  },
  satelliteAutoSync: { check: check.boolean },
  proxyUrl: { env: 'CLERK_PROXY_URL', check: check.orFunction(check.urlOrPath) },
  signInUrl: { env: 'CLERK_SIGN_IN_URL', check: check.urlOrPath },
  signUpUrl: { check: check.urlOrPath },
  afterSignInUrl: { check: check.urlOrPath },
  afterSignUpUrl: { check: check.urlOrPath },
  organizationSyncOptions: { check: check.organizationSyncOptions },
  enableHandshake: { fallback: true, check: check.boolean },
  apiUrl: { env: 'CLERK_API_URL', fallback: 'https://api.clerk.com', check: check.absoluteUrl },
  apiVersion: { env: 'CLERK_API_VERSION', fallback: 'v1', check: check.nonEmptyString },
  clerkClient: { check: check.clerkClient },
  redirectToSignIn: { fallback: false, check: check.boolean },
  onError: { check: check.functionOnly },
  resolveOptions: { check: check.functionOnly },
  endStreamsOnExpiry: { fallback: false, check: check.boolean },
  rpc: { check: transportCheck.rpc },
  graphql: { check: transportCheck.graphql },
  transports: { check: transportCheck.transports },
  frontendApiProxy: { check: check.frontendApiProxy },
  webSocket: { fallback: {}, check: transportCheck.webSocket },
  verificationCache: { fallback: true, check: check.verificationCache },
  currentUserCache: { fallback: true, check: check.currentUserCache },
  directVerification: { fallback: true, check: check.boolean },
  explainDenials: { fallback: false, check: check.boolean },
  debug: { fallback: false, check: check.boolean },
  telemetry: { check: check.telemetry },
  protection: { fallback: 'strict', check: check.oneOf('strict', 'lax') },
};

/** Options without which no caller can be authenticated. */
export const REQUIRED_OPTIONS = ['publishableKey', 'secretKey'] as const;

/** Options that identify the Clerk instance; never mixed from two sources. */
export const INSTANCE_OPTIONS = ['publishableKey', 'secretKey', 'machineSecretKey', 'jwtKey', 'clerkClient'] as const;

/** Options of the whole module, which `resolveOptions` must not return. */
export const MODULE_OPTIONS = [
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
] as const satisfies readonly Exclude<keyof ClerkModuleOptions, keyof RequestOptions>[];
