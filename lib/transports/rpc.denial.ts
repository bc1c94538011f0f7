import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { endGrpcStreamCall, grpcCallOf } from './grpc.call.js';
import { toRpcException } from './rpc-exception.js';
import { markUnanswered } from './unanswered.js';

/** The error that makes Nest refuse a message, over whichever broker. */
export function rpcErrorFor(context: ExecutionContext, denial: Denial): Error {
  return markUnanswered(context, toRpcException(denial, grpcCallOf(context.getArgs())));
}

/** Refuses a message; the promise rejects, or never settles where Nest would not handle the error. */
export function denyRpc(context: ExecutionContext, denial: Denial): Promise<never> {
  const error = rpcErrorFor(context, denial);
  return endGrpcStreamCall(context.getArgs(), error) ?? Promise.reject(error);
}
