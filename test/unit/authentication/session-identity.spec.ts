import { sessionIdentity } from '../../../lib/authentication/session-identity.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  {},
);
const identityOf = (sts: string) => sessionIdentity(options, 'x.y.z', { sub: 'user_1', sid: 'sess_1', sts } as never);

describe('sessionIdentity', () => {
  const signedIn = { isAuthenticated: true, userId: 'user_1' };
  const pending = { isAuthenticated: false, userId: null, sessionStatus: 'pending' };
  it.each([
    ['active', undefined, { ...signedIn, sessionStatus: 'active' }],
    ['active', true, { ...signedIn, sessionStatus: 'active' }],
    ['pending', undefined, pending],
    ['pending', true, pending],
    ['pending', false, { ...signedIn, sessionStatus: 'pending' }],
  ])('a session of status %s, pending as signed out: %s', (status, treatPendingAsSignedOut, auth) => {
    expect(identityOf(status).toAuth({ treatPendingAsSignedOut })).toMatchObject(auth);
    expect(identityOf(status)).toMatchObject({ status: 'signed-in', reason: null, credentialSent: true });
  });
});
