import type { reverificationError } from '@clerk/backend/internal';

import { ClerkErrorCode } from './error-codes.js';

/** The possible statuses of a denial, as HTTP statuses. Other transports translate them. */
export type DenialStatus = 302 | 307 | 400 | 401 | 403 | 404 | 422 | 500 | 503;

/**
 * A denied call as plain data, which each transport turns into its own kind of error.
 *
 * `message` is sent to the client and therefore says little; the reason is logged.
 */
export interface Denial {
  readonly status: DenialStatus;
  readonly code: ClerkErrorCode;
  readonly message: string;
  /** The target URL of a redirect. */
  readonly location?: string;
  /**
   * Value of the `WWW-Authenticate` header.
   * @see RFC 6750, section 3
   */
  readonly challenge?: string;
  /**
   * Value of the `Retry-After` header of a 503, in seconds.
   * @see RFC 9110, section 10.2.3
   */
  readonly retryAfterInSeconds?: number;
  /** The reverification that Clerk's frontend SDKs should ask the user for. */
  readonly reverification?: ReverificationConfig;
  /** The requirements that are not fulfilled; set only if the application explains denials. */
  readonly missing?: readonly string[];
}

type ReverificationConfig = Parameters<typeof reverificationError>[0];

/**
 * Builds a challenge to present a Bearer token, with the error of the presented one.
 * @see RFC 6750, section 3
 */
export function challengeOf(error?: 'invalid_token' | 'insufficient_scope', scopes: readonly string[] = []): string {
  const parameters = [error && `error="${error}"`, scopes.length > 0 && `scope="${[...new Set(scopes)].join(' ')}"`];
  return ['Bearer', parameters.filter(Boolean).join(', ')].join(' ').trimEnd();
}

/** Clerk rejects the key of this application. Only the log says which key. */
export const KEY_REJECTED: Denial = {
  status: 500,
  code: ClerkErrorCode.ClerkKeyRejected,
  message: 'Authentication is misconfigured on this server.',
};

/** The options, or a function among them, do not allow a decision. Only the log says why. */
export const MISCONFIGURED: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidConfiguration,
  message: 'Authentication is misconfigured on this server.',
};

/** Clerk could not be asked. */
export const UNAVAILABLE: Denial = {
  status: 503,
  code: ClerkErrorCode.ClerkUnavailable,
  message: 'Authentication is unavailable at the moment. Try again.',
};
