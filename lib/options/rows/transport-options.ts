import { option } from '../option-row.js';
import { graphql, rpc, transports, webSocket } from '../transport-checks.js';

/** Where the callers of each transport put their credentials. */
export const TRANSPORT_OPTIONS = {
  /**
   * Where clients of GraphQL over WebSockets put their token, and whether the connection is closed when it expires.
   *
   * @default { connectionParams: ['authorization'], disconnectOnExpiry: false }
   * @example
   * ```ts
   * ClerkModule.forRoot({ graphql: { disconnectOnExpiry: true } });
   * ```
   */
  graphql: option({ scope: 'module', check: graphql }),

  /**
   * Which credentials the sockets of gateways may present, and whether a socket is closed when its token has expired.
   *
   * @default {}
   */
  webSocket: option({ scope: 'module', default: {}, check: webSocket }),

  /**
   * Where callers of microservices put their credentials. Without it, every protected message handler is denied.
   *
   * @example
   * ```ts
   * ClerkModule.forRoot({
   *   rpc: { credentials: (context) => context.switchToRpc().getContext<TcpContext>().getMetadata()?.authorization },
   * });
   * ```
   */
  rpc: option({ scope: 'module', byIdentity: true, check: rpc }),

  /**
   * Adapters for other transports, by context type (`context.getType()`). Calls of a type without an adapter are denied,
   * except to handlers with `@SkipAuth()`. `'skip'` in place of an adapter means that its calls carry no credentials: their
   * handlers run as with `@SkipAuth()`, and those that a decorator restricts are denied.
   *
   * @example
   * ```ts
   * ClerkModule.forRoot({
   *   transports: { necord: { call: (context) => context.getArgByIndex(0), credentials: (context) => … } },
   * });
   * ```
   */
  transports: option({ scope: 'module', byIdentity: true, check: transports }),
};
