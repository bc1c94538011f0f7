import { safeDebug } from '../../../lib/authentication/identity/auth-debug.js';

const shownOf = (data: object) => safeDebug(() => data)();

describe('safeDebug', () => {
  it('shows the first seven characters of keys, tokens and whatever it does not know', () => {
    expect(
      shownOf({
        secretKey: 'sk_test_1234',
        machineSecretKey: 'ask_1234567',
        handshakeNonce: 'nonce_123',
        later: 'text',
      }),
    ).toEqual({ secretKey: 'sk_test', machineSecretKey: 'ask_123', handshakeNonce: 'nonce_1', later: 'text' });
  });

  it('shows in full what Clerk went by and what is no text', () => {
    const open = {
      ...{
        reason: 'session-token-expired',
        message: 'JWT is expired.',
        userAgent: 'curl/8.0.0',
        apiUrl: 'https://a.test',
      },
      ...{ audience: ['api.example'], clockSkewInMs: 5_000, isSatellite: false, domain: undefined, later: null },
    };
    expect(shownOf(open)).toEqual(open);
  });

  it('leaves out what could hold a secret: clients, requests, URLs, functions', () => {
    const held = {
      apiClient: { users: {} },
      clerkUrl: new URL('https://a.test/?t=1'),
      onError: () => 'x',
      list: ['x'],
    };
    expect(shownOf(held)).toEqual({});
  });

  it('reads nothing until it is asked', () => {
    const debug = jest.fn(() => ({}));
    const safe = safeDebug(debug);
    expect(debug).not.toHaveBeenCalled();
    expect(safe()).toEqual({});
  });
});
