import type { ClerkClient } from '@clerk/backend';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../../lib/authentication/instances/tenant.authenticator.js';
import { ClerkRequestOptionsError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const keys = { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' };
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

  it('uses the only instance of the module without resolveOptions', async () => {
    const { failure, reason } = await setUp(keys);
    // The client is an empty object here, so calling it throws.
    expect([failure, reason]).toEqual([undefined, 'unexpected-error']);
  });
});
