import { SignedOutIdentities } from '../../../lib/authentication/identity/signed-out-identities.js';

describe('SignedOutIdentities', () => {
  it('returns the same frozen identity for the same reason, token types and credentials', () => {
    const identities = new SignedOutIdentities();
    const identity = identities.get('token-invalid', ['session_token', 'api_key'], true);
    expect(identities.get('token-invalid', ['session_token', 'api_key'], true)).toBe(identity);
    expect(Object.isFrozen(identity)).toBe(true);
    expect(Object.isFrozen(identity.toAuth())).toBe(true);
    expect(identity).toMatchObject({ status: 'signed-out', reason: 'token-invalid', hasCredentials: true });
  });

  it('returns another identity for another reason, other token types or no credentials', () => {
    const identities = new SignedOutIdentities();
    const all = [
      identities.get('token-invalid', 'session_token', true),
      identities.get('token-invalid', 'session_token', false),
      identities.get('token-invalid', 'any', true),
      identities.get('token-expired', 'session_token', true),
    ];
    expect(new Set(all).size).toBe(4);
  });
});
