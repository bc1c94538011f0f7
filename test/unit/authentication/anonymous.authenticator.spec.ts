import { AnonymousAuthenticator } from '../../../lib/authentication/lanes/anonymous.authenticator.js';
import type { Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { SignedOutIdentities } from '../../../lib/authentication/identity/signed-out-identities.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import type { ClerkModuleOptions } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const KEYS = { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' };
const MISSING = 'session-token-and-uat-missing';
const signedOut = () => signedOutIdentity(MISSING, 'session_token', false);

/** An AnonymousAuthenticator whose next authenticator returns these identities and counts its calls. */
function setUp(answer: () => Identity = signedOut, given: ClerkModuleOptions = {}) {
  const next = { authenticate: jest.fn(async () => answer()), close: jest.fn() } satisfies Authenticator;
  const options = resolveClerkOptions({ ...KEYS, ...given }, {});
  const authenticator = new AnonymousAuthenticator(options, new SignedOutIdentities(), next);
  const ask = (headers: Record<string, string> = {}, acceptsToken: AcceptsToken = 'session_token', target = '/') => {
    const source = { method: 'GET', url: target, headers: { host: 'api.test', ...headers } };
    return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
  };
  return { ask, next, authenticator };
}

describe('AnonymousAuthenticator', () => {
  it('calls Clerk once for equal requests without credentials, and then answers synchronously', async () => {
    const { ask, next } = setUp();
    const first = await ask();
    expect(first).toMatchObject({ status: 'signed-out', reason: MISSING, hasCredentials: false });
    expect(ask()).toBe(first);
    expect(ask({ cookie: '_ga=GA1.1; theme=dark' }, 'session_token', '/other?page=2')).toBe(first);
    expect(next.authenticate).toHaveBeenCalledTimes(1);
  });

  it('shares one identity between equal concurrent requests', async () => {
    const { ask } = setUp();
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(one).toBe(other);
    expect(ask()).toBe(one);
  });

  it.each<[string, Record<string, string>, AcceptsToken?, string?]>([
    ['another host', { host: 'other.test' }],
    ['another forwarded protocol', { 'x-forwarded-proto': 'https' }],
    ['an origin', { origin: 'https://app.test' }],
    ['an Accept header', { accept: 'application/json' }],
    ['fetch metadata', { 'sec-fetch-dest': 'empty' }],
    ['a cookie of Clerk', { cookie: '__client_uat=0' }],
    ['other accepted token types', {}, 'any'],
  ])(
    'calls Clerk for a request with %s, and then answers equal ones',
    async (_, headers, acceptsToken = 'session_token', target = '/') => {
      const { ask, next } = setUp();
      await ask();
      await ask(headers, acceptsToken, target);
      expect(next.authenticate).toHaveBeenCalledTimes(2);
      await ask(headers, acceptsToken, target);
      expect(next.authenticate).toHaveBeenCalledTimes(2);
    },
  );

  it.each<[string, Record<string, string>, string?]>([
    ['a token', { authorization: 'Bearer x' }],
    ['a token without a scheme', { authorization: 'x' }],
    ['a session cookie', { cookie: 'a=b; __session=x' }],
    ['a session cookie with a suffix', { cookie: '__session_12345678=x' }],
    ['a refresh token', { cookie: '__refresh_12345678=x' }],
    ['a handshake cookie', { cookie: '__clerk_handshake=x' }],
    ['a handshake nonce', { cookie: '__clerk_handshake_nonce=x' }],
    ['a parameter of Clerk', {}, '/?__clerk_handshake=x'],
    ['an encoded parameter', {}, '/?%5F_clerk_handshake=x'],
    ['very long headers', { origin: `https://${'a'.repeat(600)}.test` }],
  ])('calls Clerk for every request with %s', async (_, headers, target = '/') => {
    const { ask, next } = setUp();
    for (let time = 0; time < 3; time++) await ask(headers, 'session_token', target);
    expect(next.authenticate).toHaveBeenCalledTimes(3);
  });

  it('answers requests with a scheme that Clerk ignores', async () => {
    const { ask, next } = setUp();
    for (let time = 0; time < 3; time++) await ask({ authorization: `Basic ${time}` });
    expect(next.authenticate).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => Identity]>([
    ['a redirect to a handshake', () => ({ ...signedOut(), status: 'handshake' })],
    ['an outage', () => ({ ...signedOut(), failure: new ClerkUnavailableError('down') })],
    ['an unexpected error', () => signedOutIdentity('unexpected-error', 'session_token', false)],
    ['credentials after all', () => signedOutIdentity(MISSING, 'session_token', true)],
    ['an ignored session', () => ({ ...signedOut(), hasIgnoredSession: true })],
    ['a signed-in caller', () => ({ ...signedOut(), status: 'signed-in', reason: null })],
    ['other headers', () => ({ ...signedOut(), headers: new Headers({ 'set-cookie': 'a=b' }) })],
  ])('does not cache %s', async (_, answer) => {
    const { ask, next } = setUp(answer);
    for (let time = 0; time < 3; time++) await ask();
    expect(next.authenticate).toHaveBeenCalledTimes(3);
  });

  it.each<[string, ClerkModuleOptions]>([
    ['a satellite', { isSatellite: true, domain: 'a.test', signInUrl: 'https://b.test/sign-in' }],
    ['a domain that depends on the URL', { domain: () => 'a.test' }],
    ['a proxy that depends on the URL', { frontendApiProxy: { enabled: () => true } }],
  ])('caches nothing with %s', async (_, given) => {
    const { ask, next } = setUp(signedOut, given);
    for (let time = 0; time < 3; time++) await ask();
    expect(next.authenticate).toHaveBeenCalledTimes(3);
  });

  it('keeps the answer of a usual request through a flood of others', async () => {
    const { ask, next } = setUp();
    for (let time = 0; time < 2; time++) await ask();
    for (let host = 0; host < 2_000; host++) await ask({ host: `${host}.test` });
    next.authenticate.mockClear();
    await ask();
    expect(next.authenticate).not.toHaveBeenCalled();
  });

  it('caches nothing after close(), and closes the next authenticator', async () => {
    const { ask, next, authenticator } = setUp();
    const pending = ask();
    authenticator.close();
    await pending;
    await ask();
    expect(next.authenticate).toHaveBeenCalledTimes(2);
    expect(next.close).toHaveBeenCalledTimes(1);
  });
});
