import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { ClerkTransportError } from '../../errors/clerk.errors.js';
import type { Denial } from '../../errors/denial.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import { CallCredentials } from '../call.credentials.js';
import type { Call } from '../calls.js';
import type { Transport } from '../transport.js';
import { beginForeignCall } from './foreign-call.js';

/**
 * Calls whose credentials are not known: those of a type that the option `transports` skips, or that has no adapter. Only
 * handlers that need no credentials run.
 */
export class SkippedTransport implements Transport {
  readonly isForeign = true;

  /** @param isSkipped Whether the option skips the type. If it has no adapter, only handlers with `@SkipAuth()` run. */
  constructor(
    private readonly type: string,
    readonly isSkipped: boolean,
  ) {}

  carrier(context: ExecutionContext): Call {
    return beginForeignCall(context);
  }

  /**
   * None. A call that gets here is denied, because the policy of its handler has a problem.
   * @throws ClerkTransportError if the type has no adapter
   */
  credentials(context: ExecutionContext): Credentials {
    if (!this.isSkipped) throw new ClerkTransportError(this.type);
    const call = this.carrier(context);
    return new CallCredentials({}, call.source, call);
  }

  deny(_context: ArgumentsHost, denial: Denial): Error {
    return toHttpException(denial);
  }

  denyWith(_context: ExecutionContext, error: Error, denial: Denial): Error {
    return asHttpException(error, denial);
  }

  answer(host: ArgumentsHost, denial: Denial): never {
    throw this.deny(host, denial);
  }
}
