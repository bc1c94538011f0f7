import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { ClerkTransportError } from '../../errors/clerk.errors.js';
import type { Denial, Outcome } from '../../errors/denial.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { TransportAdapter } from '../../options/transport-types.js';
import { isObject, type Call } from '../calls.js';
import { presentedCredentials, type CredentialsExtractor } from '../presented.js';
import type { Transport } from '../transport.js';
import { beginForeignCall } from './foreign-call.js';

/** A transport that the application defines with the option `transports`. */
export class AdaptedTransport implements Transport {
  readonly isForeign = true;
  private readonly extractor: CredentialsExtractor;

  constructor(
    private readonly type: string,
    private readonly adapter: TransportAdapter,
    private readonly throttle: LogThrottle,
  ) {
    this.extractor = {
      option: `transports.${type}.credentials`,
      headers: ['authorization', 'cookie', 'origin'],
      extract: (context) => adapter.credentials(context),
    };
  }

  carrier(context: ExecutionContext): Call {
    return beginForeignCall(context, this.findSource);
  }

  credentials(context: ExecutionContext): Outcome<Credentials> {
    return presentedCredentials(this.extractor, context, () => this.carrier(context), this.throttle);
  }

  deny(context: ExecutionContext, denial: Denial): Error {
    return this.adapter.deny?.(context, denial) ?? toHttpException(denial);
  }

  answer(host: ArgumentsHost, denial: Denial): never {
    // At runtime, Nest passes filters the same object as an ExecutionContext.
    throw this.deny(host as ExecutionContext, denial);
  }

  denyWith(_context: ExecutionContext, error: Error, denial: Denial): Error {
    // An adapter with its own `deny` has its own error types, and `onError` returns one of them.
    return this.adapter.deny ? error : asHttpException(error, denial);
  }

  /** The object must be one of the arguments. One that is created on each access cannot identify the call. */
  private readonly findSource = (context: ExecutionContext): object => {
    const call: unknown = this.adapter.call(context);
    if (isObject(call) && context.getArgs<unknown[]>().includes(call)) return call;
    throw new ClerkTransportError(
      this.type,
      `transports.${this.type}.call(context) must return an object that is among context.getArgs()`,
    );
  };
}
