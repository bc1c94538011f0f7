import type { ClerkClient } from '@clerk/backend';
import { signedOutAuthObject } from '@clerk/backend/internal';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { RequestUsers } from '../../../lib/authentication/instances/request-users.js';
import {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
} from '../../../lib/errors/clerk.errors.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const given = { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a', timeoutInMs: 50 };

/** RequestUsers over a client with this `getUser`, and the IDs that it was called with. */
function setUp(getUser: (id: string) => unknown, more: object = {}) {
  const asked: string[] = [];
  const client = { users: { getUser: async (id: string) => (asked.push(id), getUser(id)) } } as unknown as ClerkClient;
  return {
    users: new RequestUsers(new ClerkInstances(resolveClerkOptions({ ...given, ...more }, {}), client, given, {})),
    asked,
  };
}

const signedIn = (auth: object): Identity => ({
  ...{ status: 'signed-in', tokenType: 'session_token', reason: null, hasCredentials: true, headers: new Headers() },
  toAuth: () => ({ isAuthenticated: true, ...auth }) as never,
});
const ada = signedIn({ userId: 'user_ada' });
const failed = (failure: Identity['failure']) => signedOutIdentity('unexpected-error', 'any', true, { failure });
const request = () => ({ source: {}, carrier: {} });
const failing = (status?: unknown) => () => {
  throw Object.assign(new Error('of the Backend API'), { status });
};

describe('RequestUsers', () => {
  it('loads each user once per request, and again for another request', async () => {
    const { users, asked } = setUp((id) => ({ id }));
    const one = request();
    const twice = await Promise.all([users.load(one, ada), users.load({ ...one, source: {} }, ada)]);
    expect(twice).toEqual([{ id: 'user_ada' }, { id: 'user_ada' }]);
    expect(twice[0]).toBe(twice[1]);
    expect(await users.load(one, signedIn({ userId: 'user_bob' }))).toEqual({ id: 'user_bob' });
    expect(await users.load(one, ada)).toBe(twice[0]);
    expect(asked).toEqual(['user_ada', 'user_bob']);
    await users.load(request(), ada);
    expect(asked).toHaveLength(3);
  });

  const signedOut = { status: 401, code: 'authentication-required', message: 'Authentication is required.' };
  const noUser = { status: 403, code: 'user-required', message: 'The token belongs to no user.' };
  const misconfigured = { status: 500, message: 'Authentication is misconfigured on this server.' };
  const unavailable = {
    ...{ status: 503, code: 'clerk-unavailable' },
    message: 'The user cannot be loaded at the moment. Try again.',
  };

  it.each<[string, Identity, object]>([
    ['a signed-out caller', signedOutIdentity('token-expired', 'any', true), { ...signedOut, challenge: 'Bearer' }],
    [
      'a pending session',
      { ...ada, toAuth: () => signedOutAuthObject(undefined, 'pending') },
      { ...signedOut, challenge: 'Bearer' },
    ],
    ['a machine', signedIn({ machineId: 'mch_1', subject: 'mch_1' }), noUser],
    ['an API key of an organization', signedIn({ userId: null, orgId: 'org_1' }), noUser],
    ['a caller whom Clerk was unavailable to verify', failed(new ClerkUnavailableError('down')), unavailable],
    [
      'a caller whom Clerk did not verify because it rejects our key',
      failed(new ClerkKeyRejectedError('no')),
      { ...misconfigured, code: 'clerk-key-rejected' },
    ],
    [
      'a request for which resolveOptions failed',
      failed(new ClerkRequestOptionsError('threw')),
      { ...misconfigured, code: 'invalid-configuration' },
    ],
  ])('returns a denial without calling Clerk for %s', async (_, identity, denial) => {
    const { users, asked } = setUp((id) => ({ id }));
    expect(await users.load(request(), identity)).toEqual({ denial });
    expect(asked).toEqual([]);
  });

  it.each<[string, () => unknown, object]>([
    [
      'a user who does not exist (404)',
      failing(404),
      { status: 404, code: 'user-not-found', message: 'The user does not exist any more.' },
    ],
    ['a rejected key (401)', failing(401), { ...misconfigured, code: 'clerk-key-rejected' }],
    ['a forbidden key (403)', failing(403), { ...misconfigured, code: 'clerk-key-rejected' }],
    ['a rate limit (429)', failing(429), { ...unavailable, retryAfterInSeconds: 10 }],
    ['an outage (500)', failing(500), unavailable],
    ['an error without status', failing(), unavailable],
    ['an HTML page with status 200', () => '<html>', unavailable],
    ['another user', () => ({ id: 'user_bob' }), unavailable],
    ['an empty response', () => undefined, unavailable],
    ['a call that never completes', () => new Promise(() => undefined), unavailable],
  ])('returns the right denial for %s', async (_, getUser, denial) => {
    expect(await setUp(getUser).users.load(request(), ada)).toEqual({ denial });
  });

  it.each([
    [500, 2],
    [429, 1],
    [400, 1],
  ])('after status %i, calls Clerk %i times in all with one retry allowed', async (status, times) => {
    const { users, asked } = setUp(failing(status), { timeoutInMs: 5_000, maxRetries: 1 });
    await users.load(request(), ada);
    expect(asked).toHaveLength(times);
  });
});
