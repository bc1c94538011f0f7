import type { Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import type { Credentials } from '../../../lib/authentication/identity/credentials.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../../lib/authentication/keys/key-set.js';
import { HotCache } from '../../../lib/authentication/cache/hot-cache.js';
import { CachedAuthenticator } from '../../../lib/authentication/lanes/cached.authenticator.js';
import { machineIdentity, SessionIdentities } from '../../../lib/authentication/identity/session-identity.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { VerificationCache } from '../../../lib/authentication/cache/verification-cache.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const NOW = 1_000_000_000;
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  {},
);
const sessions = new SessionIdentities(options);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + 60 };
const jwt = (sub = claims.sub) => `${encode({ alg: 'RS256' })}.${encode({ ...claims, sub })}.c2ln`;

/** The session of the token in the header or the cookie. */
const sessionOf = ({ headers }: Credentials) => {
  const token = headers.authorization?.slice('Bearer '.length) ?? String(headers.cookie).slice('__session='.length);
  return sessions.create(token, JSON.parse(atob(token.split('.')[1]!)) as never);
};
const machine = () => machineIdentity('api_key', 'ak_1', { id: 'id_1', subject: 'user_1' } as never);
const renewed = () => ({
  ...sessions.create(jwt(), claims as never),
  headers: new Headers({ 'set-cookie': 'a=b' }),
});
const signedOutWithoutHeaders = () => ({ ...signedOut(), headers: new Headers() });
const signedOut = () => signedOutIdentity('token-invalid', 'any', true);

/** A CachedAuthenticator whose next authenticator returns these identities and records its calls. */
function setUp(answer: (credentials: Credentials) => Identity = sessionOf, maxEntries = 100) {
  const asked: [Credentials, AcceptsToken][] = [];
  const next: Authenticator = {
    authenticate: async (...call) => (asked.push(call), answer(call[0])),
  };
  const now = () => NOW;
  const cache = { maxEntries, maxBytes: 1_000_000, machineTokens: { ttl: 10_000 } };
  const verificationCache = new VerificationCache(options, cache, new StaticKeySet('PEM'), sessions, now);
  const authenticator = new CachedAuthenticator(options, new HotCache(cache, now), verificationCache, next);
  const ask = async (headers: Record<string, string>, acceptsToken: AcceptsToken = 'session_token', method = 'GET') =>
    authenticator.authenticate(new HttpCredentials({ method, url: '/', headers }, {}), acceptsToken);
  return { ask, asked, authenticator };
}

const bearer = (token = jwt()) => ({ authorization: `Bearer ${token}` });
const cookies = (token = jwt()) => ({ cookie: `__session=${token}` });
const NAVIGATION = { 'sec-fetch-dest': 'document' };
const userOf = (identity: Identity) => (identity.toAuth() as { userId?: string | null }).userId;

describe('CachedAuthenticator', () => {
  it.each<[string, Record<string, string>, AcceptsToken]>([
    ['a header token', bearer(), 'session_token'],
    ['a header token where API keys are accepted too', bearer(), ['session_token', 'api_key']],
    ['a header token where any type is accepted', bearer(), 'any'],
    ['cookies', cookies(), 'session_token'],
    ['cookies where any token type is accepted', cookies(), 'any'],
  ])('verifies %s once, then returns the same cached identity every time', async (_, headers, acceptsToken) => {
    const { ask, asked } = setUp();
    const identities: Identity[] = [];
    for (let time = 0; time < 4; time++) identities.push(await ask(headers, acceptsToken));
    expect(identities.map(userOf)).toEqual(Array(4).fill('user_1'));
    expect(asked).toEqual([[expect.objectContaining({ headers }), acceptsToken]]);
    // The first is verified, the second is rebuilt from the verification cache, the others come from the hot cache.
    expect(new Set(identities.slice(1)).size).toBe(1);
  });

  it.each<[string, AcceptsToken]>([
    ['where API keys are accepted', 'api_key'],
    ['where any type is accepted', 'any'],
  ])('verifies a machine token once %s', async (_, acceptsToken) => {
    const { ask, asked } = setUp(machine);
    const identities: Identity[] = [];
    for (let time = 0; time < 4; time++) identities.push(await ask(bearer('ak_1'), acceptsToken));
    expect(identities.map(({ tokenType }) => tokenType)).toEqual(Array(4).fill('api_key'));
    expect([asked.length, new Set(identities.slice(1)).size]).toEqual([1, 1]);
  });

  it.each<[string, Record<string, string>, AcceptsToken, number]>([
    ['a session token in the header', bearer(), 'session_token', 1],
    ['a session token in the header where any type is accepted', bearer(), 'any', 1],
    ['cookies', cookies(), 'session_token', 2],
    ['a machine token', bearer('ak_1'), 'api_key', 2],
  ])(
    'for two requests with %s and different Origin headers, verifies as often as Clerk reads that header',
    async (_, headers, acceptsToken, times) => {
      const answer = acceptsToken === 'api_key' ? machine : sessionOf;
      const origin = 'https://a.example';
      const one = setUp(answer);
      await one.ask(headers, acceptsToken);
      await one.ask({ ...headers, origin }, acceptsToken);
      expect(one.asked).toHaveLength(times);
      const atOnce = setUp(answer);
      await Promise.all([atOnce.ask(headers, acceptsToken), atOnce.ask({ ...headers, origin }, acceptsToken)]);
      expect(atOnce.asked).toHaveLength(times);
    },
  );

  it.each<[string, (token: string) => Record<string, string>]>([
    ['tokens', bearer],
    ['cookies', cookies],
  ])('never returns the identity of another user for %s', async (_, by) => {
    const { ask, asked } = setUp();
    const users = ['user_1', 'user_2'];
    for (let time = 0; time < 3; time++) {
      const identities = await Promise.all(users.map((user) => ask(by(jwt(user)))));
      expect(identities.map(userOf)).toEqual(users);
    }
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Record<string, string>, () => Identity]>([
    ['a rejected header token', bearer(), signedOut],
    ['rejected cookies', cookies(), signedOut],
    ['a header token that is rejected without response headers', bearer(), signedOutWithoutHeaders],
    ['cookies whose verification sets response headers', cookies(), renewed],
    ['a header token whose verification sets response headers', bearer(), renewed],
    ['a request without headers', {}, machine],
    ['a request without credentials', { accept: 'text/html' }, machine],
  ])('verifies %s on every request', async (_, headers, answer) => {
    const { ask, asked } = setUp(answer);
    for (const times of [1, 2, 3]) {
      expect((await ask(headers)).status).toBe(answer().status);
      expect(asked).toHaveLength(times);
    }
  });

  it.each([
    ['a header token', bearer()],
    ['cookies', cookies()],
  ])('verifies %s once for concurrent requests', async (_, headers) => {
    const { ask, asked } = setUp();
    const identities = await Promise.all([1, 2, 3].map(() => ask(headers)));
    expect([asked.length, ...identities.map(userOf)]).toEqual([1, 'user_1', 'user_1', 'user_1']);
  });

  it('does not share a verification between concurrent requests without credentials', async () => {
    const { ask, asked } = setUp(signedOut);
    await Promise.all([ask({}), ask({})]);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['with response headers', signedOut],
    ['without response headers', signedOutWithoutHeaders],
  ])('shares a rejection %s between concurrent requests, except document navigations', async (_, answer) => {
    const counts = await Promise.all(
      [bearer(), cookies()].map(async (headers) => {
        const { ask, asked } = setUp(answer);
        await Promise.all([ask(headers), ask(headers), ask(headers)]);
        const shared = asked.splice(0).length;
        await Promise.all([ask(headers), ...[1, 2].map(() => ask({ ...headers, ...NAVIGATION }))]);
        const own = asked.splice(0).length;
        await Promise.all([1, 2].map(() => ask({ ...headers, ...NAVIGATION }, 'session_token', 'POST')));
        return [shared, own, asked.length];
      }),
    );
    // Header tokens are verified once by token; after a rejection, once more by the whole request.
    expect(counts).toEqual([
      [2, 3, 2],
      [1, 3, 1],
    ]);
  });

  it('reads nothing but the headers of a request if only its header token can count', async () => {
    const { asked, authenticator } = setUp();
    const unread = {
      headers: bearer(),
      get method(): never {
        throw new Error('was read');
      },
    };
    for (let time = 0; time < 3; time++) {
      expect(userOf(await authenticator.authenticate(unread as never, 'session_token'))).toBe('user_1');
    }
    expect(asked).toHaveLength(1);
  });

  it('does not evict a cached identity for a rejected token', async () => {
    const { ask } = setUp((credentials) => (credentials.headers.cookie ? sessionOf(credentials) : signedOut()), 10);
    await ask(cookies());
    const ready = await ask(cookies());
    await ask(bearer('ak_1'), 'any');
    expect(await ask(cookies())).toBe(ready);
  });
});
