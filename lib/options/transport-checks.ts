import { boolean, fields, listOfStrings, nonEmptyString, type Check } from './option-checks.js';
import { origins } from './origin-checks.js';
import { isRecord } from './own-properties.js';
import type { GraphqlOptions, RpcOptions, TransportAdapters, WebSocketOptions } from './transport-types.js';

/** May be an instance of a class, whose methods are no fields. */
export const rpc: Check<RpcOptions> = (value) =>
  typeof (value as { credentials?: unknown }).credentials === 'function'
    ? undefined
    : 'must be an object with the function credentials(context)';

/**
 * Adapters may be instances of classes as well. Types that are built in are rejected where the transports are known, in
 * `ApplicationTransports`.
 */
export const transports: Check<TransportAdapters> = (value) => {
  if (!isRecord(value)) return 'must be an object that maps context types to adapters';
  for (const [type, adapter] of Object.entries(value) as [string, Record<string, unknown> | null | 'skip'][]) {
    if (adapter === 'skip') continue;
    const { call, credentials, deny, handlers } = adapter ?? {};
    const isAdapter = typeof call === 'function' && typeof credentials === 'function';
    if (!isAdapter || (deny !== undefined && typeof deny !== 'function')) {
      return `.${type} must have the functions call(context) and credentials(context), and may have deny(context, denial)`;
    }
    if (handlers !== undefined && !isListOfKeys(handlers)) return `.${type}.handlers must be a list of metadata keys`;
  }
  return undefined;
};

function isListOfKeys(value: unknown): boolean {
  return Array.isArray(value) && value.every((key) => typeof key === 'symbol' || !nonEmptyString(key));
}

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
