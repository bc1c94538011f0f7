import type { reverificationError } from '@clerk/backend/internal';

import { ClerkErrorCode } from './error-codes.js';

/** The statuses a refusal can have, in HTTP's words; other transports translate them. */
export type DenialStatus = 302 | 307 | 400 | 401 | 403 | 404 | 422 | 500 | 503;

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
  /** Value of the `Retry-After` header of a 503, in seconds. @see RFC 9110, section 10.2.3 */
  readonly retryAfterInSeconds?: number;
  /** What Clerk's frontend SDKs are told to ask the user for. */
  readonly reverification?: ReverificationConfig;
  /** The requirements that are not fulfilled; only where the application explains denials. */
  readonly missing?: readonly string[];
}

type ReverificationConfig = Parameters<typeof reverificationError>[0];

/** A challenge to present a Bearer token, and what was wrong with the one presented. @see RFC 6750, section 3 */
export function challengeOf(error?: 'invalid_token' | 'insufficient_scope', scopes: readonly string[] = []): string {
  const parameters = [error && `error="${error}"`, scopes.length > 0 && `scope="${[...new Set(scopes)].join(' ')}"`];
  return ['Bearer', parameters.filter(Boolean).join(', ')].join(' ').trimEnd();
}

/** Clerk refuses the key of this application: which one is only logged. */
export const KEY_REFUSED: Denial = {
  status: 500,
  code: ClerkErrorCode.ClerkKeyRefused,
  message: 'Authentication is misconfigured on this server.',
};
