import { withSafeDebug } from '../../../lib/authentication/auth-debug.js';

const debugOf = (data: object) => withSafeDebug({ debug: () => data } as never) as { debug(): object };

describe('withSafeDebug', () => {
  it('shows the first seven characters of keys, tokens and whatever it does not know', () => {
    expect(
      debugOf({
        secretKey: 'sk_test_1234',
        machineSecretKey: 'ask_1234567',
        handshakeNonce: 'nonce_123',
        later: 'text',
      }).debug(),
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
    expect(debugOf(open).debug()).toEqual(open);
  });

  it('leaves out what could hold a secret: clients, requests, URLs, functions', () => {
    const held = {
      apiClient: { users: {} },
      clerkUrl: new URL('https://a.test/?t=1'),
      onError: () => 'x',
      list: ['x'],
    };
    expect(debugOf(held).debug()).toEqual({});
  });

  it('reads nothing until it is asked, and changes nothing else of the auth object', () => {
    const debug = jest.fn(() => ({}));
    const auth = { userId: 'user_1', has: () => true, debug };
    const safe = withSafeDebug(auth as never) as typeof auth;
    expect(debug).not.toHaveBeenCalled();
    expect(safe).toEqual({ ...auth, debug: expect.any(Function) as unknown });
    expect(auth.debug).toBe(debug);
  });
});
