import type { ClerkClient } from '@clerk/backend';

import { createClient } from '../client/clerk-client.service.js';
import { isClientOnly } from '../options/client-only.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { ClerkCalls } from './clerk-calls.js';
import { ClerkAuthenticator } from './clerk.authenticator.js';
import { ClientOnlyAuthenticator } from './client-only.authenticator.js';
import { DirectAuthenticator } from './direct.authenticator.js';
import { NO_INSTANCE_KEYS, StaticInstanceKeys, type InstanceKeys } from './instance-keys.js';
import { RecentCallers } from './recent-callers.js';
import { RememberingAuthenticator } from './remembering.authenticator.js';
import { RemoteInstanceKeys } from './remote-instance-keys.js';
import { UserCache } from './user-cache.js';
import { Verdicts } from './verdicts.js';

/** Everything that belongs to one Clerk instance. Nothing of it is ever shared with another. */
export interface ClerkInstance {
  readonly options: ResolvedClerkOptions;
  readonly client: ClerkClient;
  readonly calls: ClerkCalls;
  readonly authenticator: Authenticator;
  readonly users: UserCache;
  /** Forgets what was remembered. Requests that are under way still get their answers. */
  close(): void;
}

/** All options that keys and calls depend on: where they are equal, it is the same Clerk instance with the same bounds. */
export const BACKEND_OPTIONS = [
  ...(['secretKey', 'machineSecretKey', 'machineOnly', 'jwtKey', 'apiUrl', 'apiVersion'] as const),
  ...(['timeoutInMs', 'maxRetries', 'maxPendingCalls', 'staleKeysInMs'] as const),
] as const satisfies readonly (keyof ResolvedClerkOptions)[];

/** The type keeps what is shared from depending on any other option: a new dependency does not compile until it is listed. */
type BackendOptions = Pick<ResolvedClerkOptions, (typeof BACKEND_OPTIONS)[number]>;

/** The Backend API of one Clerk instance: the keys that it publishes, and the bounds on calls to it. */
export interface ClerkBackend {
  readonly calls: ClerkCalls;
  readonly keys: InstanceKeys;
}

export function createBackend(options: BackendOptions): ClerkBackend {
  const calls = new ClerkCalls(options);
  return { calls, keys: keysOf(options, calls) };
}

/**
 * Sets up what an instance needs: client, keys and authenticator.
 *
 * @param backend May be shared by instances that agree in {@link BACKEND_OPTIONS}.
 */
export function createInstance(
  options: ResolvedClerkOptions,
  client: ClerkClient = createClient(options),
  now: () => number = () => Date.now(),
  { calls, keys }: ClerkBackend = createBackend(options),
): ClerkInstance {
  const authenticator = createAuthenticator(options, client, keys, now, calls);
  const users = new UserCache(options, client, calls, now);
  const close = () => {
    authenticator.close?.();
    users.close();
  };
  return { options, client, calls, authenticator, users, close };
}

/** The lanes to a verdict, the fastest first; each hands on what it cannot tell with certainty. */
export function createAuthenticator(
  options: ResolvedClerkOptions,
  client: ClerkClient,
  keys: InstanceKeys,
  now: () => number,
  calls: ClerkCalls = new ClerkCalls(options),
): Authenticator {
  if (isClientOnly(options)) return new ClientOnlyAuthenticator();
  const { verificationCache, directVerification } = options;
  let authenticator: Authenticator = new ClerkAuthenticator(options, client, keys, calls, now);
  if (directVerification) authenticator = new DirectAuthenticator(options, keys, authenticator, now);
  if (!verificationCache) return authenticator;
  const recent = new RecentCallers(verificationCache, now);
  const verdicts = new Verdicts(options, verificationCache, keys, now);
  return new RememberingAuthenticator(options, recent, verdicts, authenticator);
}

function keysOf(options: BackendOptions, calls: ClerkCalls): InstanceKeys {
  if (options.jwtKey) return new StaticInstanceKeys(options.jwtKey);
  return options.machineOnly ? NO_INSTANCE_KEYS : new RemoteInstanceKeys(options, calls);
}
