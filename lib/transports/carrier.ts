import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';

/** The object that carries a call's identity: the request, given as itself or inside an execution context. */
export function carrierOf(source: object): object {
  if (!isExecutionContext(source)) return source;
  const type = source.getType<string>();
  if (type !== 'http') throw new ClerkTransportError(type);
  return source.switchToHttp().getRequest<object>();
}

function isExecutionContext(source: object): source is ExecutionContext {
  const { getType, switchToHttp } = source as Partial<ExecutionContext>;
  return typeof getType === 'function' && typeof switchToHttp === 'function';
}
