import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../authentication/credentials.js';
import type { Identity } from '../authentication/identity.js';
import type { Denial } from '../errors/denial.js';
import type { UserLoader } from './attachment.js';

/** How one transport of Nest carries credentials, where the identity is kept, and how a refusal is spoken. */
export interface Transport {
  /** The object that lives as long as the request does; identities are kept on it. */
  carrier(context: ExecutionContext): object;

  /**
   * What the caller presents, or the denial of a request that cannot be read.
   */
  credentials(context: ExecutionContext): Credentials | Denial;

  /** Makes the identity known to the handler, and to the client what Clerk wants to tell it. */
  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader): void;

  /** The error that makes Nest refuse the call in this transport's way. */
  refuse(context: ExecutionContext, denial: Denial): Error;

  /** The same where the application says with which error, in place of what the denial says. */
  refuseWith(context: ExecutionContext, error: Error, denial: Denial): Error;
}
