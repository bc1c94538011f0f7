import type {
  CurrentUserCacheOptions,
  DefaultProtection,
  FrontendApiProxyOptions,
  OnError,
  VerificationCacheOptions,
  WebSocketOptions,
} from './option-types.js';
import type { RequestOptions } from './tenant-options.js';
import type { GraphqlOptions, RpcOptions, TransportAdapters } from './transport-options.js';

/**
 * Returns the options of a request, for applications with many tenants.
 *
 * `publishableKey`, `secretKey`, `machineSecretKey`, `jwtKey` and `clerkClient` are taken from the result alone, never
 * from the module or the environment. Other options that it leaves out are the module's. If the function returns
 * nothing, or throws, the request is denied with 500 and the error is logged.
 *
 * Each option of the result is read once per request. Equal results share cached callers, so define functions and
 * clients once, outside of this function: new ones make another set of options. Keys, and the bounds on calls to Clerk,
 * are shared by all results with the same keys, `apiUrl`, `apiVersion` and bounds.
 *
 * @param request The platform's request: Express', Fastify's, or Node's in a middleware. For a microservice, the
 * transporter's context (`TcpContext`, …).
 * @example
 * ```ts
 * ClerkModule.forRoot({ resolveOptions: (request: Request) => tenants[request.hostname] });
 * ```
 */
export type ResolveOptions = (request: never) => RequestOptions | undefined | Promise<RequestOptions | undefined>;

/**
 * Options of `ClerkModule.forRoot()`.
 *
 * Each option is taken from here, else from its environment variable, else from its default. Options are read when the
 * application boots, so a `.env` file that ConfigModule loads is seen.
 *
 * @see https://clerk.com/docs/guides/development/clerk-environment-variables
 */
export interface ClerkModuleOptions extends RequestOptions {
  /**
   * Treats a session with an open task (choosing an organization, setting up a second factor) as signed out.
   * `@AllowPendingSession()` makes exceptions.
   *
   * @default true
   * @see https://clerk.com/docs/guides/configure/session-tasks
   */
  treatPendingAsSignedOut?: boolean | undefined;

  /**
   * Redirects page navigations that are not signed in to `signInUrl`, else to `/`, with the URL to return to. Fetches
   * still get 401. So do navigations that signing in would not help: on a route that accepts no session, or that denies
   * the session for its `azp` or `aud`. `@RedirectToSignIn()` does it for single controllers and handlers.
   *
   * @default false
   */
  redirectToSignIn?: boolean | undefined;

  /**
   * Called whenever authentication fails: when a strict handler denies the call (401, 503), and on lax handlers when
   * credentials are not accepted or Clerk is unavailable. It is not called for a missing right (403).
   *
   * An Error that it returns is the answer, on lax handlers too; its `statusCode` and `data` shape the response. If it
   * returns nothing, the handler's protection decides. If it throws, the call is denied.
   */
  onError?: OnError | undefined;

  /**
   * Returns the options of a request, for applications that serve several Clerk instances, by host for example. Keys and
   * client are then taken from the result alone, and the module needs no keys of its own.
   */
  resolveOptions?: ResolveOptions | undefined;

  /**
   * Ends a stream of server-sent events (`@Sse()`) when the session token that opened it expires (`exp`, plus
   * `clockSkewInMs`): after about a minute with Clerk's tokens. The browser's EventSource reconnects with its current
   * cookie. By default a stream stays open until the client leaves, whatever happens to its session. Machine tokens do
   * not end streams.
   *
   * @default false
   */
  endStreamsOnExpiry?: boolean | undefined;

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
  rpc?: RpcOptions | undefined;

  /**
   * Where clients of GraphQL over WebSockets put their token, and whether the connection is closed when it expires.
   *
   * @default { connectionParams: ['authorization'], disconnectOnExpiry: false }
   * @example
   * ```ts
   * ClerkModule.forRoot({ graphql: { disconnectOnExpiry: true } });
   * ```
   */
  graphql?: GraphqlOptions | undefined;

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
  transports?: TransportAdapters | undefined;

  /**
   * Serves Clerk's Frontend API under a path of this server, for browsers that cannot reach Clerk's own domain.
   * `proxyUrl` is set automatically. Needs `app.use(frontendApiProxy(app))` in main.ts, before the application listens.
   * Returns 503 if Clerk does not begin to answer within `timeoutInMs`.
   *
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
   */
  frontendApiProxy?: FrontendApiProxyOptions | undefined;

  /** Which credentials the sockets of gateways may present, and whether a socket is closed when its token has expired. */
  webSocket?: WebSocketOptions | undefined;

  /**
   * Caches verified credentials until they expire, for a minute at most. `false` verifies them for every request.
   *
   * @default true
   */
  verificationCache?: boolean | VerificationCacheOptions | undefined;

  /**
   * Caches the users that `@CurrentUser()` loads, for ten seconds or for `maxAgeInMs`. Concurrent requests of one user
   * share one call to Clerk. A ban, a deletion or changed metadata shows only after that time, including changes that
   * the application makes itself. Each request gets an object of its own. `false` loads the user for every request.
   *
   * @default true
   */
  currentUserCache?: boolean | CurrentUserCacheOptions | undefined;

  /**
   * Verifies plain session tokens in the Authorization header without Clerk's SDK, with the same result. `false` has
   * everything verified by `authenticateRequest()`.
   *
   * @default true
   */
  directVerification?: boolean | undefined;

  /**
   * Lists the missing requirements in a 403 (`missing`). For development only: it shows strangers how the application
   * is protected. The log lists them at debug level in any case.
   *
   * @default false
   */
  explainDenials?: boolean | undefined;

  /**
   * Logs for every request why it is signed in, signed out or sent to a handshake.
   *
   * @default false
   */
  debug?: boolean | undefined;

  /**
   * What handlers without a protection decorator get: `'strict'` denies callers who are not signed in; `'lax'` lets
   * every caller through and only tells the handler who is calling, as `@Public()` does.
   *
   * @default 'strict'
   */
  protection?: DefaultProtection | undefined;
}

/** What `useClass` and `useExisting` of `forRootAsync()` provide. */
export interface ClerkOptionsFactory {
  createClerkOptions(): ClerkModuleOptions | Promise<ClerkModuleOptions>;
}
