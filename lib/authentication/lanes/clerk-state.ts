import type { RequestState } from '@clerk/backend/internal';

import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { retryTimes } from '../../client/clerk-calls.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

/** The result of Clerk's `authenticateRequest`. */
export type ClerkState = RequestState<TokenType | null>;

/** Statuses with which the Backend API reports an invalid token. Any other status says nothing about the token. */
const INVALID_TOKEN_STATUSES: readonly unknown[] = [400, 404, 410, 422];

/**
 * Throws if Clerk's signed-out result hides a failure. For opaque tokens Clerk calls its Backend API and reports the
 * status only inside `message`; an unreadable status counts as an outage.
 *
 * @throws ClerkUnavailableError if Clerk could not verify the request.
 * @throws ClerkKeyRejectedError if Clerk rejects the key of this application.
 */
export function throwOnFailure({ reason, message, tokenType }: ClerkState): void {
  if (reason === Reason.KeyRejected) throw new ClerkKeyRejectedError('The Backend API rejected the secret key');
  if (reason === Reason.KeysUnavailable) throw new ClerkUnavailableError('Clerk could not load its keys');
  if (reason !== Reason.Unexpected || tokenType === null || tokenType === 'session_token') return;
  const status = Number(/\bstatus=(\d{3})\)$/.exec(String(message))?.[1]) || undefined;
  if (INVALID_TOKEN_STATUSES.includes(status)) return;
  if (status === 403) throw new ClerkKeyRejectedError('The Backend API does not let the secret key verify this token');
  const problem = `The Backend API did not verify the token (status ${status ?? 'unknown'})`;
  throw new ClerkUnavailableError(problem, retryTimes(status, undefined));
}

/**
 * Makes sure that a verified token names its owner. Clerk treats every response with status 200 as a valid token, even
 * an HTML page.
 *
 * @throws ClerkUnavailableError if the token has no owner.
 */
export function assertTokenOwner(state: ClerkState): void {
  if (state.status !== 'signed-in') return;
  const { id, subject } = readOwner(state);
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (!isText(id) || !isText(subject)) {
    throw new ClerkUnavailableError('The Backend API did not verify the token: it returned something else');
  }
}

function readOwner(state: ClerkState): { readonly id?: unknown; readonly subject?: unknown } {
  try {
    return state.toAuth() as object;
  } catch {
    return {};
  }
}
