import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../../errors/denial.js';
import { endGrpcStreamCall, grpcCallOf } from './grpc.call.js';
import { RpcExceptions } from './rpc-exception.js';
import { markUnanswered } from './unanswered.js';

/** The error that makes Nest refuse a message, over whichever broker. */
export function rpcErrorFor(context: ExecutionContext, denial: Denial, exceptions: RpcExceptions): Error {
  return markUnanswered(context, exceptions.of(denial, grpcCallOf(context.getArgs())));
}

/**
 * Refuses a message where there is no transport to do it, since no ClerkGuard looked at it. The promise rejects, or never
 * settles where Nest would not handle the error.
 */
export async function denyRpc(context: ExecutionContext, denial: Denial): Promise<never> {
  const error = rpcErrorFor(context, denial, await RpcExceptions.load());
  return endGrpcStreamCall(context.getArgs(), error) ?? Promise.reject(error);
}
