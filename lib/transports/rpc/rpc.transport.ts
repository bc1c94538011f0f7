import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

import type { Credentials } from '../../authentication/identity/credentials.js';
import type { Denial, Outcome } from '../../errors/denial.js';
import { asHttpException, bodyOf } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { beginCall, callOf, isObject, type Call } from '../calls.js';
import { endGrpcStreamCall, grpcCallOf, grpcErrorOf } from './grpc.call.js';
import { presentedCredentials, type CredentialsExtractor } from '../presented.js';
import { rpcErrorFor } from './rpc.denial.js';
import type { RpcExceptions } from './rpc-exception.js';
import type { Transport } from '../transport.js';
import { markUnanswered } from './unanswered.js';

/** Nest reads the payload, the context and, over gRPC, the call. */
const MAX_ARGUMENTS = 3;

/**
 * Microservices, over any broker. The application's extractor provides the credentials; payloads are never read.
 */
export class RpcTransport implements Transport {
  readonly isForeign = false;
  private readonly extractor: CredentialsExtractor;

  constructor(
    { rpc }: Pick<ResolvedClerkOptions, 'rpc'>,
    private readonly throttle: LogThrottle,
    private readonly exceptions: RpcExceptions,
  ) {
    this.extractor = {
      option: 'rpc.credentials',
      headers: ['authorization'],
      extract: (context) => rpc?.credentials(context),
    };
  }

  carrier(context: ExecutionContext): Call {
    const args = context.getArgs<unknown[]>();
    const [payload, own] = args;
    return beginCall(args, {
      source: grpcCallOf(args)?.metadata ?? contextOrArguments(own, args),
      place: (length) => Math.max(MAX_ARGUMENTS, length),
      // A custom strategy may reuse its context. Nest's own strategies create one for each message.
      uniqueArgument: isContextOfNest(own) ? own : isObject(payload) ? payload : undefined,
    });
  }

  credentials(context: ExecutionContext): Outcome<Credentials> {
    return presentedCredentials(this.extractor, context, () => this.carrier(context), this.throttle);
  }

  deny(context: ExecutionContext, denial: Denial): Error {
    return rpcErrorFor(context, denial, this.exceptions);
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    const exception = this.exceptions.replacing(error, asHttpException(error, denial), grpcCallOf(context.getArgs()));
    // Do not mark the application's own error, which it may throw elsewhere as well.
    return exception === error ? error : markUnanswered(context, exception);
  }

  answer(host: ArgumentsHost, denial: Denial): Observable<never> {
    const call = grpcCallOf(host.getArgs<unknown[]>());
    return throwError(() => (call ? grpcErrorOf(bodyOf(denial), call) : bodyOf(denial)));
  }

  endCall(context: ExecutionContext, error: Error): Promise<never> | undefined {
    return endGrpcStreamCall(context.getArgs(), error);
  }
}

/** The context of a message, also of one that no guard has registered. */
export function rpcSourceOf(context: ExecutionContext): object {
  const call = callOf(context);
  return call ? call.source : contextOrArguments(context.switchToRpc().getContext<unknown>(), context.getArgs());
}

/** A custom transport strategy may pass no context. The arguments array is never the payload itself. */
function contextOrArguments(context: unknown, args: unknown[]): object {
  return isObject(context) ? context : args;
}

/** Recognizes Nest's contexts by their methods, because their base class is in an optional package. */
function isContextOfNest(value: unknown): value is object {
  if (!isObject(value)) return false;
  try {
    const { getArgs, getArgByIndex } = value as Partial<Record<'getArgs' | 'getArgByIndex', unknown>>;
    return typeof getArgs === 'function' && typeof getArgByIndex === 'function';
  } catch {
    return false;
  }
}
