import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import type { Identity } from '../../authentication/identity/identity.js';
import type { Denial } from '../../errors/denial.js';
import { asHttpException } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { attachIdentity, type UserLoader } from '../attachment.js';
import { beginCall, isObject, type Call } from '../calls.js';
import { endGrpcStreamCall, grpcCallOf } from './grpc.call.js';
import { presentedCredentials, type CredentialsExtractor } from '../presented.js';
import { rpcErrorFor } from './rpc.denial.js';
import type { RpcExceptions } from './rpc-exception.js';
import type { Transport } from '../transport.js';
import { markUnanswered } from './unanswered.js';

/** Nest reads the payload, the context, and of gRPC the call. */
const PLACES_READ = 3;

/** Microservices, over whichever broker: who is calling, the application's extractor says, and never a payload. */
export class RpcTransport implements Transport {
  readonly isForeign = false;
  private readonly question: CredentialsExtractor;

  constructor(
    { rpc }: Pick<ResolvedClerkOptions, 'rpc'>,
    private readonly throttle: LogThrottle,
    private readonly exceptions: RpcExceptions,
  ) {
    this.question = {
      option: 'rpc.credentials',
      headers: ['authorization'],
      extract: (context) => rpc?.credentials(context),
    };
  }

  carrier(context: ExecutionContext): Call {
    const args = context.getArgs<unknown[]>();
    const [payload, own] = args;
    return beginCall(args, {
      // A transport strategy of the application's own may give no context. The arguments are never the payload itself.
      source: grpcCallOf(args)?.metadata ?? (isObject(own) ? own : args),
      place: (length) => Math.max(PLACES_READ, length),
      // It may also give the same one with every message; Nest's own strategies make one for each.
      landmark: isContextOfNest(own) ? own : isObject(payload) ? payload : undefined,
    });
  }

  credentials(context: ExecutionContext): Credentials | Denial {
    return presentedCredentials(this.question, context, () => this.carrier(context), this.throttle);
  }

  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader | undefined): void {
    attachIdentity(this.carrier(context), identity, userLoader);
  }

  deny(context: ExecutionContext, denial: Denial): Error {
    return rpcErrorFor(context, denial, this.exceptions);
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    const exception = this.exceptions.replacing(error, asHttpException(error, denial), grpcCallOf(context.getArgs()));
    // The application may throw one and the same error again elsewhere, so it carries no mark.
    return exception === error ? error : markUnanswered(context, exception);
  }

  endCall(context: ExecutionContext, error: Error): Promise<never> | undefined {
    return endGrpcStreamCall(context.getArgs(), error);
  }
}

/** The base class of Nest's contexts comes with an optional package, so they are told by its methods. */
function isContextOfNest(value: unknown): value is object {
  if (!isObject(value)) return false;
  try {
    const { getArgs, getArgByIndex } = value as Partial<Record<'getArgs' | 'getArgByIndex', unknown>>;
    return typeof getArgs === 'function' && typeof getArgByIndex === 'function';
  } catch {
    return false;
  }
}
