import { generateKeyPairSync, sign } from 'node:crypto';

import type { ClerkClient } from '@clerk/backend';

import { ClerkCalls } from '../../../lib/client/clerk-calls.js';
import { createAuthenticator, createInstance } from '../../../lib/authentication/instances/clerk-instance.js';
import { StaticKeySet } from '../../../lib/authentication/keys/key-set.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwtKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const publishableKey = `pk_test_${btoa('a.clerk.accounts.dev$')}`;
const telemetry = { disabled: true };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(expiresIn = 60) {
  const claims = { sub: 'user_1', sid: 'sess_1', exp: Math.floor(Date.now() / 1_000) + expiresIn };
  const content = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'ins_1' })}.${encode(claims)}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), privateKey).toString('base64url')}`;
}

/** A Clerk client that accepts every token and counts its calls. */
function clientOf(token: string) {
  const sessionClaims = JSON.parse(atob(token.split('.')[1]!));
  const auth = { isAuthenticated: true, userId: 'user_1', sessionClaims, getToken: async () => token };
  const state = { status: 'signed-in', tokenType: 'session_token', reason: null, headers: new Headers() };
  const authenticateRequest = jest.fn(async () => ({ ...state, toAuth: () => auth }));
  return { authenticateRequest } as typeof state & { authenticateRequest: jest.Mock } & ClerkClient;
}

const withKey = (given: ClerkModuleOptions = {}) =>
  resolveClerkOptions({ publishableKey, secretKey: 'sk_test_a', jwtKey, telemetry, ...given }, {});
const credentials = (token: string) =>
  new HttpCredentials(
    { method: 'GET', url: '/', headers: { host: 'a.example', authorization: `Bearer ${token}` } },
    {},
  );

describe('createInstance()', () => {
  it.each<[ClerkModuleOptions, number, boolean]>([
    // options, calls to Clerk for four equal requests, whether they share one identity
    [{}, 0, true],
    [{ verificationCache: false }, 0, false],
    [{ directVerification: false }, 1, true],
    [{ directVerification: false, verificationCache: false }, 4, false],
  ])(
    'with %j, calls Clerk %i times for four equal requests (sharing one identity: %s)',
    async (given, times, isShared) => {
      const token = jwt();
      const client = clientOf(token);
      for (const { authenticator } of [
        createInstance(withKey(given), () => client),
        {
          authenticator: createAuthenticator(
            withKey(given),
            () => client,
            new StaticKeySet(jwtKey),
            () => Date.now(),
          ),
        },
      ]) {
        client.authenticateRequest.mockClear();
        const identities = [];
        for (let time = 0; time < 4; time++) {
          identities.push(await authenticator.authenticate(credentials(token), 'session_token'));
        }
        expect(identities.map((identity) => (identity.toAuth() as any).userId)).toEqual(Array(4).fill('user_1'));
        expect(client.authenticateRequest).toHaveBeenCalledTimes(times);
        expect(identities[2] === identities[3]).toBe(isShared);
      }
    },
  );

  it('checks expiry by the system clock unless it is given another clock', async () => {
    const client = clientOf(jwt());
    const later = () => Date.now() + 120_000;
    for (const [instance, token, status] of [
      [createInstance(withKey(), () => client), jwt(), 'signed-in'],
      [createInstance(withKey(), () => client), jwt(-60), 'signed-out'],
      [createInstance(withKey(), () => client, later), jwt(), 'signed-out'],
    ] as const) {
      const identity = await instance.authenticator.authenticate(credentials(token), 'session_token');
      expect(identity.status).toBe(status);
    }
    expect(client.authenticateRequest).not.toHaveBeenCalled();
  });

  it.each<[string, ClerkModuleOptions, object]>([
    ['the key of the jwtKey option', { secretKey: 'sk_test_a', jwtKey }, { status: 'signed-in' }],
    [
      'the keys that Clerk publishes',
      { secretKey: 'sk_test_a', apiUrl: 'http://127.0.0.1:1', maxRetries: 0 },
      { status: 'signed-out', failure: { code: 'clerk-unavailable' } },
    ],
    [
      'no key, without a secret key',
      { machineSecretKey: 'ask_a' },
      { status: 'signed-out', reason: 'jwk-kid-mismatch' },
    ],
  ])('verifies with %s', async (_, keys, expected) => {
    const { authenticator } = createInstance(resolveClerkOptions({ publishableKey, telemetry, ...keys }, {}));
    const identity = await authenticator.authenticate(credentials(jwt()), 'session_token');
    expect(identity).toMatchObject(expected);
    expect('failure' in identity).toBe('failure' in expected);
  });

  it('holds its options, its calls and the given client, or creates a client', () => {
    const options = withKey();
    const client = clientOf(jwt());
    expect(createInstance(options, () => client)).toMatchObject({ options, client, calls: expect.any(ClerkCalls) });
    const made = createInstance(options);
    expect(made.client.users.getUser).toEqual(expect.any(Function));
    expect(createInstance(options).client).not.toBe(made.client);
  });
});
