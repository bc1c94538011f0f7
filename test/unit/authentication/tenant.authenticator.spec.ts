import { generateKeyPairSync, sign } from 'node:crypto';

import type { ClerkClient } from '@clerk/backend';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../../lib/authentication/instances/tenant.authenticator.js';
import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { ClerkRequestOptionsError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const client = {} as ClerkClient;

function setUp(given: ClerkModuleOptions) {
  const authenticator = new TenantAuthenticator(new ClerkInstances(resolveClerkOptions(given, {}), client, given, {}));
  const source = { method: 'GET', url: '/', headers: { host: 'a.example' } };
  return authenticator.authenticate(new HttpCredentials(source, source), 'api_key');
}

describe('TenantAuthenticator', () => {
  const thrown = new Error('the database is down');

  it.each<[string, () => unknown, unknown]>([
    ['throws', () => Promise.reject(thrown), 'resolveOptions returned no usable options for this request'],
    [
      'returns undefined',
      () => undefined,
      'resolveOptions returned no usable options for this request: resolveOptions must return an object with the keys of a Clerk instance',
    ],
    ['returns null', () => null, expect.stringContaining('for this request: resolveOptions must return an object')],
    ['returns a string', () => 'sk_test_a', expect.stringContaining('for this request: ')],
    [
      'returns options with several mistakes',
      () => ({ secretKey: 5, publishableKey: 5 }),
      expect.stringMatching(
        /^resolveOptions returned no usable options for this request: publishableKey .+_\. secretKey .+_\.$/,
      ),
    ],
  ])('returns a signed-out identity with a failure if resolveOptions %s', async (_, resolveOptions, message) => {
    const identity = await setUp({ resolveOptions: resolveOptions as never });
    expect(identity).toMatchObject({
      ...{ status: 'signed-out', tokenType: null, reason: 'unexpected-error', hasCredentials: true },
      failure: { message, cause: expect.any(Error) },
    });
    expect(identity.failure).toBeInstanceOf(ClerkRequestOptionsError);
    expect(identity.toAuth()).toMatchObject({ isAuthenticated: false, tokenType: 'api_key' });
  });

  it('returns a signed-out identity with a failure if finding the instance throws an unexpected error', async () => {
    const instances = { own: undefined, for: () => Promise.reject(thrown) } as never as ClerkInstances;
    const source = { method: 'GET', url: '/', headers: {} };
    const identity = await new TenantAuthenticator(instances).authenticate(new HttpCredentials(source, source), 'any');
    expect(identity.failure).toBeInstanceOf(ClerkRequestOptionsError);
    expect(identity.failure).toMatchObject({
      message: 'The Clerk instance of this request could not be created',
      cause: thrown,
    });
  });

  it('returns a signed-out identity with a failure if the authenticator of the instance throws or rejects', async () => {
    const source = { method: 'GET', url: '/', headers: {} };
    const fail = (): never => {
      throw thrown;
    };
    for (const authenticate of [fail, () => Promise.reject(thrown)]) {
      for (const instance of [
        { authenticator: { authenticate } },
        Promise.resolve({ authenticator: { authenticate } }),
      ]) {
        const instances = { for: () => instance } as never as ClerkInstances;
        const identity = await new TenantAuthenticator(instances).authenticate(
          new HttpCredentials(source, source),
          'any',
        );
        expect(identity).toMatchObject({ status: 'signed-out', failure: { cause: thrown } });
      }
    }
  });
});

describe('the caches of tenants', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const keys = {
    publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`,
    secretKey: 'sk_test_a',
    jwtKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
  const tenants = {
    one: { ...keys, authorizedParties: ['https://one.example'] },
    two: { ...keys, authorizedParties: ['https://two.example'] },
    // It differs from the next one only in an option that no session token is verified with.
    any: { ...keys, signUpUrl: '/any' },
    other: { ...keys, signUpUrl: '/other' },
  };

  function token(azp: string): string {
    const claims = { sub: 'user_1', sid: 'sess_1', azp, exp: Math.floor(Date.now() / 1_000) + 60 };
    const content = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'ins_1' })}.${encode(claims)}`;
    return `${content}.${sign('RSA-SHA256', Buffer.from(content), privateKey).toString('base64url')}`;
  }

  function lanes() {
    const given: ClerkModuleOptions = {
      telemetry: { disabled: true },
      resolveOptions: (({ headers }: { headers: { host: keyof typeof tenants } }) => tenants[headers.host]) as never,
    };
    const instances = new ClerkInstances(resolveClerkOptions(given, {}), client, given, {});
    const authenticator = new TenantAuthenticator(instances);
    const send = (host: keyof typeof tenants, sent: string) => {
      const source = { method: 'GET', url: '/', headers: { host, authorization: `Bearer ${sent}` } };
      return authenticator.authenticate(new HttpCredentials(source, source), 'session_token');
    };
    return { instances, send };
  }

  it('answer only for the options that the caller was verified with, also if the keys are the same', async () => {
    const { send } = lanes();
    const ofOne = token('https://one.example');
    for (let time = 0; time < 4; time++) {
      expect((await send('one', ofOne)).status).toBe('signed-in');
      expect((await send('two', ofOne)).status).toBe('signed-out');
    }
  });

  it('share no identity, also if the options differ in nothing that tokens are verified with', async () => {
    const { send } = lanes();
    const sent = token('https://one.example');
    const [ofAny, ofOther] = [[] as Identity[], [] as Identity[]];
    for (let time = 0; time < 4; time++) {
      ofAny.push(await send('any', sent));
      ofOther.push(await send('other', sent));
    }
    // Each is cached.
    expect(ofAny[3]).toBe(ofAny[2]);
    expect(ofOther[3]).toBe(ofOther[2]);
    expect(ofAny.filter((identity) => ofOther.includes(identity))).toEqual([]);
    expect(ofAny[3]!.toAuth()).not.toBe(ofOther[3]!.toAuth());
  });

  it('answer synchronously', async () => {
    const { send } = lanes();
    const sent = token('https://one.example');
    for (let time = 0; time < 2; time++) await send('one', sent);
    expect(send('one', sent)).toMatchObject({ status: 'signed-in' });
  });

  it('leave no timer when the module is destroyed, nor afterwards', async () => {
    jest.useFakeTimers({ doNotFake: ['Date', 'performance'] });
    try {
      const { instances, send } = lanes();
      const sendAll = async () => {
        for (let time = 0; time < 3; time++) {
          for (const host of ['one', 'any', 'other'] as const) {
            expect((await send(host, token('https://one.example'))).status).toBe('signed-in');
          }
        }
      };
      await sendAll();
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      instances.onModuleDestroy();
      expect(jest.getTimerCount()).toBe(0);
      await sendAll();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
