import type { AcceptedToken } from '../authentication/identity/token-types.js';
import { policyDecorator, PolicyMetadata } from '../policy/metadata.js';

/**
 * Lax: looks at credentials and lets everybody through, signed in or not. Also drops the requirements of the class.
 * An outage of Clerk leaves the caller signed out; a malformed request and a handshake redirect still apply.
 *
 * @example
 * `@Get('rates') @Public() rates(@Auth() auth: SignedInAuthObject | SignedOutAuthObject) {}`
 */
export const Public = () => policyDecorator(PolicyMetadata.Protection, 'public');

/**
 * Strict: denies unless somebody is signed in. Needed only where the application is lax by default, or inside a
 * controller that is `@Public()` or `@SkipAuth()`.
 */
export const RequireAuth = () => policyDecorator(PolicyMetadata.Protection, 'require-auth');

/**
 * Does not even look at credentials: for health checks, webhooks, static pages. `@Auth()` beside it is an error at
 * boot, and `getAuth()` throws.
 */
export const SkipAuth = () => policyDecorator(PolicyMetadata.Protection, 'skip-auth');

/**
 * Lets sessions in whose user still has a task to do, such as choosing an organization: for the routes on which such
 * tasks are done. Everywhere else they are refused with the code `session-pending`.
 *
 * @see https://clerk.com/docs/guides/configure/session-tasks
 */
export const AllowPendingSession = () => policyDecorator(PolicyMetadata.AllowPendingSession, true);

/**
 * Sends a document navigation that is not signed in to the sign-in page, with the way back, instead of answering 401.
 * Everything else (a fetch, a program) gets its 401, and so does a browser whom signing in would not help: on a route that
 * accepts no session, or refuses one for its `azp` or `aud`. For controllers that serve pages.
 */
export const RedirectToSignIn = () => policyDecorator(PolicyMetadata.RedirectToSignIn, true);

/**
 * Which token types the handler accepts. Changes the types, never the protection.
 *
 * @param types One or more of `session_token`, `api_key`, `m2m_token`, `oauth_token`; or `any` alone.
 * @default 'session_token' where the decorator is absent
 * @example
 * `@Post('import') @AcceptsToken('api_key', 'm2m_token') import(@Auth() auth: MachineAuthObject<'api_key' | 'm2m_token'>) {}`
 * @see https://clerk.com/docs/guides/development/machine-auth/overview
 */
export const AcceptsToken = (...types: [AcceptedToken, ...AcceptedToken[]]) =>
  policyDecorator(PolicyMetadata.AcceptsToken, types);
