import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../authentication/identity/credentials.js';
import type { Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import type { UserLoader } from './attachment.js';

/** How one transport of Nest carries credentials, where the identity is kept, and how a refusal is spoken. */
export interface Transport {
  /** Whether another framework than Nest routes its calls. */
  readonly isForeign: boolean;

  /** The object that lives as long as the call does; its identity is kept on it. */
  carrier(context: ExecutionContext): object;

  /**
   * What the caller presents, or the denial of a request that cannot be read.
   */
  credentials(context: ExecutionContext): Credentials | Denial;

  /**
   * Makes the identity known to the handler, and to the client what Clerk wants to tell it.
   * @param userLoader Absent where no handler is judged, so that nobody takes the call for one that is.
   * @param credentials By which the identity was found.
   */
  attach(
    context: ExecutionContext,
    identity: Identity,
    userLoader: UserLoader | undefined,
    credentials: Credentials,
  ): void;

  /** The error that makes Nest refuse the call in this transport's way. */
  deny(context: ExecutionContext, denial: Denial): Error;

  /** The same with an error of the application's own in place of the denial's. */
  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error;

  /**
   * Answers a call itself whose errors Nest does not handle; the promise never settles, so that no handler runs.
   * `undefined` where the error is to be thrown.
   */
  endCall?(context: ExecutionContext, error: Error): Promise<never> | undefined;
}
