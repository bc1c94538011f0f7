import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';

/**
 * The object that carries a call's identity: the request, given as itself or inside an execution context. Of Fastify's
 * request it is the one of Node that it wraps, since that is all a middleware sees.
 */
export function carrierOf(source: object): object {
  return rawOf(sourceOf(source));
}

/** The request as the platform gives it, out of an execution context or as itself. */
export function sourceOf(source: object): object {
  if (!isExecutionContext(source)) return source;
  const type = source.getType<string>();
  if (type !== 'http') throw new ClerkTransportError(type);
  return source.switchToHttp().getRequest<object>();
}

function rawOf(request: { raw?: unknown }): object {
  return typeof request.raw === 'object' && request.raw !== null ? request.raw : request;
}

function isExecutionContext(source: object): source is ExecutionContext {
  const { getType, switchToHttp } = source as Partial<ExecutionContext>;
  return typeof getType === 'function' && typeof switchToHttp === 'function';
}
