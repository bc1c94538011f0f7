import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { registeredCalls } from './custom/registered-calls.js';
import type { HttpRequestLike } from './http/http-request.js';
import { requestCarrierOf } from './http/web-request.js';
import type { CallLocator } from './transport-kind.js';
import { builtInKind } from './transport-kinds.js';

/**
 * The object that represents a request everywhere, from a request or an execution context. For Fastify it is the raw
 * Node request, which is all that middleware sees. For a call that no guard registered, it is a new object that stores
 * nothing.
 *
 * @throws ClerkTransportError for an unknown transport
 */
export function carrierOf(source: object): object {
  if (!isExecutionContext(source)) return requestCarrierOf(source as HttpRequestLike);
  return locatorOf(source).carrier(source) ?? throwUnknownTransport(source);
}

/**
 * The request of the platform, from an execution context or as itself; for other transports, the object that represents
 * the call.
 *
 * @throws ClerkTransportError for an unknown transport
 */
export function sourceOf(source: object): object {
  return isExecutionContext(source) ? locatorOf(source).source(source) : source;
}

/**
 * The object that stores a call's identity.
 *
 * @throws ClerkTransportError for an unknown transport
 */
export function identityCarrierOf(source: object): object {
  return findIdentityCarrier(source) ?? throwUnknownTransport(source as ExecutionContext);
}

/** Like identityCarrierOf(), but `undefined` for an unknown transport. */
export function findIdentityCarrier(source: object): object | undefined {
  if (!isExecutionContext(source)) return requestCarrierOf(source as HttpRequestLike);
  return locatorOf(source).identityCarrier(source);
}

function throwUnknownTransport(context: ExecutionContext): never {
  throw new ClerkTransportError(context.getType<string>());
}

/** Needs no injection: calls of transports that are not built in are found by their registration. */
function locatorOf(context: ExecutionContext): CallLocator {
  return builtInKind(context.getType<string>())?.calls ?? registeredCalls;
}

function isExecutionContext(source: object): source is ExecutionContext {
  const { getType, switchToHttp } = source as Partial<ExecutionContext>;
  return typeof getType === 'function' && typeof switchToHttp === 'function';
}
