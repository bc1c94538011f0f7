import type { ExecutionContext } from '@nestjs/common';

import { rawOf, requestCarrierOf } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

type Properties = Readonly<Record<string, unknown>>;

/** What a resolver's call belongs to. */
export interface GraphqlOperation {
  /** What stands for this one call of a resolver: GraphQL's `info`. */
  readonly call: object;
  /**
   * What stands for the operation: the HTTP request that it came with, else what is kept for it on its context. Where it
   * cannot be told from others, each call stands for itself.
   */
  readonly carrier: object;
  /** What the resolvers of an operation share; by mistake, those of several. */
  readonly context: object;
  /** The request as the platform gives it; of a subscription, the one that opened its connection. */
  readonly source: object;
  /** The HTTP request that it came with. */
  readonly request: HttpRequestLike | undefined;
  /** What the client sent when it opened the connection. */
  readonly connectionParams: Properties;
  /** Whether the context leads to the requests of several callers. */
  readonly isAmbiguous: boolean;
}

/**
 * Finds the operation in the GraphQL context, as Nest's drivers make it. Never looks into a resolver's
 * parent or arguments, which are the client's; `context.getArgs()` is not to be asked, since GqlExecutionContext answers
 * with the latter.
 */
export function graphqlOperationOf(context: ExecutionContext): GraphqlOperation {
  const [second, third, fourth] = [1, 2, 3].map((index) => propertiesOf(context.getArgByIndex(index)));
  // Resolvers of references and types have no arguments: what follows those stands one place earlier.
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

/** On the GraphQL context of operations that came with no request of their own. */
const OPERATIONS = Symbol.for('nest-clerk:operations');

/** What is kept for the operations that were met with a context. */
interface Operations {
  readonly context: object;
  readonly carriers: WeakMap<object, { readonly params: Properties; readonly carrier: object }>;
}

/**
 * Operations of one connection may share a context, and their caller's token may have expired in between. They are told
 * apart by their place in the document, which is the same for all fields of an operation and all events of a subscription.
 */
function operationCarrierOn(context: object, operation: unknown, params: Properties): object | undefined {
  const key = propertiesOf(operation);
  if (!key) return undefined;
  const holder = context as { readonly [OPERATIONS]?: Operations };
  let known = holder[OPERATIONS];
  // Copies take the property along, and may lead to somebody else.
  if (known?.context !== context) {
    known = { context, carriers: new WeakMap() };
    if (!Reflect.defineProperty(holder, OPERATIONS, { value: known, configurable: true })) return undefined;
  }
  const met = known.carriers.get(key);
  if (met?.params === params) return met.carrier;
  const carrier = {};
  known.carriers.set(key, { params, carrier });
  return carrier;
}

function propertiesOf(value: unknown): Properties | undefined {
  return typeof value === 'object' && value !== null ? (value as Properties) : undefined;
}

function isRequest(value: unknown): value is HttpRequestLike {
  const { headers, url } = propertiesOf(value) ?? {};
  return typeof headers === 'object' && headers !== null && typeof url === 'string';
}

/** Whether this request opened a WebSocket: any site can make a browser send one, cookies and all. */
function isUpgrade({ headers }: HttpRequestLike): boolean {
  const upgrade: unknown = headers.upgrade ?? '';
  // What is no text was put there by others, and is taken for the worse.
  return typeof upgrade !== 'string' || upgrade.toLowerCase() === 'websocket';
}
