import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { hasAttached } from './attachment.js';
import { callOf, isObject } from './calls.js';
import { graphqlOperationOf, type GraphqlOperation } from './graphql/graphql.operation.js';
import { requestOf } from './websocket/sockets.js';
import { requestCarrierOf } from './http/web-request.js';
import type { HttpRequestLike } from './http/http-request.js';

/**
 * The object that represents a request everywhere, from a request or an execution context. For Fastify it is the raw
 * Node request, which is all that middleware sees. For a call that no guard registered, it is a new object that stores
 * nothing.
 */
export function carrierOf(source: object): object {
  return findCarrier(source) ?? throwUnknownTransport(source);
}

/** Like carrierOf(), but `undefined` for an unknown transport. */
function findCarrier(source: object): object | undefined {
  if (!isExecutionContext(source)) return requestCarrierOf(source as HttpRequestLike);
  const type = source.getType<string>();
  if (type === 'graphql') return graphqlOperationOf(source).carrier;
  if (type === 'http') return requestCarrierOf(source.switchToHttp().getRequest<HttpRequestLike>());
  return callOf(source) ?? (type === 'rpc' || type === 'ws' ? {} : undefined);
}

function throwUnknownTransport(source: object): never {
  throw new ClerkTransportError((source as ExecutionContext).getType<string>());
}

/**
 * The request of the platform, from an execution context or as itself; for other transports, the object that represents
 * the call.
 */
export function sourceOf(source: object): object {
  if (!isExecutionContext(source)) return source;
  const type = source.getType<string>();
  if (type === 'graphql') return graphqlOperationOf(source).source;
  if (type === 'http') return source.switchToHttp().getRequest<object>();
  if (type === 'ws') return requestOf(source.switchToWs().getClient<object>());
  const call = callOf(source);
  if (call) return call.source;
  if (type !== 'rpc') throw new ClerkTransportError(type);
  const context: unknown = source.switchToRpc().getContext();
  return isObject(context) ? context : source.getArgs<unknown[]>();
}

/**
 * The object that stores a call's identity. Resolvers of one GraphQL operation run concurrently and have different
 * policies, so each has its own. A field without a guard uses the identity of the operation.
 */
export function identityCarrierOf(source: object): object {
  return findIdentityCarrier(source) ?? throwUnknownTransport(source);
}

/** Like identityCarrierOf(), but `undefined` for an unknown transport. */
export function findIdentityCarrier(source: object): object | undefined {
  const operation = graphqlOperationIn(source);
  if (!operation) return findCarrier(source);
  return hasAttached(operation.call) ? operation.call : operation.carrier;
}

function graphqlOperationIn(source: object): GraphqlOperation | undefined {
  return isExecutionContext(source) && source.getType<string>() === 'graphql' ? graphqlOperationOf(source) : undefined;
}

function isExecutionContext(source: object): source is ExecutionContext {
  const { getType, switchToHttp } = source as Partial<ExecutionContext>;
  return typeof getType === 'function' && typeof switchToHttp === 'function';
}
