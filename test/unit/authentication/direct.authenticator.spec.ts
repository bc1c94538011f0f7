import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { DirectAuthenticator } from '../../../lib/authentication/lanes/direct.authenticator.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { SessionIdentities } from '../../../lib/authentication/identity/session-identity.js';
import { SignedOutIdentities } from '../../../lib/authentication/identity/signed-out-identities.js';
import { StaticKeySet, type KeySet } from '../../../lib/authentication/keys/key-set.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import type { ClerkModuleOptions } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const NOW = 1_000_000_000;
const optionsWith = (given: ClerkModuleOptions = {}) =>
  resolveClerkOptions(
    {
      ...{ publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a', clockSkewInMs: 5_000 },
      ...given,
    },
    {},
  );
const pairOf = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const [ours, theirs] = [pairOf(), pairOf()];

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
interface TokenParts {
  readonly header?: object;
  readonly claims?: object;
  readonly seconds?: number;
  readonly key?: KeyObject;
}
function jwt({ header = {}, claims = {}, seconds = 60, key = ours.privateKey }: TokenParts = {}) {
  const payload = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + seconds, ...claims };
  const content = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'ins_1', ...header })}.${encode(payload)}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), key).toString('base64url')}`;
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Only the key `ins_1` is cached, and `ins_unknown` certainly does not exist. */
const keys: KeySet = Object.assign(new StaticKeySet('PEM'), {
  isUnknown: (kid: string | null) => kid === null || kid === 'ins_unknown',
  getCached: (kid: string | null) => (kid === 'ins_1' ? ours.publicKey : null),
});

describe('DirectAuthenticator', () => {
  const fromNext = signedOutIdentity('from-next', 'any', true);
  const next = { authenticate: jest.fn(() => fromNext) };
  const directWith = (given?: ClerkModuleOptions) => {
    const options = optionsWith(given);
    const sessions = new SessionIdentities(options);
    return new DirectAuthenticator(options, keys, sessions, new SignedOutIdentities(), next, () => NOW);
  };
  const direct = directWith();
  const credentials = (headers: Record<string, string>, method = 'GET') =>
    new HttpCredentials({ method, url: '/', headers }, {});
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

  const machine = jwt({ claims: { sub: 'mch_1' } });
  const template = jwt({ header: { cat: 'cl_B7d4PD222AAA' } });

  it.each<[string, string, string, AcceptsToken?]>([
    ['a token that is not a JWT', 'garbage', 'token-invalid'],
    ['a token that is not a JWT, where any type is accepted', 'garbage', 'token-invalid', 'any'],
    ['an opaque machine token', 'mt_1', 'token-invalid'],
    ['a token that cannot be decoded', `${jwt()}x`, 'token-invalid'],
    ['an M2M token', machine, 'token-type-mismatch'],
    ['an OAuth token', jwt({ header: { typ: 'at+jwt' } }), 'token-type-mismatch'],
    ['a token of a JWT template', template, 'token-type-mismatch'],
    ['a token of a JWT template, where any type is accepted', template, 'token-type-mismatch', 'any'],
    ['a token of a JWT template with an unknown kid', template, 'token-type-mismatch'],
    ['a token with an unknown kid', jwt({ header: { kid: 'ins_unknown' } }), 'jwk-kid-mismatch'],
    ['a token without a kid', jwt({ header: { kid: undefined } }), 'jwk-kid-mismatch'],
    ['a token of another type', jwt({ header: { typ: 'other' } }), 'token-invalid'],
    ['a token with the algorithm none', jwt({ header: { alg: 'none' } }), 'token-invalid-algorithm'],
    ['a token with the algorithm HS256', jwt({ header: { alg: 'HS256' } }), 'token-invalid-algorithm'],
    ['a token signed with another key', jwt({ key: theirs.privateKey }), 'token-invalid-signature'],
    ['a token without a signature', jwt().replace(/[^.]+$/, ''), 'token-invalid-signature'],
    [
      'an expired token signed with another key',
      jwt({ seconds: -60, key: theirs.privateKey }),
      'token-invalid-signature',
    ],
    ['an expired token', jwt({ seconds: -5 }), 'session-token-expired-refresh-non-eligible-no-refresh-cookie'],
    ['a token that is not valid yet', jwt({ claims: { nbf: NOW / 1_000 + 6 } }), 'session-token-nbf'],
    ['a token issued in the future', jwt({ claims: { iat: NOW / 1_000 + 6 } }), 'session-token-iat-in-the-future'],
  ])('rejects %s by itself, with the reason of Clerk', (_, token, reason, acceptsToken = 'session_token') => {
    const identity = direct.authenticate(credentials(bearer(token)), acceptsToken) as Identity;
    expect(identity).toMatchObject({ status: 'signed-out', tokenType: null, reason, hasCredentials: true });
    expect([...identity.headers]).toEqual([
      ['x-clerk-auth-reason', reason],
      ['x-clerk-auth-status', 'signed-out'],
    ]);
    expect(identity.toAuth()).toMatchObject({ tokenType: 'session_token', isAuthenticated: false, userId: null });
    expect(next.authenticate).not.toHaveBeenCalled();
  });

  it('rejects an expired token of a POST request with the reason of Clerk', () => {
    const identity = direct.authenticate(credentials(bearer(jwt({ seconds: -5 })), 'POST'), 'session_token');
    expect(identity).toMatchObject({ reason: 'session-token-expired-refresh-non-eligible-non-get' });
  });

  it('returns the same identity for every token with the same defect, without anything of the token', () => {
    const [one, other] = ['garbage', 'rubbish'].map((token) =>
      direct.authenticate(credentials(bearer(token)), 'session_token'),
    );
    expect(one).toBe(other);
    expect(Object.isFrozen(one)).toBe(true);
  });

  const expired = bearer(jwt({ seconds: -5 }));

  it.each<[string, Record<string, string>, AcceptsToken?, ClerkModuleOptions?]>([
    ['a request without credentials', {}],
    ['an empty token', bearer('')],
    ['a session cookie', { cookie: `__session=${jwt()}` }],
    ['a header token with a session cookie', { ...bearer(jwt()), cookie: `__session=${jwt()}` }],
    ['an API key', bearer('ak_1'), 'any'],
    ['a session token where only M2M tokens are accepted', bearer(jwt()), 'm2m_token'],
    ['a session token where several other types are accepted', bearer(jwt()), ['m2m_token', 'api_key']],
    ['an M2M token where it may be accepted', bearer(machine), 'any'],
    ['a token whose key is not cached', bearer(jwt({ header: { kid: 'ins_2' } }))],
    ['a token with the algorithm RS512', bearer(jwt({ header: { alg: 'RS512' } }))],
    ['a valid token with an unusual header', bearer(jwt({ header: { crit: ['b64'] } }))],
    ['a valid token without a session', bearer(jwt({ claims: { sid: undefined } }))],
    ['a token with an unusual claim', bearer(jwt({ claims: { nbf: 'soon' } }))],
    ['a token with unusual characters', bearer('garbagé')],
    ['an expired token of a navigation', { ...expired, 'sec-fetch-dest': 'document' }],
    ['an expired token of a navigation by its Accept header', { ...expired, accept: 'text/html,*/*' }],
    ['an expired token with a refresh token', { ...expired, cookie: '__refresh_12345678=x' }],
    ['an invalid token if an option is a function', bearer('garbage'), 'any', { proxyUrl: () => '/__clerk' }],
    [
      'an invalid token on a satellite',
      bearer('garbage'),
      'any',
      { isSatellite: true, domain: 'a.test', signInUrl: 'https://b.test/sign-in' },
    ],
  ])('passes %s to the next authenticator', async (_, headers, acceptsToken = 'session_token', given = undefined) => {
    const asked = credentials(headers);
    expect(await directWith(given).authenticate(asked, acceptsToken)).toBe(fromNext);
    expect(next.authenticate.mock.calls).toEqual([[asked, acceptsToken]]);
  });
});
