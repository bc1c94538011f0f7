import type { ClerkClient } from '@clerk/backend';

import { createClient } from '../client/clerk-client.service.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { ClerkCalls } from './clerk-calls.js';
import { ClerkAuthenticator } from './clerk.authenticator.js';
import { DirectAuthenticator } from './direct.authenticator.js';
import { NO_INSTANCE_KEYS, StaticInstanceKeys, type InstanceKeys } from './instance-keys.js';
import { RecentCallers } from './recent-callers.js';
import { RememberingAuthenticator } from './remembering.authenticator.js';
import { RemoteInstanceKeys } from './remote-instance-keys.js';
import { Verdicts } from './verdicts.js';

/** Everything that belongs to one Clerk instance. Nothing of it is ever shared with another. */
export interface ClerkInstance {
  readonly options: ResolvedClerkOptions;
  readonly client: ClerkClient;
  readonly calls: ClerkCalls;
  readonly authenticator: Authenticator;
}

/** Sets up what an instance needs: client, keys and authenticator. */
export function createInstance(
  options: ResolvedClerkOptions,
  client: ClerkClient = createClient(options),
  now: () => number = () => Date.now(),
): ClerkInstance {
  const calls = new ClerkCalls(options);
  const authenticator = createAuthenticator(options, client, keysOf(options, calls), now, calls);
  return { options, client, calls, authenticator };
}

/** The lanes to a verdict, the fastest first; each hands on what it cannot tell with certainty. */
export function createAuthenticator(
  options: ResolvedClerkOptions,
  client: ClerkClient,
  keys: InstanceKeys,
  now: () => number,
  calls: ClerkCalls = new ClerkCalls(options),
): Authenticator {
  const { verificationCache, directVerification } = options;
  let authenticator: Authenticator = new ClerkAuthenticator(options, client, keys, calls);
  if (directVerification) authenticator = new DirectAuthenticator(options, keys, authenticator, now);
  if (!verificationCache) return authenticator;
  const recent = new RecentCallers(verificationCache, now);
  const verdicts = new Verdicts(options, verificationCache, keys, now);
  return new RememberingAuthenticator(options, recent, verdicts, authenticator);
}

function keysOf(options: ResolvedClerkOptions, calls: ClerkCalls): InstanceKeys {
  if (options.jwtKey) return new StaticInstanceKeys(options.jwtKey);
  return options.machineOnly ? NO_INSTANCE_KEYS : new RemoteInstanceKeys(options, calls);
}
