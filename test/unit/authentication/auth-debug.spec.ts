import { safeDebug } from '../../../lib/authentication/identity/auth-debug.js';

const shown = (data: object) => safeDebug(() => data)();

describe('safeDebug()', () => {
  it('shows only the first seven characters of keys, tokens and unknown text fields', () => {
    expect(
      shown({
        secretKey: 'sk_test_1234',
        machineSecretKey: 'ask_1234567',
        handshakeNonce: 'nonce_123',
        later: 'text',
      }),
    ).toEqual({ secretKey: 'sk_test', machineSecretKey: 'ask_123', handshakeNonce: 'nonce_1', later: 'text' });
  });

  it('shows listed fields, numbers, booleans, null and undefined in full', () => {
    const open = {
      ...{
        reason: 'session-token-expired',
        message: 'JWT is expired.',
        userAgent: 'curl/8.0.0',
        apiUrl: 'https://a.test',
      },
      ...{ audience: ['api.example'], clockSkewInMs: 5_000, isSatellite: false, domain: undefined, later: null },
    };
    expect(shown(open)).toEqual(open);
  });

  it('leaves out objects and functions of unlisted fields: clients, URLs, callbacks, lists', () => {
    const held = {
      apiClient: { users: {} },
      clerkUrl: new URL('https://a.test/?t=1'),
      onError: () => 'x',
      list: ['x'],
    };
    expect(shown(held)).toEqual({});
  });

  it('does not call the wrapped debug() until it is called', () => {
    const debug = jest.fn(() => ({}));
    const safe = safeDebug(debug);
    expect(debug).not.toHaveBeenCalled();
    expect(safe()).toEqual({});
  });
});
