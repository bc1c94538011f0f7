import type { ExecutionContext } from '@nestjs/common';

import { ClerkTransportError } from '../errors/clerk.errors.js';
import { hasAttached } from './attachment.js';
import { callOf, isObject } from './calls.js';
import { graphqlOperationOf, type GraphqlOperation } from './graphql/graphql.operation.js';
import { requestOf } from './websocket/sockets.js';
import { requestCarrierOf } from './http/web-request.js';
import type { HttpRequestLike } from './http/http-request.js';

/**
 * The object that stands for a request wherever it is met again: the request, given as itself or inside an execution
 * context. Of Fastify's request it is the one of Node that it wraps, since that is all a middleware sees. Of a call that no
 * guard has begun it is one that nothing is kept on.
 */
export function carrierOf(source: object): object {
  return findCarrier(source) ?? unknownTransport(source);
}

/** As carrierOf(), and `undefined` for a call over a transport that nobody knows. */
function findCarrier(source: object): object | undefined {
  if (!isExecutionContext(source)) return requestCarrierOf(source as HttpRequestLike);
  const type = source.getType<string>();
  if (type === 'graphql') return graphqlOperationOf(source).carrier;
  if (type === 'http') return requestCarrierOf(source.switchToHttp().getRequest<HttpRequestLike>());
  return callOf(source) ?? (type === 'rpc' || type === 'ws' ? {} : undefined);
}

function unknownTransport(source: object): never {
  throw new ClerkTransportError((source as ExecutionContext).getType<string>());
}

/** The request as the platform gives it, out of an execution context or as itself; of other calls what stands for them. */
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
 * The object that carries a call's identity. Resolvers of one operation run side by side, each with a policy of its own,
 * so each call has its own; a field that no guard stands before sees that of the operation.
 */
export function identityCarrierOf(source: object): object {
  return findIdentityCarrier(source) ?? unknownTransport(source);
}

/** As identityCarrierOf(), and `undefined` for a call over a transport that nobody knows. */
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
