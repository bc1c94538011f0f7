import type { ExecutionContext, HttpException } from '@nestjs/common';

/** The protection of handlers without a protection decorator: `strict` requires sign-in, `lax` lets every caller through. */
export type DefaultProtection = 'strict' | 'lax';

/**
 * A value, or a function that returns it for the URL of a request as the browser sees it: with the forwarded host where
 * the application trusts its proxy (Express' `trust proxy`, Fastify's `trustProxy`) or lists that origin in
 * `authorizedParties`.
 */
export type ValueOrFunction<T> = T | ((url: URL) => T);

/** Clerk's Frontend API under a path of this server. */
export interface FrontendApiProxyOptions {
  /** Whether the proxy is enabled: always, never, or for which URLs (as the browser sees them). */
  enabled: boolean | ((url: URL) => boolean);
  /**
   * The path of the proxy.
   * @default '/__clerk'
   */
  path?: string | undefined;
}

/** The accepted values of the `aud` claim, for each type of JWT. */
export interface AudienceByTokenType {
  session_token?: string | string[] | undefined;
  m2m_token?: string | string[] | undefined;
  oauth_token?: string | string[] | undefined;
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

/** Limits of the verification cache. */
export interface VerificationCacheOptions {
  /**
   * The maximum number of cached credentials for each Clerk instance, up to 1000000. The least recently used are
   * evicted. The default is 1000 for each instance of `resolveOptions`.
   * @default 10000
   */
  maxEntries?: number | undefined;
  /**
   * The maximum memory of the cached credentials for each Clerk instance, in bytes. The least recently used are evicted.
   * An entry takes about a kilobyte, that of a recent caller about ten. It is an upper bound of the real size, so raise
   * it together with `maxEntries`. The default is 2097152 (2 MiB) for each instance of `resolveOptions`.
   * @default 33554432
   */
  maxBytes?: number | undefined;
  /** Opaque machine tokens, which Clerk's Backend API verifies. */
  machineTokens?:
    | {
        /**
         * How long a verified opaque machine token is cached, in milliseconds, up to 60000. A revoked or expired token
         * keeps working for that long. With 0, Clerk verifies the token for every request.
         * @default 0
         */
        ttl?: number | undefined;
      }
    | undefined;
}

/** Limits of the cache of users that `@CurrentUser()` loads. */
export interface CurrentUserCacheOptions {
  /**
   * How old a cached user may be, in milliseconds, from 1 to 60000. Bans, deletions and changed metadata show after
   * that. Sessions and tokens are still verified for every request.
   * @default 10000
   */
  maxAgeInMs?: number | undefined;
  /**
   * The maximum number of cached users for each Clerk instance, up to 100000. The least recently used are evicted. A
   * user takes a few kilobytes, and all together at most 16 KiB times this number. The default is 100 for each instance
   * of `resolveOptions`.
   * @default 1000
   */
  maxEntries?: number | undefined;
}

/**
 * Called whenever authentication fails.
 *
 * @param error One of this library's exceptions, with its stable `code`.
 * @param context Nest's context of the call.
 * @returns An Error to deny the call with, or nothing.
 */
export type OnError = (
  error: HttpException & { readonly code: string },
  context: ExecutionContext,
) => Error | undefined | void | Promise<Error | undefined | void>;
