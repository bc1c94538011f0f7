import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { adaptedCall, callCarrier, rpcCall } from './call-carrier.js';

/**
 * The object that carries a call's identity: the request, given as itself or inside an execution context. Of Fastify's
 * request it is the one of Node that it wraps, since that is all a middleware sees.
 */
export function carrierOf(source: object): object {
  return isExecutionContext(source) && source.getType() !== 'http'
    ? callCarrier(sourceOf(source), source)
    : rawOf(sourceOf(source));
}

/** The request as the platform gives it, out of an execution context or as itself; of other calls what stands for them. */
export function sourceOf(source: object): object {
  if (!isExecutionContext(source)) return source;
  const type = source.getType<string>();
  if (type === 'rpc') return rpcCall(source);
  if (type === 'http') return source.switchToHttp().getRequest<object>();
  const call = adaptedCall(source);
  if (!call) throw new ClerkTransportError(type);
  return call;
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
