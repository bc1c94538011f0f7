import type { ExecutionContext } from '@nestjs/common';

import { rawOf, requestCarrierOf } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

type Properties = Readonly<Record<string, unknown>>;

/** The GraphQL operation of a resolver call. */
export interface GraphqlOperation {
  /** The object that identifies one resolver call: the `info` of GraphQL. */
  readonly call: object;
  /**
   * The object that identifies the operation: its HTTP request, else an object stored on its context. If operations
   * cannot be told apart, each resolver call has its own.
   */
  readonly carrier: object;
  /**
   * The context that the resolvers of an operation share; of several operations, if the application is misconfigured.
   */
  readonly context: object;
  /** The request of the platform; for a subscription, the upgrade request of its connection. */
  readonly source: object;
  /** The HTTP request of the operation; `undefined` over a WebSocket. */
  readonly request: HttpRequestLike | undefined;
  /** The parameters that the client sent when it opened the connection. */
  readonly connectionParams: Properties;
  /** Whether the context refers to the requests of several callers. */
  readonly isAmbiguous: boolean;
}

/**
 * Finds the operation in the GraphQL context of Nest's drivers. Never reads a resolver's parent or arguments, which the
 * client controls. For the same reason it does not use `context.getArgs()`, which returns the arguments in a
 * GqlExecutionContext.
 */
export function graphqlOperationOf(context: ExecutionContext): GraphqlOperation {
  const [second, third, fourth] = [1, 2, 3].map((index) => propertiesOf(context.getArgByIndex(index)));
  // Resolvers of references and types have no arguments, so their context and info come one position earlier.
  const [own = {}, info] = third && 'fieldNodes' in third ? [second, third] : [third, fourth];
  const opened = propertiesOf(own.req);
  const requests = [propertiesOf(own.reply)?.request, own.request, own.req].filter(isRequest);
  const request = requests.find((one) => !isUpgrade(one));
  const upgrade = [propertiesOf(own.extra)?.request, propertiesOf(opened?.extra)?.request, ...requests].find(isRequest);
  const [connectionParams = NO_PARAMETERS] = [own._connectionInit, own.connectionParams, opened?.connectionParams]
    .map(propertiesOf)
    .filter((given) => given !== undefined);
  return {
    call: info ?? own,
    carrier: request
      ? requestCarrierOf(request)
      : (operationCarrierOn(own, info?.operation, connectionParams) ?? info ?? own),
    context: own,
    source: request ?? upgrade ?? own,
    request,
    connectionParams,
    isAmbiguous: new Set(requests.map(rawOf)).size > 1,
  };
}

const NO_PARAMETERS: Properties = Object.freeze({});

/** Set on the GraphQL context of operations without an HTTP request of their own. */
const OPERATIONS = Symbol.for('nest-clerk:operations');

/** The carriers of the operations that share a context. */
interface Operations {
  readonly context: object;
  readonly carriers: WeakMap<object, { readonly params: Properties; readonly carrier: object }>;
}

/**
 * Operations of one connection may share a context, and the caller's token may expire in between. The operation node of
 * the document tells them apart: it is the same for all fields of an operation and all events of a subscription.
 */
function operationCarrierOn(context: object, operation: unknown, params: Properties): object | undefined {
  const key = propertiesOf(operation);
  if (!key) return undefined;
  const holder = context as { readonly [OPERATIONS]?: Operations };
  let operations = holder[OPERATIONS];
  // A copy of the context copies this property, but may belong to another caller.
  if (operations?.context !== context) {
    operations = { context, carriers: new WeakMap() };
    if (!Reflect.defineProperty(holder, OPERATIONS, { value: operations, configurable: true })) return undefined;
  }
  const entry = operations.carriers.get(key);
  if (entry?.params === params) return entry.carrier;
  const carrier = {};
  operations.carriers.set(key, { params, carrier });
  return carrier;
}

function propertiesOf(value: unknown): Properties | undefined {
  return typeof value === 'object' && value !== null ? (value as Properties) : undefined;
}

function isRequest(value: unknown): value is HttpRequestLike {
  const { headers, url } = propertiesOf(value) ?? {};
  return typeof headers === 'object' && headers !== null && typeof url === 'string';
}

/** Whether this is an upgrade request. Any site can make a browser send one with cookies, so it proves no identity. */
function isUpgrade({ headers }: HttpRequestLike): boolean {
  const upgrade: unknown = headers.upgrade ?? '';
  // Node always sets a string. Treat other values as an upgrade, the safe case.
  return typeof upgrade !== 'string' || upgrade.toLowerCase() === 'websocket';
}
