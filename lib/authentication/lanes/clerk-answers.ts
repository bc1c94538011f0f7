import type { RequestState } from '@clerk/backend/internal';

import { ClerkKeyRefusedError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { retryTimes } from '../../client/clerk-calls.js';
import { Reason } from '../identity/reasons.js';
import type { TokenType } from '../identity/token-types.js';

/** What Clerk answers about a request. */
export type ClerkState = RequestState<TokenType | null>;

/** Statuses by which the Backend API says that a token is none; any other says nothing about it. */
const INVALID_TOKEN_STATUSES: readonly unknown[] = [400, 404, 410, 422];

/**
 * Finds the failures in Clerk's signed-out answers. For opaque tokens Clerk asks its Backend API and reports the
 * status only inside `message`; a status that cannot be read counts as an outage.
 */
export function throwOnFailure({ reason, message, tokenType }: ClerkState): void {
  if (reason === Reason.KeyRefused) throw new ClerkKeyRefusedError('The Backend API refused the secret key');
  if (reason === Reason.KeysUnavailable) throw new ClerkUnavailableError('Clerk could not load its keys');
  if (reason !== Reason.Unexpected || tokenType === null || tokenType === 'session_token') return;
  const status = Number(/\bstatus=(\d{3})\)$/.exec(String(message))?.[1]) || undefined;
  if (INVALID_TOKEN_STATUSES.includes(status)) return;
  if (status === 403) throw new ClerkKeyRefusedError('The Backend API does not let the secret key verify this token');
  const problem = `The Backend API did not verify the token (status ${status ?? 'unknown'})`;
  throw new ClerkUnavailableError(problem, retryTimes(status, undefined));
}

/**
 * Clerk takes whatever comes under status 200 for a token that is good, be it a page of HTML: that is nobody's token.
 */
export function assertTokenOwner(state: ClerkState): void {
  if (state.status !== 'signed-in') return;
  const { id, subject } = ownerOf(state);
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (!isText(id) || !isText(subject)) {
    throw new ClerkUnavailableError('The Backend API did not verify the token: it answered something else');
  }
}

function ownerOf(state: ClerkState): { readonly id?: unknown; readonly subject?: unknown } {
  try {
    return state.toAuth() as object;
  } catch {
    return {};
  }
}
