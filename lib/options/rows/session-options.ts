import { boolean } from '../option-checks.js';
import { option } from '../option-row.js';

/** Which sessions count, and for how long. */
export const SESSION_OPTIONS = {
  /**
   * Treats a session with an open task (choosing an organization, setting up a second factor) as signed out.
   * `@AllowPendingSession()` makes exceptions.
   *
   * @default true
   * @see https://clerk.com/docs/guides/configure/session-tasks
   */
  treatPendingAsSignedOut: option({ scope: 'module', default: true, check: boolean }),

  /**
   * Ends a stream of server-sent events (`@Sse()`) when the session token that opened it expires (`exp`, plus
   * `clockSkewInMs`): after about a minute with Clerk's tokens. The browser's EventSource reconnects with its current
   * cookie. By default a stream stays open until the client leaves, whatever happens to its session. Machine tokens do
   * not end streams.
   *
   * @default false
   */
  endStreamsOnExpiry: option({ scope: 'module', default: false, check: boolean }),
};
