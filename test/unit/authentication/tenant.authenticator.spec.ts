import type { ClerkClient } from '@clerk/backend';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from '../../../lib/authentication/instances/tenant.authenticator.js';
import { ClerkRequestOptionsError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const keys = { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' };
const client = {} as ClerkClient;

function over(given: ClerkModuleOptions) {
  const authenticator = new TenantAuthenticator(new ClerkInstances(resolveClerkOptions(given, {}), client, given, {}));
  const source = { method: 'GET', url: '/', headers: { host: 'a.example' } };
  return authenticator.authenticate(new HttpCredentials(source, source), 'api_key');
}

describe('TenantAuthenticator', () => {
  const thrown = new Error('the database is down');

  it.each<[string, () => unknown, unknown]>([
    ['throws', () => Promise.reject(thrown), 'resolveOptions has no usable options for this request'],
    [
      'answers nothing',
      () => undefined,
      'resolveOptions has no usable options for this request: resolveOptions returned no options: it must return an object with the keys of a Clerk instance',
    ],
    ['answers null', () => null, expect.stringContaining('for this request: resolveOptions returned no options')],
    ['answers a text', () => 'sk_test_a', expect.stringContaining('for this request: ')],
    [
      'answers several mistakes',
      () => ({ secretKey: 5, publishableKey: 5 }),
      expect.stringMatching(
        /^resolveOptions has no usable options for this request: publishableKey .+_\. secretKey .+_\.$/,
      ),
    ],
  ])('is signed out for a failure where resolveOptions %s', async (_, resolveOptions, message) => {
    const identity = await over({ resolveOptions: resolveOptions as never });
    expect(identity).toMatchObject({
      ...{ status: 'signed-out', tokenType: null, reason: 'unexpected-error', hasCredentials: true },
      failure: { message, cause: expect.any(Error) },
    });
    expect(identity.failure).toBeInstanceOf(ClerkRequestOptionsError);
    expect(identity.toAuth()).toMatchObject({ isAuthenticated: false, tokenType: 'api_key' });
  });

  it('is signed out for a failure where an instance fails in a way that nobody foresaw', async () => {
    const instances = { own: undefined, for: () => Promise.reject(thrown) } as never as ClerkInstances;
    const source = { method: 'GET', url: '/', headers: {} };
    const identity = await new TenantAuthenticator(instances).authenticate(new HttpCredentials(source, source), 'any');
    expect(identity.failure).toBeInstanceOf(ClerkRequestOptionsError);
    expect(identity.failure).toMatchObject({
      message: 'The instance of this request could not be set up',
      cause: thrown,
    });
  });

  it('asks the module’s own instance where there are no others', async () => {
    const { failure, reason } = await over(keys);
    // Clerk's client is the empty object here, so it is asked, and throws.
    expect([failure, reason]).toEqual([undefined, 'unexpected-error']);
  });
});
