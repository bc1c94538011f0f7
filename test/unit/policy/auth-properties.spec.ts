import { authenticatedMachineObject, getAuthObjectFromJwt } from '@clerk/backend/internal';

import { TOKEN_TYPES, type TokenType } from '../../../lib/authentication/identity/token-types.js';
import { AUTH_PROPERTIES } from '../../../lib/policy/auth-properties.js';
import { sessionClaims } from '../../../lib/testing/local-clerk/session-claims.js';

/** What Clerk's own code builds for a verified token of this type. */
function authObjectOf(type: TokenType): object {
  if (type !== 'session_token') {
    const verified = { id: 'id_1', subject: 'user_1', scopes: [], name: 'n', claims: null, clientId: 'client_1' };
    return authenticatedMachineObject(type, 'token', verified as never);
  }
  const claims = sessionClaims({ status: 'active', factorVerificationAge: [0, 0] });
  const jwt = { raw: { text: 'x.y.z' }, payload: { sub: 'user_1', sid: 'sess_1', ...claims } };
  return getAuthObjectFromJwt(jwt as never, { secretKey: 'sk_test_x' });
}

describe('AUTH_PROPERTIES', () => {
  it.each(TOKEN_TYPES)('has exactly the properties of Clerk’s auth object for %s', (type) => {
    expect([...AUTH_PROPERTIES[type]].sort()).toEqual(Object.keys(authObjectOf(type)).sort());
  });
});
