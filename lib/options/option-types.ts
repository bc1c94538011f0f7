import type { ExecutionContext, HttpException } from '@nestjs/common';

/** What a handler that says nothing gets: `strict` demands a signed-in caller, `lax` only looks. */
export type DefaultProtection = 'strict' | 'lax';

/**
 * A value, or how to find it by the URL of a request, as the browser sees it: with the forwarded host where the application
 * trusts its proxy (Express' `trust proxy`, Fastify's `trustProxy`) or names that origin in `authorizedParties`.
 */
export type ValueOrFunction<T> = T | ((url: URL) => T);

/** Clerk's Frontend API under a path of this server. */
export interface FrontendApiProxyOptions {
  /** Whether it is there: always, never, or for which URLs (as the browser sees them). */
  enabled: boolean | ((url: URL) => boolean);
  /**
   * The path it is under.
   * @default '/__clerk'
   */
  path?: string | undefined;
}

/** Accepted values of the `aud` claim, for each kind of JWT. */
export interface AudienceByTokenType {
  session_token?: string | string[] | undefined;
  m2m_token?: string | string[] | undefined;
  oauth_token?: string | string[] | undefined;
}

/** What sockets may present besides `auth.token` and the Authorization header of their handshake. */
export interface WebSocketOptions {
  /**
   * The origins of the pages whose cookies count, such as `https://app.example.com`. Browsers let any page open a socket
   * to any server, and send the cookies along. Written as in `authorizedParties`.
   * @default none: cookies are not looked at
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * The query parameter that may hold a token. URLs end up in logs: for clients that can do nothing else.
   * @default none: the query is not looked at
   */
  tokenParameter?: string | undefined;
  /**
   * The subprotocol after which a browser may offer a token, since it cannot set headers: `new WebSocket(url, ['clerk',
   * token])` for `'clerk'`. The server must choose `clerk`, not the token: see docs/websockets.md. For `ws`; clients of
   * socket.io have `auth.token`.
   * @default none: subprotocols are not looked at
   * @example
   * ```ts
   * ClerkModule.forRoot({ webSocket: { tokenSubprotocol: 'clerk' } });
   * ```
   */
  tokenSubprotocol?: string | undefined;
  /**
   * Whether a socket is closed (by `ws` with 4401) when a message of it was refused since its token has expired.
   * @default false
   */
  disconnectOnExpiry?: boolean | undefined;
}

/** How verified credentials are remembered. */
export interface VerificationCacheOptions {
  /**
   * How many at most, for each Clerk instance, up to 1000000; those used longest ago make room.
   * @default 10000; 1000 for each instance of `resolveOptions`
   */
  maxEntries?: number | undefined;
  /**
   * How much memory they take at most, in bytes, for each Clerk instance; those used longest ago make room. An entry takes
   * about a kilobyte, and one of a caller of the last moments about ten. It is an upper bound of what they really take,
   * so raise it together with `maxEntries`.
   * @default 33554432 (32 MiB); 2097152 (2 MiB) for each instance of `resolveOptions`
   */
  maxBytes?: number | undefined;
  /** Machine tokens that are no JWTs, which Clerk's Backend API verifies. */
  machineTokens?:
    | {
        /**
         * How long a verified one is relied on, in milliseconds, up to 60000. For as long a revoked or expired token keeps
         * working; 0 asks Clerk every time.
         * @default 0
         */
        ttl?: number | undefined;
      }
    | undefined;
}

/** How users whom `@CurrentUser()` loaded are remembered. */
export interface CurrentUserCacheOptions {
  /**
   * How old a remembered user may be, in milliseconds, from 1 to 60000. For as long a ban, a deletion or changed metadata
   * may not show; sessions and tokens are verified with every request all the same.
   * @default 10000
   */
  maxAgeInMs?: number | undefined;
  /**
   * How many at most, for each Clerk instance, up to 100000; those used longest ago make room. A user takes a few
   * kilobytes, and all together at most 16 KiB times this number.
   * @default 1000; 100 for each instance of `resolveOptions`
   */
  maxEntries?: number | undefined;
}

/**
 * Hears of a failed authentication.
 *
 * @param error One of this library's exceptions, with its stable `code`.
 * @param context Nest's context of the call.
 * @returns An Error to refuse with, or nothing.
 */
export type OnError = (
  error: HttpException & { readonly code: string },
  context: ExecutionContext,
) => Error | undefined | void | Promise<Error | undefined | void>;
