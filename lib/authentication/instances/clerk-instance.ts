import type { ClerkClient } from '@clerk/backend';

import { createClient, lazyClient, type GetClient } from '../../client/clerk-client.service.js';
import { isClientOnly } from '../../options/client-only.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { Authenticator } from '../lanes/authenticator.js';
import { ClerkCalls } from '../../client/clerk-calls.js';
import { ClerkAuthenticator } from '../lanes/clerk.authenticator.js';
import { AnonymousAuthenticator } from '../lanes/anonymous.authenticator.js';
import { ClientOnlyAuthenticator } from '../lanes/client-only.authenticator.js';
import { DirectAuthenticator } from '../lanes/direct.authenticator.js';
import { EMPTY_KEY_SET, StaticKeySet, type KeySet } from '../keys/key-set.js';
import { HotCache } from '../cache/hot-cache.js';
import { CachedAuthenticator } from '../lanes/cached.authenticator.js';
import { RemoteKeySet } from '../keys/remote-key-set.js';
import { SessionIdentities } from '../identity/session-identity.js';
import { SignedOutIdentities } from '../identity/signed-out-identities.js';
import { UserCache } from './user-cache.js';
import { VerificationCache } from '../cache/verification-cache.js';

/**
 * Everything that belongs to one Clerk instance. Instances share keys, calls and clients only with equal options, and
 * never share caches.
 */
export interface ClerkInstance {
  readonly options: ResolvedClerkOptions;
  /** Built when it is first used. */
  readonly client: ClerkClient;
  readonly calls: ClerkCalls;
  readonly authenticator: Authenticator;
  readonly users: UserCache;
  /** Clears the caches. Requests in flight still complete. */
  close(): void;
}

/** All options that keys and calls depend on. Instances with equal values share them. */
export const BACKEND_OPTIONS = [
  ...(['secretKey', 'machineSecretKey', 'machineOnly', 'jwtKey', 'apiUrl', 'apiVersion'] as const),
  ...(['timeoutInMs', 'maxRetries', 'maxPendingCalls', 'staleKeysInMs'] as const),
] as const satisfies readonly (keyof ResolvedClerkOptions)[];

/** Restricts shared parts to the listed options: code that uses another one does not compile until it is listed. */
type BackendOptions = Pick<ResolvedClerkOptions, (typeof BACKEND_OPTIONS)[number]>;

/** The Backend API of one Clerk instance: its published keys, and the limits on calls to it. */
export interface ClerkBackend {
  readonly calls: ClerkCalls;
  readonly keys: KeySet;
}

export function createBackend(options: BackendOptions): ClerkBackend {
  const calls = new ClerkCalls(options);
  return { calls, keys: createKeySet(options, calls) };
}

/**
 * Creates the keys, authenticator and user cache of an instance, and its client when it is needed.
 *
 * @param backend May be shared by instances with equal {@link BACKEND_OPTIONS}.
 */
export function createInstance(
  options: ResolvedClerkOptions,
  getClient: GetClient = lazyClient(() => createClient(options)),
  now: () => number = () => Date.now(),
  { calls, keys }: ClerkBackend = createBackend(options),
): ClerkInstance {
  const authenticator = createAuthenticator(options, getClient, keys, now, calls);
  const users = new UserCache(options, getClient, calls, now);
  const close = () => {
    authenticator.close?.();
    users.close();
  };
  return {
    ...{ options, calls, authenticator, users, close },
    get client() {
      return getClient();
    },
  };
}

/** Builds the chain of authenticators, fastest first. Each passes on what it cannot decide with certainty. */
export function createAuthenticator(
  options: ResolvedClerkOptions,
  getClient: GetClient,
  keys: KeySet,
  now: () => number,
  calls: ClerkCalls = new ClerkCalls(options),
): Authenticator {
  if (isClientOnly(options)) return new ClientOnlyAuthenticator();
  const { verificationCache, directVerification } = options;
  const [sessions, signedOut] = [new SessionIdentities(options), new SignedOutIdentities()];
  let authenticator: Authenticator = new ClerkAuthenticator(options, getClient, keys, calls, now);
  if (directVerification) {
    authenticator = new DirectAuthenticator(options, keys, sessions, signedOut, authenticator, now);
  }
  if (!verificationCache) return authenticator;
  const hotCache = new HotCache(verificationCache, now);
  const cache = new VerificationCache(options, verificationCache, keys, sessions, now);
  authenticator = new CachedAuthenticator(options, hotCache, cache, authenticator);
  return new AnonymousAuthenticator(options, signedOut, authenticator);
}

function createKeySet(options: BackendOptions, calls: ClerkCalls): KeySet {
  if (options.jwtKey) return new StaticKeySet(options.jwtKey);
  return options.machineOnly ? EMPTY_KEY_SET : new RemoteKeySet(options, calls);
}
