import { createRequire } from 'node:module';

import type { HttpException } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { bodyOf, toHttpException } from '../errors/exceptions.js';
import { grpcErrorOf, type GrpcCall } from './grpc.call.js';

type RpcExceptionClass = new (error: object) => Error;

/**
 * Nest answers with what an error says only where it is an instance of this very class; of a copy, it says "Internal
 * server error". The package is optional, so it is loaded when a message is refused: by then the application has it.
 */
function rpcExceptionClass(): RpcExceptionClass | undefined {
  try {
    const require = createRequire(import.meta.url);
    return (require('@nestjs/microservices') as { RpcException?: RpcExceptionClass }).RpcException;
  } catch {
    // Bundled, or out of reach: whatever is thrown instead refuses the call as well, with fewer words.
    return undefined;
  }
}

/**
 * A denial as microservices answer it: `{ status: 'error', statusCode, code, message }`, or an error of gRPC.
 *
 * @param grpcCall The call, where it is one of gRPC.
 */
export function toRpcException(denial: Denial, grpcCall?: GrpcCall): Error {
  const RpcException = rpcExceptionClass();
  if (!RpcException) return toHttpException(denial);
  const body = bodyOf(denial);
  return new RpcException(grpcCall ? grpcErrorOf(body, grpcCall) : body);
}

/** An error of the application as microservices answer it; an `RpcException` stays what it is. */
export function asRpcException(error: HttpException, original: Error, grpcCall?: GrpcCall): Error {
  const RpcException = rpcExceptionClass();
  if (!RpcException || original instanceof RpcException) return original;
  const body = error.getResponse();
  const said = {
    ...{ statusCode: error.getStatus(), ...(typeof body === 'string' ? { message: body } : body) },
    status: 'error',
  };
  return Object.assign(new RpcException(grpcCall ? grpcErrorOf(said, grpcCall, original) : said), { cause: original });
}
