import type { ClerkClient } from '@clerk/backend';

import { createClient } from '../client/clerk-client.service.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { ClerkAuthenticator } from './clerk.authenticator.js';
import { NO_INSTANCE_KEYS, RemoteInstanceKeys, StaticInstanceKeys, type InstanceKeys } from './instance-keys.js';

/** Everything that belongs to one Clerk instance. Nothing of it is ever shared with another. */
export interface ClerkInstance {
  readonly options: ResolvedClerkOptions;
  readonly client: ClerkClient;
  readonly authenticator: Authenticator;
}

/** Sets up what an instance needs: client, keys and authenticator. */
export function createInstance(
  options: ResolvedClerkOptions,
  client: ClerkClient = createClient(options),
): ClerkInstance {
  return { options, client, authenticator: new ClerkAuthenticator(options, client, keysOf(options)) };
}

function keysOf(options: ResolvedClerkOptions): InstanceKeys {
  if (options.jwtKey) return new StaticInstanceKeys(options.jwtKey);
  return options.machineOnly ? NO_INSTANCE_KEYS : new RemoteInstanceKeys(options);
}
