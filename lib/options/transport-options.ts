import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';

/**
 * What a call presents, where the application found it: a token (`Bearer ` before it may stay), or the headers of HTTP
 * that stand for it. Nothing at all for a call that presents nothing.
 */
export type PresentedCredentials = string | { readonly authorization?: string | undefined } | null | undefined;

/** Microservices: where their callers put their credentials. */
export interface RpcOptions {
  /**
   * Says what a message presents: of its metadata, or of the headers of its record. Without it every protected message
   * handler is denied, since a payload is never searched for credentials.
   *
   * It must answer at once, not with a promise. Where it throws, the call is denied.
   *
   * @example
   * credentials: (context) => context.switchToRpc().getContext<NatsContext>().getHeaders()?.get('authorization')
   */
  credentials(context: ExecutionContext): PresentedCredentials;
}

/**
 * Teaches the guard a kind of call that it does not know: that of a bot framework, say. Calls of such a kind are denied
 * until there is an adapter for them.
 *
 * @example
 * const telegraf: TransportAdapter = {
 *   call: (context) => context.getArgByIndex(0),
 *   credentials: (context) => tokens.of(context.getArgByIndex(0).from.id),
 * };
 */
export interface TransportAdapter {
  /**
   * The object that stands for this call, among `context.getArgs()`: `resolveOptions` is given it, and filters find the
   * caller by it. Best one that is made for each call, such as a message: where calls share it (a client, a connection),
   * each still has its own caller, but filters find none.
   */
  call(context: ExecutionContext): object;

  /**
   * What the call presents: see {@link RpcOptions.credentials}; here cookies count as well. Never take a user's word for
   * it: what a message says of its sender is no credential.
   */
  credentials(context: ExecutionContext):
    | PresentedCredentials
    | {
        readonly authorization?: string | undefined;
        readonly cookie?: string | undefined;
        readonly origin?: string | undefined;
      };

  /**
   * The error that denies the call in the way of its framework.
   * @default the exception of HTTP
   */
  deny?: ((context: ExecutionContext, denial: Denial) => Error) | undefined;
}

/** GraphQL over WebSockets: where clients put their token, and what happens to a connection when it expires. */
export interface GraphqlOptions {
  /**
   * The names under which `connectionParams` may hold a token, with or without `Bearer ` before it. A dot leads into an
   * object; case does not matter. The first name that leads to a non-empty string counts, nothing else is read.
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
   * Whether a WebSocket is closed when the session token it was opened with expires (`exp`, and `clockSkewInMs` later),
   * or when an operation is refused because the token has expired. The close code is 4403 with the reason
   * `token-expired`; on it, graphql-ws clients reconnect, call their `connectionParams` function again, and resume their
   * subscriptions with the fresh token. Otherwise a subscription lasts until the client leaves.
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
