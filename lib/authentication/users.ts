import type { ClerkClient, User } from '@clerk/backend';

import { ClerkUnavailableError } from '../errors/clerk.errors.js';
import { challengeOf, type Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { retryInMs } from './clerk-calls.js';
import type { ClerkInstances } from './clerk-instances.js';
import type { AuthenticationFailure, Identity } from './identity.js';

/** Loads the users who call, each at most once per request. */
export class Users {
  private readonly loaded = new WeakMap<object, Map<string, Promise<User | Denial>>>();

  constructor(private readonly instances: ClerkInstances) {}

  /** The user who calls, of the instance that the request belongs to; or why there is none. */
  async load({ source, carrier }: { source: object; carrier: object }, identity: Identity): Promise<User | Denial> {
    if (identity.failure) return unableToAsk(identity.failure);
    const auth = identity.toAuth();
    if (!auth.isAuthenticated) return SIGNED_OUT;
    const userId = 'userId' in auth ? auth.userId : null;
    if (!userId) return NO_USER;

    const ofRequest = this.loaded.get(carrier) ?? new Map<string, Promise<User | Denial>>();
    this.loaded.set(carrier, ofRequest);
    let user = ofRequest.get(userId);
    if (!user) ofRequest.set(userId, (user = this.fetch(source, carrier, userId)));
    return user;
  }

  private async fetch(source: object, carrier: object, userId: string): Promise<User | Denial> {
    const { client, calls } = await this.instances.for(source, carrier);
    try {
      return await calls.inTime(calls.repeatedly(() => calls.counted(() => userOf(client, userId))));
    } catch {
      return UNAVAILABLE;
    }
  }
}

async function userOf({ users }: ClerkClient, userId: string): Promise<User | Denial> {
  try {
    const user = (await users.getUser(userId)) as Partial<User> | undefined;
    // Clerk takes whatever comes under status 200 for a user.
    // Stryker disable next-line OptionalChaining: an error has no status either.
    if (user?.id === userId) return user as User;
  } catch (error) {
    const { status, retryAfter } = error as { readonly status?: number; readonly retryAfter?: number };
    if (status === 404) return NOT_FOUND;
    if (status === 401 || status === 403) return KEY_REFUSED;
    // Stryker disable next-line StringLiteral: of an outage the caller is told no more than that.
    throw new ClerkUnavailableError('The user was not loaded', { retryInMs: retryInMs(status, retryAfter) });
  }
  // Stryker disable next-line StringLiteral: the same.
  throw new ClerkUnavailableError('The Backend API answered something else than the user');
}

/** Why nobody can be loaded where Clerk could not even be asked who is calling. */
function unableToAsk({ code }: AuthenticationFailure): Denial {
  return code === ClerkErrorCode.ClerkUnavailable ? UNAVAILABLE : { ...KEY_REFUSED, code };
}

const SIGNED_OUT: Denial = {
  status: 401,
  code: ClerkErrorCode.AuthenticationRequired,
  message: 'Authentication is required.',
  challenge: challengeOf(),
};
const NO_USER: Denial = { status: 403, code: ClerkErrorCode.UserRequired, message: 'The token belongs to no user.' };
const NOT_FOUND: Denial = {
  status: 404,
  code: ClerkErrorCode.UserNotFound,
  message: 'The user does not exist any more.',
};
const KEY_REFUSED: Denial = {
  status: 500,
  code: ClerkErrorCode.ClerkKeyRefused,
  message: 'Authentication is misconfigured on this server.',
};
const UNAVAILABLE: Denial = {
  status: 503,
  code: ClerkErrorCode.ClerkUnavailable,
  message: 'The user cannot be loaded at the moment. Try again.',
};
