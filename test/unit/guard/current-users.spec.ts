import 'reflect-metadata';

import type { ClerkClient } from '@clerk/backend';
import { ExecutionContextHost } from '@nestjs/core/internal';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { RequestUsers } from '../../../lib/authentication/instances/request-users.js';
import { CurrentUsers } from '../../../lib/guard/current-users.js';
import { ClerkAuthNotPopulatedError, ClerkNotFoundException, ClerkUnauthorizedException } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { signedIn } from '../../../lib/testing/index.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';
import { ApplicationTransports } from '../../../lib/transports/application-transports.js';
import { http } from '../../../lib/transports/http/http.kind.js';
import { TransportsRegistry } from '../../../lib/transports/transports.registry.js';

const ada = signedIn({ userId: 'user_ada' });
const IN: Identity = {
  ...{ status: 'signed-in', tokenType: 'session_token', reason: null, hasCredentials: true, headers: new Headers() },
  toAuth: () => ada,
};
const OUT = signedOutIdentity('token-expired', 'session_token', true);

describe('CurrentUsers', () => {
  const challenges: string[] = [];
  const httpAdapter = { getType: () => 'express', setHeader: (...said: string[]) => challenges.push(said[2]!) };
  beforeEach(() => void challenges.splice(0));

  /** Loads the user of a request with this identity, from a Clerk instance that has only the known user. */
  function load(identity: Identity | undefined, known: string) {
    const given = { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' };
    const options = resolveClerkOptions(given, {});
    const getUser = async (id: string) => {
      if (id !== known) throw Object.assign(new Error('of the Backend API'), { status: 404 });
      return { id };
    };
    const client = { users: { getUser } } as unknown as ClerkClient;
    const transports = new TransportsRegistry(new ApplicationTransports([http], options), options, new LogThrottle(), {
      get: () => ({ httpAdapter }) as never,
    });
    const request = { headers: {}, url: '/' };
    if (identity) attachIdentity(request, identity);
    return new CurrentUsers(new RequestUsers(new ClerkInstances(options, client, given, {})), transports).load(
      new ExecutionContextHost([request, {}]),
    );
  }

  it('loads the user of the signed-in caller', async () => {
    expect(await load(IN, 'user_ada')).toEqual({ id: 'user_ada' });
  });

  it('denies with 404 if the user does not exist, and with 401 and a challenge if the caller is not signed in', async () => {
    await expect(load(IN, 'user_bob')).rejects.toThrow(ClerkNotFoundException);
    expect(challenges).toEqual([]);
    await expect(load(OUT, 'user_ada')).rejects.toThrow(ClerkUnauthorizedException);
    expect(challenges).toEqual(['Bearer']);
  });

  it('throws ClerkAuthNotPopulatedError if no guard has authenticated the request', async () => {
    await expect(load(undefined, 'user_ada')).rejects.toThrow(ClerkAuthNotPopulatedError);
  });
});
