import type { ClerkClient } from '@clerk/backend';

import { createClient } from '../client/clerk-client.service.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Authenticator } from './authenticator.js';
import { ClerkAuthenticator } from './clerk.authenticator.js';
import { RemoteInstanceKeys, StaticInstanceKeys } from './instance-keys.js';

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
  const keys = options.jwtKey ? new StaticInstanceKeys(options.jwtKey) : new RemoteInstanceKeys(options);
  return { options, client, authenticator: new ClerkAuthenticator(options, client, keys) };
}
