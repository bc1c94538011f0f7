import type { ClerkErrorCode } from './error-codes.js';

/** The statuses a refusal can have, in HTTP's words; other transports translate them. */
export type DenialStatus = 302 | 307 | 400 | 401 | 403 | 500 | 503;

/**
 * A refusal as plain data: what every transport needs to speak it in its own words.
 *
 * `message` reaches the client and therefore says little; the reason goes to the log.
 */
export interface Denial {
  readonly status: DenialStatus;
  readonly code: ClerkErrorCode;
  readonly message: string;
  /** Where a redirect leads. */
  readonly location?: string;
  /** Value of the `WWW-Authenticate` header. @see RFC 6750, section 3 */
  readonly challenge?: string;
}
