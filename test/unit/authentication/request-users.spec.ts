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

/** Users of a Clerk that answers as told, and whom it was asked for. */
function over(getUser: (id: string) => unknown, more: object = {}) {
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
  it('loads each user of a request once, and anew for another request', async () => {
    const { users, asked } = over((id) => ({ id }));
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
    ['nobody', signedOutIdentity('token-expired', 'any', true), { ...signedOut, challenge: 'Bearer' }],
    [
      'somebody with an open task',
      { ...ada, toAuth: () => signedOutAuthObject(undefined, 'pending') },
      { ...signedOut, challenge: 'Bearer' },
    ],
    ['a machine', signedIn({ machineId: 'mch_1', subject: 'mch_1' }), noUser],
    ['the key of an organization', signedIn({ userId: null, orgId: 'org_1' }), noUser],
    ['whom Clerk could not be asked about', failed(new ClerkUnavailableError('down')), unavailable],
    [
      'whom Clerk would not be asked about',
      failed(new ClerkKeyRejectedError('no')),
      { ...misconfigured, code: 'clerk-key-rejected' },
    ],
    [
      'a request without usable options',
      failed(new ClerkRequestOptionsError('threw')),
      { ...misconfigured, code: 'invalid-configuration' },
    ],
  ])('asks nothing about %s', async (_, identity, denial) => {
    const { users, asked } = over((id) => ({ id }));
    expect(await users.load(request(), identity)).toEqual({ denial });
    expect(asked).toEqual([]);
  });

  it.each<[string, () => unknown, object]>([
    [
      'a user who is gone',
      failing(404),
      { status: 404, code: 'user-not-found', message: 'The user does not exist any more.' },
    ],
    ['a refused key', failing(401), { ...misconfigured, code: 'clerk-key-rejected' }],
    ['a forbidden key', failing(403), { ...misconfigured, code: 'clerk-key-rejected' }],
    ['too many questions', failing(429), { ...unavailable, retryAfterInSeconds: 10 }],
    ['an outage', failing(500), unavailable],
    ['an error without status', failing(), unavailable],
    ['a page of HTML', () => '<html>', unavailable],
    ['another user', () => ({ id: 'user_bob' }), unavailable],
    ['no user', () => undefined, unavailable],
    ['no answer at all', () => new Promise(() => undefined), unavailable],
  ])('tells of %s', async (_, getUser, denial) => {
    expect(await over(getUser).users.load(request(), ada)).toEqual({ denial });
  });

  it.each([
    [500, 2],
    [429, 1],
    [400, 1],
  ])('asks again where that may help: after a status %i it has asked %i times', async (status, times) => {
    const { users, asked } = over(failing(status), { timeoutInMs: 5_000, maxRetries: 1 });
    await users.load(request(), ada);
    expect(asked).toHaveLength(times);
  });
});
