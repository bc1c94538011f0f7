import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ExecutionContext, Type } from '@nestjs/common';

import type { Handler } from '../policy/policy.reader.js';
import { http } from '../transports/http/http.kind.js';

export type Next = (error?: unknown) => void;

/** The call of a middleware as an ExecutionContext. Nest 11 does not export its own class. */
export class MountedCall implements ExecutionContext {
  constructor(
    private readonly type: Type,
    private readonly handler: Handler,
    private readonly args: readonly [request: IncomingMessage, response: ServerResponse, next: Next],
  ) {}

  getClass<T>(): Type<T> {
    return this.type;
  }

  getHandler(): Handler {
    return this.handler;
  }

  getType<T extends string>(): T {
    return http.type as string as T;
  }

  getArgs<T extends unknown[]>(): T {
    return [...this.args] as T;
  }

  getArgByIndex<T>(index: number): T {
    return this.args[index] as T;
  }

  switchToHttp() {
    const [request, response, next] = this.args;
    return { getRequest: <T>() => request as T, getResponse: <T>() => response as T, getNext: <T>() => next as T };
  }

  switchToRpc(): never {
    throw new TypeError('This is a call over HTTP, not of a microservice.');
  }

  switchToWs(): never {
    throw new TypeError('This is a call over HTTP, not over a WebSocket.');
  }
}
