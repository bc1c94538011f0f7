import type { ClerkClient, User } from '@clerk/backend';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { Denied, type Outcome } from '../../errors/denial.js';
import { CLERK_KEY_REJECTED, USER_NOT_FOUND } from '../../errors/denials.js';
import { retryTimes } from '../../client/clerk-calls.js';

/**
 * Fetches a user from Clerk's Backend API.
 *
 * @returns The user, or a denial if the user does not exist or Clerk rejects the key of this application.
 * @throws ClerkUnavailableError if Clerk is unavailable or returns something else.
 */
export async function fetchUser({ users }: ClerkClient, userId: string): Promise<Outcome<User>> {
  try {
    const user = (await users.getUser(userId)) as Partial<User> | undefined;
    // Clerk treats every response with status 200 as a user.
    if (user?.id === userId) return user as User;
  } catch (error) {
    const { status, retryAfter } = error as { readonly status?: number; readonly retryAfter?: number };
    if (status === 404) return new Denied(USER_NOT_FOUND);
    if (status === 401 || status === 403) return new Denied(CLERK_KEY_REJECTED);
    throw new ClerkUnavailableError('The user was not loaded', retryTimes(status, retryAfter));
  }
  throw new ClerkUnavailableError('The Backend API returned something other than the user');
}
