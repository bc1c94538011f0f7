import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../authentication/credentials.js';
import type { Identity } from '../authentication/identity.js';
import type { Denial } from '../errors/denial.js';
import { asHttpException } from '../errors/exceptions.js';
import type { LogThrottle } from '../errors/log-throttle.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import { attachIdentity, type UserLoader } from './attachment.js';
import { callCarrier, rpcCall } from './call-carrier.js';
import { presentedCredentials, type Question } from './presented.js';
import { asRpcException, toRpcException } from './rpc-exception.js';
import type { Transport } from './transport.js';

/** Microservices, over whichever broker: who is calling, the application's extractor says, and never a payload. */
export class RpcTransport implements Transport {
  private readonly question: Question;

  constructor(
    { rpc }: Pick<ResolvedClerkOptions, 'rpc'>,
    private readonly throttle: LogThrottle,
  ) {
    this.question = {
      option: 'rpc.credentials',
      headers: ['authorization'],
      ask: (context) => rpc?.credentials(context),
    };
  }

  carrier(context: ExecutionContext): object {
    return callCarrier(rpcCall(context), context);
  }

  credentials(context: ExecutionContext): Credentials | Denial {
    const source = rpcCall(context);
    const place = { source, carrier: callCarrier(source, context) };
    return presentedCredentials(this.question, context, place, this.throttle);
  }

  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader): void {
    attachIdentity(this.carrier(context), identity, userLoader);
  }

  refuse(_context: ExecutionContext, denial: Denial): Error {
    return toRpcException(denial);
  }

  refuseWith(_context: ExecutionContext, error: Error, denial: Denial): Error {
    return asRpcException(asHttpException(error, denial), error);
  }
}
