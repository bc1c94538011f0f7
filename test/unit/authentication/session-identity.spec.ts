import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { SignedInAuthObject } from '@clerk/backend/internal';

import { SessionIdentities } from '../../../lib/authentication/identity/session-identity.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  {},
);
const identityOf = (sts: string) =>
  new SessionIdentities(options).create('x.y.z', { sub: 'user_1', sid: 'sess_1', sts } as never);

describe('SessionIdentities', () => {
  const signedIn = { isAuthenticated: true, userId: 'user_1' };
  const pending = { isAuthenticated: false, userId: null, sessionStatus: 'pending' };
  it.each([
    ['active', undefined, { ...signedIn, sessionStatus: 'active' }],
    ['active', true, { ...signedIn, sessionStatus: 'active' }],
    ['pending', undefined, pending],
    ['pending', true, pending],
    ['pending', false, { ...signedIn, sessionStatus: 'pending' }],
  ])(
    'for a session with status %s and treatPendingAsSignedOut %s, returns the auth object of Clerk',
    (status, treatPendingAsSignedOut, auth) => {
      expect(identityOf(status).toAuth({ treatPendingAsSignedOut })).toMatchObject(auth);
      expect(identityOf(status)).toMatchObject({ status: 'signed-in', reason: null, hasCredentials: true });
    },
  );

  it('fetches the token of a JWT template from its own Clerk instance with the secret key of the options', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer(({ method, url, headers }, response) => {
      asked.push(method, url, headers.authorization);
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'token', jwt: 'a.b.c' }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const sessions = new SessionIdentities({ ...options, apiUrl });
    const auth = sessions.create('x.y.z', { sub: 'user_1', sid: 'sess_1' } as never).toAuth();
    const token = await (auth as SignedInAuthObject).getToken({ template: 'own' });
    server.close();
    expect([token, ...asked]).toEqual(['a.b.c', 'POST', '/v1/sessions/sess_1/tokens/own', 'Bearer sk_test_a']);
  });
});
