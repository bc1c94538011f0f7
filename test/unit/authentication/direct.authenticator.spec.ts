import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { DirectAuthenticator } from '../../../lib/authentication/lanes/direct.authenticator.js';
import { signedOutIdentity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet, type KeySet } from '../../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const NOW = 1_000_000_000;
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a', clockSkewInMs: 5_000 },
  {},
);
const pairOf = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [ours, theirs] = [pairOf(), pairOf()];

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt({
  seconds = 60,
  key = ours.privateKey,
  kid = 'ins_1',
}: { seconds?: number; key?: KeyObject; kid?: string } = {}) {
  const claims = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + seconds };
  const content = `${encode({ alg: 'RS256', typ: 'JWT', kid })}.${encode(claims)}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), key).toString('base64url')}`;
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Only the key `ins_1` is cached. */
const keys: KeySet = Object.assign(new StaticKeySet('PEM'), {
  getCached: (kid: string) => (kid === 'ins_1' ? ours.publicKey : null),
});

describe('DirectAuthenticator', () => {
  const fromNext = signedOutIdentity('token-invalid', 'any', true);
  const next = { authenticate: jest.fn(() => fromNext) };
  const direct = new DirectAuthenticator(options, keys, next, () => NOW);
  const credentials = (headers: Record<string, string>) =>
    new HttpCredentials({ method: 'GET', url: '/', headers }, {});
  beforeEach(() => next.authenticate.mockClear());

  it.each<[string, string, AcceptsToken]>([
    ['where only session tokens are accepted', jwt(), 'session_token'],
    ['where other types are accepted too', jwt(), ['api_key', 'session_token']],
    ['where any type is accepted', jwt(), 'any'],
    ['within the clock skew after its expiry', jwt({ seconds: -4 }), 'session_token'],
  ])('verifies a valid session token by itself %s', async (_, token, acceptsToken) => {
    const identity = await direct.authenticate(credentials(bearer(token)), acceptsToken);
    expect(identity).toMatchObject({ status: 'signed-in', tokenType: 'session_token' });
    const auth = identity.toAuth() as any;
    expect([auth.userId, auth.sessionId, await auth.getToken()]).toEqual(['user_1', 'sess_1', token]);
    expect(next.authenticate).not.toHaveBeenCalled();
  });

  it.each<[string, Record<string, string>, AcceptsToken?]>([
    ['a request without credentials', {}],
    ['a session cookie', { cookie: `__session=${jwt()}` }],
    ['a header token with a session cookie', { ...bearer(jwt()), cookie: `__session=${jwt()}` }],
    ['an API key', bearer('ak_1')],
    ['a session token where only M2M tokens are accepted', bearer(jwt()), 'm2m_token'],
    ['a session token where several other types are accepted', bearer(jwt()), ['m2m_token', 'api_key']],
    ['a token whose key is not cached', bearer(jwt({ kid: 'ins_2' }))],
    ['a token signed with another key', bearer(jwt({ key: theirs.privateKey }))],
    ['an expired token', bearer(jwt({ seconds: -5 }))],
  ])('passes %s to the next authenticator', async (_, headers, acceptsToken = 'session_token') => {
    const asked = credentials(headers);
    expect(await direct.authenticate(asked, acceptsToken)).toBe(fromNext);
    expect(next.authenticate.mock.calls).toEqual([[asked, acceptsToken]]);
  });
});
