import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';

/**
 * The credentials of a call: a token, with or without `Bearer ` before it, or headers that hold it. `null`, `undefined`
 * and an empty string mean an anonymous call.
 */
export type PresentedCredentials = string | { readonly authorization?: string | undefined } | null | undefined;

/** Where callers of microservices put their credentials. */
export interface RpcOptions {
  /**
   * Returns the credentials of a message, from its metadata or the headers of its record. Without it every protected
   * message handler is denied, since a payload is never searched for credentials.
   *
   * It must return a value, not a promise. If it throws, the call is denied.
   *
   * @example
   * ```ts
   * credentials: (context) => context.switchToRpc().getContext<NatsContext>().getHeaders()?.get('authorization');
   * ```
   */
  credentials(context: ExecutionContext): PresentedCredentials;
}

/**
 * Adds another transport to the guard, such as that of a bot framework. Without an adapter its calls are denied.
 *
 * @example
 * ```ts
 * const telegraf: TransportAdapter = {
 *   call: (context) => context.getArgByIndex(0),
 *   credentials: (context) => tokens.of(context.getArgByIndex(0).from.id),
 * };
 * ```
 */
export interface TransportAdapter {
  /**
   * Returns the object that represents this call, one of `context.getArgs()`. `resolveOptions` receives it, and filters
   * find the caller by it. Prefer an object that is created for each call, such as a message. If calls share it (a
   * client, a connection), each call still has its own caller, but filters find none.
   */
  call(context: ExecutionContext): object;

  /**
   * Returns the credentials of the call, as {@link RpcOptions.credentials} does; cookies are accepted here too. Never
   * trust what a message says about its sender: that is no credential.
   */
  credentials(context: ExecutionContext):
    | PresentedCredentials
    | {
        readonly authorization?: string | undefined;
        readonly cookie?: string | undefined;
        readonly origin?: string | undefined;
      };

  /**
   * Returns the error that denies the call in the way of its framework. By default an HTTP exception is thrown.
   */
  deny?: ((context: ExecutionContext, denial: Denial) => Error) | undefined;

  /**
   * The metadata keys that the decorators of the framework set on its handlers. Methods with one of them take decorators
   * of this library, are checked at boot, and are listed in the protection map. Without it, a decorator on a method that
   * Nest does not route fails the boot, except for `@SkipAuth()`.
   *
   * Set it only if the framework runs Nest's guards. One that calls methods directly (nest-commander) would ignore the
   * decorators.
   *
   * @example
   * ```ts
   * import { RABBIT_HANDLER } from '@golevelup/nestjs-rabbitmq';
   *
   * handlers: [RABBIT_HANDLER];
   * ```
   */
  handlers?: readonly (string | symbol)[] | undefined;
}

/**
 * The transports of an application that are not built in, by context type (`context.getType()`). `'skip'` means that calls
 * of the type carry no credentials: their handlers run as with `@SkipAuth()`, and those that a decorator restricts are
 * denied.
 */
export type TransportAdapters = Readonly<Record<string, TransportAdapter | 'skip'>>;

/** Where clients of GraphQL over WebSockets put their token, and whether the connection is closed when it expires. */
export interface GraphqlOptions {
  /**
   * The names under which `connectionParams` may hold a token, with or without `Bearer ` before it. A dot leads into an
   * object; case does not matter. The first name that leads to a non-empty string is used; nothing else is read.
   *
   * @default ['authorization']
   * @example
   * ```ts
   * // { authorization }, { headers: { authorization } } and { authToken }
   * connectionParams: ['authorization', 'headers.authorization', 'authToken'];
   * ```
   */
  connectionParams?: readonly string[] | undefined;
  /**
   * Closes a WebSocket when the session token that opened it expires (`exp`, plus `clockSkewInMs`), or when an operation
   * is denied because the token has expired. The close code is 4403 with the reason `token-expired`. graphql-ws clients
   * then reconnect, call their `connectionParams` function again, and resume their subscriptions with the fresh token.
   * By default a subscription lasts until the client leaves.
   *
   * @default false
   * @example
   * ```ts
   * ClerkModule.forRoot({ graphql: { disconnectOnExpiry: true } });
   * ```
   * @see https://the-guild.dev/graphql/ws/recipes
   */
  disconnectOnExpiry?: boolean | undefined;
}

/** Which credentials sockets may present besides `auth.token` and the Authorization header of their handshake. */
export interface WebSocketOptions {
  /**
   * The origins of the pages whose cookies are accepted, such as `https://app.example.com`, written as in
   * `authorizedParties`. Browsers let any page open a socket to any server, and send the cookies along. Cookies are
   * ignored by default.
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * The query parameter that may hold a token. URLs end up in logs, so use it only for clients that can do nothing else.
   * The query is ignored by default.
   */
  tokenParameter?: string | undefined;
  /**
   * The subprotocol after which a browser may offer a token, since it cannot set headers: `new WebSocket(url, ['clerk',
   * token])` for `'clerk'`. The server must choose `clerk`, not the token: see docs/websockets.md. For `ws`; clients of
   * socket.io use `auth.token`. Subprotocols are ignored by default.
   * @example
   * ```ts
   * ClerkModule.forRoot({ webSocket: { tokenSubprotocol: 'clerk' } });
   * ```
   */
  tokenSubprotocol?: string | undefined;
  /**
   * Closes a socket (with code 4401 on `ws`) when one of its messages is denied because its token has expired.
   * @default false
   */
  disconnectOnExpiry?: boolean | undefined;
}
