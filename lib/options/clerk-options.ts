import type {
  CurrentUserCacheOptions,
  DefaultProtection,
  FrontendApiProxyOptions,
  OnError,
  VerificationCacheOptions,
  WebSocketOptions,
} from './option-types.js';
import type { RequestOptions } from './tenant-options.js';
import type { GraphqlOptions, RpcOptions, TransportAdapter } from './transport-options.js';

/**
 * Finds the options of a request.
 *
 * `publishableKey`, `secretKey`, `machineSecretKey`, `jwtKey` and `clerkClient` come from its answer alone, never from
 * the module or the environment; what else it leaves out is the module's. Answering nothing, or throwing, refuses the
 * request (500, logged).
 *
 * Each option of the answer is read once for each request, and only what was read is used. Equal answers share what is
 * remembered of callers, so define functions and clients once, outside of this function: new ones make another answer.
 * Keys, and the bounds on calls to Clerk, are shared by all answers with the same keys, `apiUrl`, `apiVersion` and bounds.
 *
 * @param request The request as the platform gives it: Express', Fastify's, or Node's where a middleware asks. Of
 * a microservice's message, the context that its transport gives (`TcpContext`, …).
 */
export type ResolveOptions = (request: never) => RequestOptions | undefined | Promise<RequestOptions | undefined>;

/**
 * Options of `ClerkModule.forRoot()`.
 *
 * Each is taken from here, else from its environment variable, else from its default. They are read when the
 * application boots, so a `.env` that ConfigModule loads is seen.
 *
 * @see https://clerk.com/docs/guides/development/clerk-environment-variables
 */
export interface ClerkModuleOptions extends RequestOptions {
  /**
   * Whether a session with an open task (choosing an organization, setting up a second factor) counts as signed out.
   * `@AllowPendingSession()` makes exceptions.
   * @default true
   * @see https://clerk.com/docs/guides/configure/session-tasks
   */
  treatPendingAsSignedOut?: boolean | undefined;

  /**
   * Whether a document navigation that is not signed in is redirected to `signInUrl` (else to `/`), with the way back
   * in it, instead of answered 401. Fetches get their 401 all the same, and so does a browser whom signing in would not
   * help: on a route that accepts no session, or refuses one for its `azp` or `aud`. `@RedirectToSignIn()` says it for
   * single controllers and handlers.
   * @default false
   */
  redirectToSignIn?: boolean | undefined;

  /**
   * Hears of every failed authentication: when a strict handler refuses (401, 503), and when a lax one lets somebody
   * through whose credential was not accepted, or while Clerk fails. Never of a missing right (403).
   *
   * Returning an Error refuses with it, on a lax handler too; its `statusCode` and `data` shape the answer. Returning
   * nothing leaves it to the handler's protection. Throwing refuses.
   */
  onError?: OnError | undefined;

  /**
   * Options of a single request, for applications that serve several Clerk instances: by host, say. Keys and client then
   * come from it alone, and the module needs none of its own.
   */
  resolveOptions?: ResolveOptions | undefined;

  /**
   * Whether a stream of server-sent events (`@Sse()`) ends when the session token that opened it expires (`exp`, and
   * `clockSkewInMs` later): after a minute, as Clerk's tokens live. A browser's EventSource then connects anew, with the
   * cookie of that moment. Otherwise a stream lasts for as long as the client stays, whatever becomes of its session.
   * Machine tokens end no stream.
   * @default false
   */
  endStreamsOnExpiry?: boolean | undefined;

  /**
   * Where the callers of microservices put their credentials. Without it every protected message handler is denied.
   *
   * @example { credentials: (context) => context.switchToRpc().getContext<TcpContext>().getMetadata()?.authorization }
   */
  rpc?: RpcOptions | undefined;

  /**
   * GraphQL over WebSockets: where clients put their token, and what happens to a connection when it expires.
   *
   * @default { connectionParams: ['authorization'], disconnectOnExpiry: false }
   * @example { disconnectOnExpiry: true }
   */
  graphql?: GraphqlOptions | undefined;

  /**
   * Adapters for calls of other kinds, by what `context.getType()` says of them. What has none is denied.
   *
   * @example { necord: { call: (context) => context.getArgByIndex(0), credentials: (context) => … } }
   */
  transports?: Readonly<Record<string, TransportAdapter>> | undefined;

  /**
   * Serves Clerk's Frontend API under a path of this server, for browsers that cannot reach Clerk's own domain.
   * `proxyUrl` is derived from it. Needs one line in main.ts, before the application listens:
   * `app.use(frontendApiProxy(app))`. Where Clerk begins no answer within `timeoutInMs`, it answers 503.
   *
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
   */
  frontendApiProxy?: FrontendApiProxyOptions | undefined;

  /** What sockets of gateways may present, and what becomes of them once their token has expired. */
  webSocket?: WebSocketOptions | undefined;

  /**
   * Whether credentials that were verified are remembered until they expire, at most a minute, instead of verified with
   * every request. `false` switches it off.
   * @default true
   */
  verificationCache?: boolean | VerificationCacheOptions | undefined;

  /**
   * Whether users whom `@CurrentUser()` loaded are remembered for ten seconds, or as long as `maxAgeInMs` says, instead of
   * loaded for every request; concurrent requests of one user then share one call to Clerk. Meanwhile a handler may see a user
   * as before a ban, a deletion, or a change of metadata, also one that the application made itself. Each request gets an
   * object of its own. `false` loads the user anew for every request.
   * @default true
   */
  currentUserCache?: boolean | CurrentUserCacheOptions | undefined;

  /**
   * Whether session tokens in the Authorization header are verified without Clerk's SDK, where there is no doubt what it
   * would say. Switch it off to have everything verified by `authenticateRequest()`.
   * @default true
   */
  directVerification?: boolean | undefined;

  /**
   * Whether a 403 lists the requirements that are not fulfilled (`missing`). For development: it tells strangers how the
   * application is protected. The log lists them anyway, at debug level.
   * @default false
   */
  explainDenials?: boolean | undefined;

  /**
   * Whether to log, for every request, why it was signed in, signed out or sent to a handshake.
   * @default false
   */
  debug?: boolean | undefined;

  /**
   * What handlers without a protection decorator get: `strict` denies unless somebody is signed in; `lax` lets
   * everybody through and only says who is calling.
   * @default 'strict'
   */
  protection?: DefaultProtection | undefined;
}

/** What `useClass` and `useExisting` of `forRootAsync()` must provide. */
export interface ClerkOptionsFactory {
  createClerkOptions(): ClerkModuleOptions | Promise<ClerkModuleOptions>;
}
