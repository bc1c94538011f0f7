import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import type { Identity } from '../../authentication/identity/identity.js';
import { ClerkTransportError } from '../../errors/clerk.errors.js';
import type { Denial } from '../../errors/denial.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { TransportAdapter } from '../../options/transport-options.js';
import { attachIdentity, type UserLoader } from '../attachment.js';
import { beginCall, callIn, isObject, type Call } from '../calls.js';
import { presentedCredentials, type CredentialsExtractor } from '../presented.js';
import type { Transport } from '../transport.js';

/** More than any framework calls handlers with: a handler without parameter decorators is given all arguments. */
const PLACES_READ = 8;

/** A kind of call that the application itself has taught us: see the option `transports`. */
export class AdaptedTransport implements Transport {
  readonly isForeign = true;
  private readonly question: CredentialsExtractor;

  constructor(
    private readonly type: string,
    private readonly adapter: TransportAdapter,
    private readonly throttle: LogThrottle,
  ) {
    this.question = {
      option: `transports.${type}.credentials`,
      headers: ['authorization', 'cookie', 'origin'],
      extract: (context) => adapter.credentials(context),
    };
  }

  carrier(context: ExecutionContext): Call {
    const args = context.getArgs<unknown[]>();
    const known = callIn(args);
    if (known?.args === args) return known;
    const source = this.call(context);
    return beginCall(args, { source, place: (length) => Math.max(PLACES_READ, length), landmark: source });
  }

  credentials(context: ExecutionContext): Credentials | Denial {
    return presentedCredentials(this.question, context, () => this.carrier(context), this.throttle);
  }

  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader | undefined): void {
    attachIdentity(this.carrier(context), identity, userLoader);
  }

  deny(context: ExecutionContext, denial: Denial): Error {
    return this.adapter.deny?.(context, denial) ?? toHttpException(denial);
  }

  denyWith(_context: ExecutionContext, error: Error, denial: Denial): Error {
    // An adapter that speaks for itself has errors of its own, which the application's `onError` knows.
    return this.adapter.deny ? error : asHttpException(error, denial);
  }

  /** Among the arguments: what is made up anew each time stands for nothing. */
  private call(context: ExecutionContext): object {
    const call: unknown = this.adapter.call(context);
    if (isObject(call) && context.getArgs<unknown[]>().includes(call)) return call;
    throw new ClerkTransportError(
      this.type,
      `transports.${this.type}.call(context) must answer an object that is among context.getArgs()`,
    );
  }
}
