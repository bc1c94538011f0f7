import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../../errors/denial.js';
import { endGrpcStreamCall, grpcCallOf } from './grpc.call.js';
import { RpcExceptions } from './rpc-exception.js';
import { markUnanswered } from './unanswered.js';

/** The error that makes Nest deny a message, over any broker. */
export function rpcErrorFor(context: ExecutionContext, denial: Denial, exceptions: RpcExceptions): Error {
  return markUnanswered(context, exceptions.of(denial, grpcCallOf(context.getArgs())));
}

/**
 * Denies a message that no ClerkGuard authorized, for which there is no transport.
 * @returns a promise that rejects, or never settles if Nest would not handle the error
 */
export async function denyRpc(context: ExecutionContext, denial: Denial): Promise<never> {
  const error = rpcErrorFor(context, denial, await RpcExceptions.load());
  return endGrpcStreamCall(context.getArgs(), error) ?? Promise.reject(error);
}
