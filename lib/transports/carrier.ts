import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { callOf, requestOf } from './sockets.js';

/**
 * The object that carries a call's identity: what stands for a message, or the request, given as itself or inside an execution context. Of Fastify's
 * request it is the one of Node that it wraps, since that is all a middleware sees.
 */
export function carrierOf(source: object): object {
  if (isExecutionContext(source) && source.getType<string>() === 'ws') return callOf(source.getArgs<unknown[]>());
  return rawOf(sourceOf(source));
}

/** The request as the platform gives it (of a socket the one that opened it), out of an execution context or as itself. */
export function sourceOf(source: object): object {
  if (!isExecutionContext(source)) return source;
  const type = source.getType<string>();
  if (type === 'ws') return requestOf(source.switchToWs().getClient<object>());
  if (type !== 'http') throw new ClerkTransportError(type);
  return source.switchToHttp().getRequest<object>();
}

/** Fastify's request wraps Node's; what others keep under that name is something else. */
function rawOf(request: { raw?: { headers?: unknown; url?: unknown } | null }): object {
  const { raw } = request;
  return typeof raw?.headers === 'object' && typeof raw.url === 'string' ? raw : request;
}

function isExecutionContext(source: object): source is ExecutionContext {
  const { getType, switchToHttp } = source as Partial<ExecutionContext>;
  return typeof getType === 'function' && typeof switchToHttp === 'function';
}
