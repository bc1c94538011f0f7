import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type { Observable } from 'rxjs';

import type { Credentials } from '../authentication/identity/credentials.js';
import type { Identity } from '../authentication/identity/identity.js';
import type { Denial, Outcome } from '../errors/denial.js';
import type { UserLoader } from './attachment.js';

/** An identity that is being attached to a call. */
export interface Attachment {
  readonly identity: Identity;
  /** Absent if the call is not authorized, so that it does not count as guarded. */
  readonly userLoader: UserLoader | undefined;
  /** The credentials that the identity was found by. */
  readonly credentials: Credentials;
  /** The identity that was attached before, if the guard runs twice. */
  readonly previous: Identity | undefined;
  /** Whether the carrier of the credentials stores the identity. A frozen object does not. */
  readonly isStored: boolean;
}

/** How a transport carries credentials, stores the identity and answers a denial. */
export interface Transport {
  /** Whether a framework other than Nest routes the calls. */
  readonly isForeign: boolean;

  /** Whether the application says that its calls carry no credentials, so that handlers run as with `@SkipAuth()`. */
  readonly isSkipped?: boolean;

  /** The object that stores the identity of the call. Registers the call if its transport has no such object. */
  carrier(context: ExecutionContext): object;

  /** The credentials of the caller, or a denial if the request is malformed. */
  credentials(context: ExecutionContext): Outcome<Credentials>;

  /**
   * Runs after the guard has stored the identity on the carrier of the credentials: attaches it to more objects, sends
   * Clerk's response headers to the client.
   * @param call What is attached to the call.
   * @throws ClerkTransportError if the transport needs what its carrier cannot store
   */
  attach?(context: ExecutionContext, call: Attachment): void;

  /** The error that makes Nest deny the call, in the format of this transport. */
  deny(context: ExecutionContext, denial: Denial): Error;

  /** The same, with an error of the application instead of the default. */
  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error;

  /**
   * Answers an error of a handler in an exception filter.
   * @returns what the filter returns; where a filter has to throw, it throws
   */
  answer(host: ArgumentsHost, denial: Denial): Observable<never> | void;

  /** Runs once, when the application has started. */
  onApplicationBootstrap?(): void;

  /**
   * Answers a call directly if Nest does not handle its errors.
   * @returns a promise that never settles, so that the handler does not run; `undefined` if the error must be thrown
   */
  endCall?(context: ExecutionContext, error: Error): Promise<never> | undefined;
}
