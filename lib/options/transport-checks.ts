import { boolean, fields, listOfStrings, nonEmptyString, type Check } from './option-checks.js';
import { origins } from './origin-checks.js';
import { isRecord } from './own-properties.js';
import type { GraphqlOptions, RpcOptions, TransportAdapter, WebSocketOptions } from './transport-types.js';

/** May be an instance of a class, whose methods are no fields. */
export const rpc: Check<RpcOptions> = (value) =>
  typeof (value as { credentials?: unknown }).credentials === 'function'
    ? undefined
    : 'must be an object with the function credentials(context)';

/** What `getType()` says of calls that need no adapter. */
const BUILT_IN = ['http', 'rpc', 'graphql', 'ws'];

/** Adapters may be instances of classes as well. */
export const transports: Check<Readonly<Record<string, TransportAdapter>>> = (value) => {
  if (!isRecord(value)) return 'must be an object that maps context types to adapters';
  for (const [type, adapter] of Object.entries(value) as [string, Record<string, unknown> | null][]) {
    if (BUILT_IN.includes(type)) return `.${type} is built in and takes no adapter`;
    const { call, credentials, deny } = adapter ?? {};
    const isAdapter = typeof call === 'function' && typeof credentials === 'function';
    if (!isAdapter || (deny !== undefined && typeof deny !== 'function')) {
      return `.${type} must have the functions call(context) and credentials(context), and may have deny(context, denial)`;
    }
  }
  return undefined;
};

export const webSocket = fields<WebSocketOptions>({
  allowedOrigins: origins,
  tokenParameter: nonEmptyString,
  tokenSubprotocol: subprotocol,
  disconnectOnExpiry: boolean,
});

/** What RFC 6455 has for the names of subprotocols: a token of RFC 9110. */
function subprotocol(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value)
    ? undefined
    : 'must be the name of a subprotocol, such as "clerk"';
}

/** Names among connection parameters; a dot leads into an object. */
const parameterNames: Check<readonly string[]> = (value) =>
  listOfStrings(value) ??
  ((value as string[]).every((name) => name.split('.').every((part) => !nonEmptyString(part)))
    ? undefined
    : 'must be names such as "authorization" or "headers.authorization"');

export const graphql = fields<GraphqlOptions>({ connectionParams: parameterNames, disconnectOnExpiry: boolean });
