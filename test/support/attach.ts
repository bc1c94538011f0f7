import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../lib/authentication/identity/credentials.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import { attachedIdentity, attachIdentity, type UserLoader } from '../../lib/transports/attachment.js';
import type { Transport } from '../../lib/transports/transport.js';

export const USER_LOADER: UserLoader = { load: () => Promise.reject(new Error('nobody asks')) };

/** Attaches an identity as the guard does, with the credentials of the call. */
export function attachToCall(
  transport: Transport,
  context: ExecutionContext,
  identity: Identity,
  credentials = transport.credentials(context) as Credentials,
): void {
  const previous = attachedIdentity(credentials.carrier);
  const isStored = attachIdentity(credentials.carrier, identity, USER_LOADER);
  transport.attach?.(context, { identity, userLoader: USER_LOADER, credentials, previous, isStored });
}
