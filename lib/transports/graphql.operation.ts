import type { ExecutionContext } from '@nestjs/common';

import { rawOf, type HttpRequestLike } from './web-request.js';

type Properties = Readonly<Record<string, unknown>>;

/** What a resolver's call belongs to. */
export interface GraphqlOperation {
  /** What stands for this one call of a resolver: GraphQL's `info`. */
  readonly call: object;
  /** What stands for the operation: the HTTP request that it came with, else its GraphQL context. */
  readonly carrier: object;
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
  const [connectionParams = {}] = [own._connectionInit, own.connectionParams, opened?.connectionParams]
    .map(propertiesOf)
    .filter((given) => given !== undefined);
  return {
    call: info ?? own,
    carrier: request ? rawOf(request) : own,
    source: request ?? upgrade ?? own,
    request,
    connectionParams,
    isAmbiguous: new Set(requests.map(rawOf)).size > 1,
  };
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
