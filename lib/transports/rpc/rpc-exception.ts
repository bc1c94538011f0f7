import type { HttpException } from '@nestjs/common';

import type { Denial } from '../../errors/denial.js';
import { bodyOf, toHttpException } from '../../errors/exceptions.js';
import { grpcErrorOf, type GrpcCall } from './grpc.call.js';

type RpcException = new (error: object) => Error;

/** Denials in the words of @nestjs/microservices, an optional peer. */
export class RpcExceptions {
  /**
   * Loads the package, where the application has it. Bundlers have to see `import()` with the name in it, so that the
   * application and this library get one and the same class: see `WebSocketPackage`.
   */
  static async load(): Promise<RpcExceptions> {
    try {
      return new RpcExceptions((await import('@nestjs/microservices')).RpcException);
    } catch {
      return new RpcExceptions();
    }
  }

  /**
   * @param exceptionClass Nest answers with what an error says only where it is an instance of this very class; of a copy,
   * it says "Internal server error". Without it, whatever is thrown denies the call as well, with fewer words.
   */
  constructor(private readonly exceptionClass?: RpcException) {}

  /**
   * A denial as microservices answer it: `{ status: 'error', statusCode, code, message }`, or an error of gRPC.
   *
   * @param grpcCall The call, where it is one of gRPC.
   */
  of(denial: Denial, grpcCall?: GrpcCall): Error {
    if (!this.exceptionClass) return toHttpException(denial);
    const body = bodyOf(denial);
    return new this.exceptionClass(grpcCall ? grpcErrorOf(body, grpcCall) : body);
  }

  /** An error of the application as microservices answer it; an `RpcException` stays what it is. */
  replacing(original: Error, error: HttpException, grpcCall?: GrpcCall): Error {
    if (!this.exceptionClass || original instanceof this.exceptionClass) return original;
    const body = error.getResponse();
    const said = {
      ...{ statusCode: error.getStatus(), ...(typeof body === 'string' ? { message: body } : body) },
      status: 'error',
    };
    const exception = new this.exceptionClass(grpcCall ? grpcErrorOf(said, grpcCall, original) : said);
    return Object.assign(exception, { cause: original });
  }
}
