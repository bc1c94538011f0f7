import type { User } from '@clerk/backend';

import { retryAfterOf } from '../../errors/clerk.errors.js';
import { challengeOf, KEY_REJECTED, type Denial } from '../../errors/denial.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import type { ClerkInstances } from './clerk-instances.js';
import type { AuthenticationFailure, Identity } from '../identity/identity.js';

/** Loads the current users, each at most once per request. The instance's `UserCache` caches across requests. */
export class RequestUsers {
  private readonly loaded = new WeakMap<object, Map<string, Promise<User | Denial>>>();

  constructor(private readonly instances: ClerkInstances) {}

  /** Loads the current user from the instance that the request belongs to, or returns a denial. */
  async load({ source, carrier }: { source: object; carrier: object }, identity: Identity): Promise<User | Denial> {
    if (identity.failure) return denialForFailure(identity.failure);
    const auth = identity.toAuth();
    if (!auth.isAuthenticated) return SIGNED_OUT;
    const userId = 'userId' in auth ? auth.userId : null;
    if (!userId) return NO_USER;

    const usersOfRequest = this.loaded.get(carrier) ?? new Map<string, Promise<User | Denial>>();
    this.loaded.set(carrier, usersOfRequest);
    let user = usersOfRequest.get(userId);
    if (!user) usersOfRequest.set(userId, (user = this.fetch(source, carrier, userId)));
    return user;
  }

  private async fetch(source: object, carrier: object, userId: string): Promise<User | Denial> {
    const { users } = await this.instances.for(source, carrier);
    try {
      return await users.load(userId);
    } catch (error) {
      return unavailable(error);
    }
  }
}

/** The denial for a request that could not be authenticated because of a failure. */
function denialForFailure(failure: AuthenticationFailure): Denial {
  const { code } = failure;
  return code === ClerkErrorCode.ClerkUnavailable ? unavailable(failure) : { ...KEY_REJECTED, code };
}

function unavailable(error: unknown): Denial {
  return {
    status: 503,
    code: ClerkErrorCode.ClerkUnavailable,
    message: 'The user cannot be loaded at the moment. Try again.',
    ...retryAfterOf(error),
  };
}

const SIGNED_OUT: Denial = {
  status: 401,
  code: ClerkErrorCode.AuthenticationRequired,
  message: 'Authentication is required.',
  challenge: challengeOf(),
};
const NO_USER: Denial = { status: 403, code: ClerkErrorCode.UserRequired, message: 'The token belongs to no user.' };
