import type { User } from '@clerk/backend';

import { ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { Denied, type Outcome } from '../../errors/denial.js';
import { AUTHENTICATION_REQUIRED, denialForFailure, userUnavailable, USER_REQUIRED } from '../../errors/denials.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import type { ClerkInstances } from './clerk-instances.js';
import type { Identity } from '../identity/identity.js';

/** Loads the current users, each at most once per request. The instance's `UserCache` caches across requests. */
export class RequestUsers {
  private readonly loaded = new WeakMap<object, Map<string, Promise<Outcome<User>>>>();

  constructor(private readonly instances: ClerkInstances) {}

  /** Loads the current user from the instance that the request belongs to, or returns a denial. */
  async load({ source, carrier }: { source: object; carrier: object }, identity: Identity): Promise<Outcome<User>> {
    const { failure } = identity;
    if (failure) {
      const isOutage = failure.code === ClerkErrorCode.ClerkUnavailable;
      return new Denied(isOutage ? userUnavailable(failure) : denialForFailure(failure));
    }
    const auth = identity.toAuth();
    if (!auth.isAuthenticated) return new Denied(AUTHENTICATION_REQUIRED);
    const userId = 'userId' in auth ? auth.userId : null;
    if (!userId) return new Denied(USER_REQUIRED);

    const usersOfRequest = this.loaded.get(carrier) ?? new Map<string, Promise<Outcome<User>>>();
    this.loaded.set(carrier, usersOfRequest);
    let user = usersOfRequest.get(userId);
    if (!user) usersOfRequest.set(userId, (user = this.fetch(source, carrier, userId)));
    return user;
  }

  private async fetch(source: object, carrier: object, userId: string): Promise<Outcome<User>> {
    const { users } = await this.instances.for(source, carrier);
    try {
      return await users.load(userId);
    } catch (error) {
      return new Denied(userUnavailable(error instanceof ClerkUnavailableError ? error : undefined));
    }
  }
}
