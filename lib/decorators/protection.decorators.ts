import type { AcceptedToken } from '../authentication/identity/token-types.js';
import { policyDecorator, PolicyMetadata } from '../policy/metadata.js';

/**
 * Lax: checks credentials, and allows the call whether the caller is signed in or not. Also drops the requirements of
 * the class. During an outage of Clerk the caller is signed out. Malformed requests are still denied, and handshakes
 * still redirect.
 *
 * @example
 * ```ts
 * @Get('rates')
 * @Public()
 * rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {}
 * ```
 */
export const Public = () => policyDecorator(PolicyMetadata.Protection, 'lax');

/**
 * Strict: denies the call unless the caller is signed in. You only need it if the application is lax by default, or
 * inside a controller that is `@Public()` or `@SkipAuth()`.
 *
 * @example
 * ```ts
 * @Public()
 * @Controller('articles')
 * export class ArticlesController {
 *   @Post()
 *   @RequireAuth()
 *   create() {}
 * }
 * ```
 */
export const RequireAuth = () => policyDecorator(PolicyMetadata.Protection, 'strict');

/**
 * Skips authentication: credentials are not checked. Use it for health checks, webhooks and static pages. On such a
 * handler, `@Auth()` fails the boot and `getAuth()` throws.
 *
 * @example
 * ```ts
 * @Get('health')
 * @SkipAuth()
 * health() {}
 * ```
 */
export const SkipAuth = () => policyDecorator(PolicyMetadata.Protection, 'skip');

/**
 * Accepts pending sessions, whose user still has a task to complete, such as choosing an organization. Use it on the
 * routes that complete such tasks. Without it, a pending session is denied with the code `session-pending`.
 *
 * @see https://clerk.com/docs/guides/configure/session-tasks
 */
export const AllowPendingSession = () => policyDecorator(PolicyMetadata.AllowPendingSession, true);

/**
 * Redirects a signed-out document navigation to the sign-in page, with a return URL, instead of returning 401. Use it
 * on controllers that serve pages.
 *
 * All other requests (fetch, API clients) still get 401. So does a browser if signing in would not help: the route
 * accepts no session, or rejects the session for its `azp` or `aud`.
 */
export const RedirectToSignIn = () => policyDecorator(PolicyMetadata.RedirectToSignIn, true);

/**
 * Sets the token types that the handler accepts. It does not change the protection.
 *
 * @param types One or more of `session_token`, `api_key`, `m2m_token`, `oauth_token`; or `any` alone.
 * @default 'session_token'
 * @example
 * ```ts
 * @Post('import')
 * @AcceptsToken('api_key', 'm2m_token')
 * import(@Auth() auth: MachineAuthObject<'api_key' | 'm2m_token'>) {}
 * ```
 * @see https://clerk.com/docs/guides/development/machine-auth/overview
 */
export const AcceptsToken = (...types: [AcceptedToken, ...AcceptedToken[]]) =>
  policyDecorator(PolicyMetadata.AcceptsToken, types);
