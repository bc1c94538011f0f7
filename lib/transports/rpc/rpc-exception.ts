import type { HttpException } from '@nestjs/common';

import type { Denial } from '../../errors/denial.js';
import { bodyOf, toHttpException } from '../../errors/exceptions.js';
import { grpcErrorOf, type GrpcCall } from './grpc.call.js';

type RpcException = new (error: object) => Error;

/** Denials as exceptions of @nestjs/microservices, an optional peer. */
export class RpcExceptions {
  /**
   * Loads the package if it is installed. Bundlers need a literal name in `import()`, so that the application and this
   * library share one class: see `WebSocketPackage`.
   */
  static async load(): Promise<RpcExceptions> {
    try {
      return new RpcExceptions((await import('@nestjs/microservices')).RpcException);
    } catch {
      return new RpcExceptions();
    }
  }

  /**
   * @param exceptionClass Nest only sends the content of instances of this exact class; for any other it sends
   * "Internal server error". Without the package, any thrown error denies the call, with less detail.
   */
  constructor(private readonly exceptionClass?: RpcException) {}

  /**
   * The exception of a denial: `{ status: 'error', statusCode, code, message }`, or a gRPC error.
   *
   * @param grpcCall The call, over gRPC only.
   */
  of(denial: Denial, grpcCall?: GrpcCall): Error {
    if (!this.exceptionClass) return toHttpException(denial);
    const body = bodyOf(denial);
    return new this.exceptionClass(grpcCall ? grpcErrorOf(body, grpcCall) : body);
  }

  /** Converts an error of the application. An `RpcException` stays as it is. */
  replacing(original: Error, error: HttpException, grpcCall?: GrpcCall): Error {
    if (!this.exceptionClass || original instanceof this.exceptionClass) return original;
    const body = error.getResponse();
    const content = {
      ...{ statusCode: error.getStatus(), ...(typeof body === 'string' ? { message: body } : body) },
      status: 'error',
    };
    const exception = new this.exceptionClass(grpcCall ? grpcErrorOf(content, grpcCall, original) : content);
    return Object.assign(exception, { cause: original });
  }
}
