import type { ClerkClient, User } from '@clerk/backend';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { KEY_REJECTED, type Denial } from '../../errors/denial.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import { retryTimes } from '../../client/clerk-calls.js';

const NOT_FOUND: Denial = {
  status: 404,
  code: ClerkErrorCode.UserNotFound,
  message: 'The user does not exist any more.',
};

/**
 * Fetches a user from Clerk's Backend API.
 *
 * @returns The user, or a denial if the user does not exist or Clerk rejects the key of this application.
 * @throws ClerkUnavailableError if Clerk is unavailable or returns something else.
 */
export async function fetchUser({ users }: ClerkClient, userId: string): Promise<User | Denial> {
  try {
    const user = (await users.getUser(userId)) as Partial<User> | undefined;
    // Clerk treats every response with status 200 as a user.
    if (user?.id === userId) return user as User;
  } catch (error) {
    const { status, retryAfter } = error as { readonly status?: number; readonly retryAfter?: number };
    if (status === 404) return NOT_FOUND;
    if (status === 401 || status === 403) return KEY_REJECTED;
    throw new ClerkUnavailableError('The user was not loaded', retryTimes(status, retryAfter));
  }
  throw new ClerkUnavailableError('The Backend API returned something other than the user');
}
