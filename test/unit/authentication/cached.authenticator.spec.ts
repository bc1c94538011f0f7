import type { Authenticator } from '../../../lib/authentication/lanes/authenticator.js';
import type { Credentials } from '../../../lib/authentication/identity/credentials.js';
import { signedOutIdentity, type Identity } from '../../../lib/authentication/identity/identity.js';
import { StaticKeySet } from '../../../lib/authentication/keys/key-set.js';
import { HotCache } from '../../../lib/authentication/cache/hot-cache.js';
import { CachedAuthenticator } from '../../../lib/authentication/lanes/cached.authenticator.js';
import { machineIdentity, sessionIdentity } from '../../../lib/authentication/identity/session-identity.js';
import type { AcceptsToken } from '../../../lib/authentication/identity/token-types.js';
import { VerificationCache } from '../../../lib/authentication/cache/verification-cache.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const NOW = 1_000_000_000;
const options = resolveClerkOptions(
  { publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  {},
);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'user_1', sid: 'sess_1', exp: NOW / 1_000 + 60 };
const jwt = (sub = claims.sub) => `${encode({ alg: 'RS256' })}.${encode({ ...claims, sub })}.c2ln`;

/** The session of a cookie or a header, as whoever is asked would find it. */
const sessionOf = ({ headers }: Credentials) => {
  const token = headers.authorization?.slice('Bearer '.length) ?? String(headers.cookie).slice('__session='.length);
  return sessionIdentity(options, token, JSON.parse(atob(token.split('.')[1]!)) as never);
};
const machine = () => machineIdentity('api_key', 'ak_1', { id: 'id_1', subject: 'user_1' } as never);
const renewed = () => ({
  ...sessionIdentity(options, jwt(), claims as never),
  headers: new Headers({ 'set-cookie': 'a=b' }),
});
const silence = () => ({ ...refusal(), headers: new Headers() });
const refusal = () => signedOutIdentity('token-invalid', 'any', true);

/** Remembers what is answered as told; notes what was asked. */
function over(answer: (credentials: Credentials) => Identity = sessionOf, maxEntries = 100) {
  const asked: [Credentials, AcceptsToken][] = [];
  const next: Authenticator = {
    authenticate: async (...question) => (asked.push(question), answer(question[0])),
  };
  const now = () => NOW;
  const cache = { maxEntries, maxBytes: 1_000_000, machineTokens: { ttl: 10_000 } };
  const verdicts = new VerificationCache(options, cache, new StaticKeySet('PEM'), now);
  const remembering = new CachedAuthenticator(options, new HotCache(cache, now), verdicts, next);
  const ask = async (headers: Record<string, string>, acceptsToken: AcceptsToken = 'session_token', method = 'GET') =>
    remembering.authenticate(new HttpCredentials({ method, url: '/', headers }, {}), acceptsToken);
  return { ask, asked, remembering };
}

const bearer = (token = jwt()) => ({ authorization: `Bearer ${token}` });
const cookies = (token = jwt()) => ({ cookie: `__session=${token}` });
const NAVIGATION = { 'sec-fetch-dest': 'document' };
const userOf = (identity: Identity) => (identity.toAuth() as { userId?: string | null }).userId;

describe('CachedAuthenticator', () => {
  it.each<[string, Record<string, string>, AcceptsToken]>([
    ['a token', bearer(), 'session_token'],
    ['a token, where others are accepted too', bearer(), ['session_token', 'api_key']],
    ['a token, where any is accepted', bearer(), 'any'],
    ['cookies', cookies(), 'session_token'],
    ['cookies, where any token is accepted', cookies(), 'any'],
  ])('asks once about %s, and then has one and the same answer ready', async (_, headers, acceptsToken) => {
    const { ask, asked } = over();
    const identities: Identity[] = [];
    for (let time = 0; time < 4; time++) identities.push(await ask(headers, acceptsToken));
    expect(identities.map(userOf)).toEqual(Array(4).fill('user_1'));
    expect(asked).toEqual([[expect.objectContaining({ headers }), acceptsToken]]);
    // The first was asked for, the second is made of what is kept, the others are that one.
    expect(new Set(identities.slice(1)).size).toBe(1);
  });

  it.each<[string, AcceptsToken]>([
    ['where that is accepted', 'api_key'],
    ['where any is', 'any'],
  ])('asks once about a machine token, %s', async (_, acceptsToken) => {
    const { ask, asked } = over(machine);
    const identities: Identity[] = [];
    for (let time = 0; time < 4; time++) identities.push(await ask(bearer('ak_1'), acceptsToken));
    expect(identities.map(({ tokenType }) => tokenType)).toEqual(Array(4).fill('api_key'));
    expect([asked.length, new Set(identities.slice(1)).size]).toEqual([1, 1]);
  });

  it.each<[string, Record<string, string>, AcceptsToken, number]>([
    ['the token of a session', bearer(), 'session_token', 1],
    ['the token of a session, where any is accepted', bearer(), 'any', 1],
    ['cookies', cookies(), 'session_token', 2],
    ['the token of a machine', bearer('ak_1'), 'api_key', 2],
  ])('knows %s by all that Clerk would read beside it', async (_, headers, acceptsToken, times) => {
    const answer = acceptsToken === 'api_key' ? machine : sessionOf;
    const origin = 'https://a.example';
    const one = over(answer);
    await one.ask(headers, acceptsToken);
    await one.ask({ ...headers, origin }, acceptsToken);
    expect(one.asked).toHaveLength(times);
    const atOnce = over(answer);
    await Promise.all([atOnce.ask(headers, acceptsToken), atOnce.ask({ ...headers, origin }, acceptsToken)]);
    expect(atOnce.asked).toHaveLength(times);
  });

  it.each<[string, (token: string) => Record<string, string>]>([
    ['tokens', bearer],
    ['cookies', cookies],
  ])('takes nobody for another, by %s', async (_, by) => {
    const { ask, asked } = over();
    const users = ['user_1', 'user_2'];
    for (let time = 0; time < 3; time++) {
      const identities = await Promise.all(users.map((user) => ask(by(jwt(user)))));
      expect(identities.map(userOf)).toEqual(users);
    }
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Record<string, string>, () => Identity]>([
    ['a token that is refused', bearer(), refusal],
    ['cookies that are refused', cookies(), refusal],
    ['a token that is refused without a word', bearer(), silence],
    ['cookies that have to be renewed', cookies(), renewed],
    ['a token that has to be renewed', bearer(), renewed],
    ['nothing', {}, machine],
    ['nothing that it would know', { accept: 'text/html' }, machine],
  ])('asks each time about %s', async (_, headers, answer) => {
    const { ask, asked } = over(answer);
    for (const times of [1, 2, 3]) {
      expect((await ask(headers)).status).toBe(answer().status);
      expect(asked).toHaveLength(times);
    }
  });

  it.each([
    ['a token', bearer()],
    ['cookies', cookies()],
  ])('asks once about %s of many who come at once', async (_, headers) => {
    const { ask, asked } = over();
    const identities = await Promise.all([1, 2, 3].map(() => ask(headers)));
    expect([asked.length, ...identities.map(userOf)]).toEqual([1, 'user_1', 'user_1', 'user_1']);
  });

  it('lets nobody share who shows nothing', async () => {
    const { ask, asked } = over(refusal);
    await Promise.all([ask({}), ask({})]);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['at once', refusal],
    ['at once, without a word', silence],
  ])('lets those who are refused %s share that too, but for navigations', async (_, answer) => {
    const counts = await Promise.all(
      [bearer(), cookies()].map(async (headers) => {
        const { ask, asked } = over(answer);
        await Promise.all([ask(headers), ask(headers), ask(headers)]);
        const shared = asked.splice(0).length;
        await Promise.all([ask(headers), ...[1, 2].map(() => ask({ ...headers, ...NAVIGATION }))]);
        const own = asked.splice(0).length;
        await Promise.all([1, 2].map(() => ask({ ...headers, ...NAVIGATION }, 'session_token', 'POST')));
        return [shared, own, asked.length];
      }),
    );
    // By a token all ask first together; what it refuses is asked again by all that was sent.
    expect(counts).toEqual([
      [2, 3, 2],
      [1, 3, 1],
    ]);
  });

  it('reads nothing of a request but a token, where only that can count', async () => {
    const { asked, remembering } = over();
    const unread = {
      headers: bearer(),
      get method(): never {
        throw new Error('was read');
      },
    };
    for (let time = 0; time < 3; time++) {
      expect(userOf(await remembering.authenticate(unread as never, 'session_token'))).toBe('user_1');
    }
    expect(asked).toHaveLength(1);
  });

  it('gives no place of those who are known to those who are refused', async () => {
    const { ask } = over((credentials) => (credentials.headers.cookie ? sessionOf(credentials) : refusal()), 10);
    await ask(cookies());
    const ready = await ask(cookies());
    await ask(bearer('ak_1'), 'any');
    expect(await ask(cookies())).toBe(ready);
  });
});
