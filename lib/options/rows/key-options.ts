import type { ClerkClient } from '@clerk/backend';

import { machineSecretKey, publicKeyPem, publishableKey, readPublicKey, secretKey } from '../key-checks.js';
import { boolean, fields, nonEmptyString, type Check } from '../option-checks.js';
import { option } from '../option-row.js';
import { absoluteUrl } from '../url-checks.js';

const clerkClient: Check<ClerkClient> = (value) =>
  typeof (value as { authenticateRequest?: unknown }).authenticateRequest === 'function'
    ? undefined
    : "must be a client made with createClerkClient() of '@clerk/backend'";

const isTruthy = (value: string | undefined) => value === 'true' || value === '1';

/** Which Clerk instance is used, and how its Backend API is reached. */
export const KEY_OPTIONS = {
  /**
   * The publishable key of the Clerk instance: `pk_test_…` or `pk_live_…`.
   * @default process.env.CLERK_PUBLISHABLE_KEY
   */
  publishableKey: option({
    scope: 'instance',
    env: 'CLERK_PUBLISHABLE_KEY',
    required: true,
    check: publishableKey,
    // Empty if the module has no instance of its own, or only a machine secret key.
    resolve: (key = '') => key,
  }),

  /**
   * The secret key of the Clerk instance: `sk_test_…` or `sk_live_…`. Never send it to a browser.
   * @default process.env.CLERK_SECRET_KEY
   */
  secretKey: option({
    scope: 'instance',
    env: 'CLERK_SECRET_KEY',
    required: true,
    secret: true,
    check: secretKey,
    // Empty in the same cases.
    resolve: (key = '') => key,
  }),

  /**
   * The secret key of one machine (`ask_…`). Verifies M2M tokens meant for that machine, in place of `secretKey`. An
   * application that accepts nothing but M2M tokens needs no other key.
   * @default process.env.CLERK_MACHINE_SECRET_KEY
   */
  machineSecretKey: option({
    scope: 'instance',
    env: 'CLERK_MACHINE_SECRET_KEY',
    secret: true,
    check: machineSecretKey,
  }),

  /**
   * The instance's public key in PEM format. Session tokens are then verified without network. Key rotation needs a new
   * value. Without it, the keys are fetched from the Backend API.
   * @default process.env.CLERK_JWT_KEY
   */
  jwtKey: option({
    scope: 'instance',
    env: 'CLERK_JWT_KEY',
    check: publicKeyPem,
    resolve: (pem) => (pem === undefined ? undefined : readPublicKey(pem)),
  }),

  /**
   * Your own Backend client, used by the guard and by `ClerkClientService` instead of one built from these options. It
   * must belong to the same instance.
   *
   * Its `authenticateRequest` is called for every request that Clerk has to verify. When a browser returns from a
   * handshake or an expired session is refreshed, its `clients.getHandshakePayload` and `sessions.refreshSession` are
   * called, and Clerk's own `authenticateRequest` verifies the result. A client without these two does it all itself.
   */
  clerkClient: option({ scope: 'instance', byIdentity: true, check: clerkClient }),

  /**
   * The URL of Clerk's Backend API. Point it at a local Clerk in tests.
   * @default process.env.CLERK_API_URL, else 'https://api.clerk.com'
   */
  apiUrl: option({ scope: 'request', env: 'CLERK_API_URL', default: 'https://api.clerk.com', check: absoluteUrl }),

  /**
   * The version of the Backend API.
   * @default process.env.CLERK_API_VERSION, else 'v1'
   */
  apiVersion: option({ scope: 'request', env: 'CLERK_API_VERSION', default: 'v1', check: nonEmptyString }),

  /**
   * Telemetry of Clerk's SDK, which development instances send. Defaults to the environment variables
   * `CLERK_TELEMETRY_DISABLED` and `CLERK_TELEMETRY_DEBUG`.
   * @see https://clerk.com/docs/telemetry
   */
  telemetry: option({
    scope: 'request',
    check: fields<{ disabled?: boolean | undefined; debug?: boolean | undefined }>({
      disabled: boolean,
      debug: boolean,
    }),
    resolve: (given, { env }): { readonly disabled?: boolean; readonly debug?: boolean } => ({
      disabled: given?.disabled ?? isTruthy(env.CLERK_TELEMETRY_DISABLED),
      debug: given?.debug ?? isTruthy(env.CLERK_TELEMETRY_DEBUG),
    }),
  }),
};
