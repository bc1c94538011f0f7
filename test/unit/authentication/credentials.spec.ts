import { webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';

import { createClerkRequest } from '@clerk/backend/internal';

import {
  carriesCredentials,
  carriesHandshake,
  carriesRefreshToken,
  computeCookieSuffix,
  readExpiry,
  readKeyId,
  sessionTokens,
  tokenInHeader,
  withoutRefreshTokens,
} from '../../../lib/authentication/identity/credentials.js';

const request = (headers: Record<string, string> = {}, path = '/') =>
  createClerkRequest(new Request(`http://localhost${path}`, { headers }));
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('tokenInHeader()', () => {
  it.each([
    [null, undefined],
    ['', undefined],
    ['Bearer a.b.c', 'a.b.c'],
    ['Bearer a b', 'a'],
    ['a.b.c', 'a.b.c'],
    ['Bearer', 'Bearer'],
    ['Bearer ', 'Bearer'],
    ['bearer a.b.c', undefined],
    ['BEARER a.b.c', undefined],
    ['Basic dXNlcjpwYXNz', undefined],
    ['DPoP a.b.c', undefined],
    ['Bearer  a.b.c', 'Bearer'],
  ])('for the Authorization header %j, returns %j as in Clerk’s SDK', (header, token) =>
    expect(tokenInHeader(header)).toBe(token),
  );
});

const PUBLISHABLE_KEY = `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`;
const SUFFIX = computeCookieSuffix(PUBLISHABLE_KEY);

it('computeCookieSuffix() returns the same suffix as Clerk’s SDK', async () => {
  const { getCookieSuffix } = createRequire(require.resolve('@clerk/backend'))('@clerk/shared/keys');
  for (const key of [PUBLISHABLE_KEY, 'pk_live_x', 'pk_test_+/=']) {
    expect(computeCookieSuffix(key)).toBe(await getCookieSuffix(key, webcrypto.subtle as never));
  }
});

describe('sessionTokens()', () => {
  it.each([
    ['theme=dark', []],
    ['__session=a', ['a']],
    [`theme=dark; __session_${SUFFIX}=b; __session=a`, ['a', 'b']],
    ['__session =a', ['a']],
    ['__session=a%2Eb%2Ec', ['a.b.c']],
    ['__session=', []],
    ['__session=a; __session=b', ['a']],
    ['x__session=a; session=b; __sessions=c; __session_other=d', []],
    ['__client_uat=1; __refresh_x=r', []],
  ])('for the cookies %j, returns %j', (cookie, tokens) =>
    expect(sessionTokens(request({ cookie }), SUFFIX)).toEqual(tokens),
  );
});

describe('carriesHandshake()', () => {
  it.each<[Record<string, string>, string, boolean]>([
    [{}, '/', false],
    [{}, '/?__clerk_handshake=x', true],
    [{}, '/?a=1&__clerk_handshake_nonce=x', true],
    [{}, '/?%5F_clerk_handshake_nonce=x', true],
    [{}, '/?__clerk%5Fhandshake=x', true],
    [{ cookie: '__clerk_handshake_nonce=x' }, '/', true],
    [{ cookie: 'a=b; __clerk_handshake =x' }, '/', true],
    [{ cookie: 'x__clerk_handshake=x' }, '/', false],
    [{}, '/__clerk_handshake', false],
  ])('for the headers %j and the URL %s, returns %s', (headers, path, carried) => {
    expect(carriesHandshake(request(headers, path))).toBe(carried);
  });
});

describe('withoutRefreshTokens()', () => {
  it.each([
    ['a=b; __refresh_x=r; c=d', 'a=b; c=d'],
    ['__refresh=r;__refresh_x=s;c=d', 'c=d'],
    ['a=b;  __refresh_x =r', 'a=b'],
    ['a=b; x__refresh=r', undefined],
    ['a=__refresh_x', undefined],
    ['', undefined],
  ])('for the cookies %j, keeps %j (undefined: returns the request unchanged)', (cookie, rest) => {
    const sent = request({ cookie, 'x-other': 'stays' }, '/path?a=b');
    expect(carriesRefreshToken(sent)).toBe(rest !== undefined);
    const stripped = withoutRefreshTokens(sent);
    if (rest === undefined) return expect(stripped).toBe(sent);
    expect(carriesRefreshToken(stripped)).toBe(false);
    expect(stripped.headers.get('cookie')?.replace(/; */g, '; ')).toBe(rest);
    expect([stripped.url, stripped.method, stripped.headers.get('x-other')]).toEqual([sent.url, 'GET', 'stays']);
  });
});

describe('carriesCredentials()', () => {
  const header = { authorization: 'Bearer x' };
  const cookie = { cookie: '__session=x' };
  it.each([
    [{}, 'session_token', false],
    [header, 'session_token', true],
    [header, 'api_key', true],
    [{ authorization: 'Basic x' }, 'session_token', false],
    [{ authorization: 'Basic x', ...cookie }, 'session_token', true],
    [cookie, 'session_token', true],
    [cookie, 'any', true],
    [cookie, ['session_token', 'api_key'], true],
    [cookie, ['m2m_token', 'api_key'], false],
    [cookie, 'api_key', false],
    [{ cookie: '__client_uat=5' }, 'session_token', false],
  ] as const)('for the headers %j and the accepted types %j, returns %s', (headers, acceptsToken, answer) =>
    expect(carriesCredentials(request(headers), acceptsToken as never, SUFFIX)).toBe(answer),
  );
});

describe('readExpiry()', () => {
  it.each([
    ['opaque', undefined],
    ['a.b', undefined],
    ['a.b.c', undefined],
    [`${encode({})}.${encode({ exp: 5 })}.c.d`, undefined],
    [`${encode({})}.${encode({ exp: 5 })}.c`, 5_000],
    [`${encode({})}.${encode({})}.c`, NaN],
  ])('for the token %s, returns %s', (token, expiry) => expect(readExpiry(token)).toBe(expiry));
});

describe('readKeyId()', () => {
  it.each([
    ['opaque', undefined],
    ['a.b', undefined],
    ['a.b.c.d', undefined],
    [`${encode({ kid: 'ins_1' })}.b`, undefined],
    [`${encode({ kid: 'ins_1' })}.b.c.d`, undefined],
    [`${encode({ kid: 'ins_1' })}.b.c.d.e`, undefined],
    ['!!.b.c', undefined],
    [`${encode('text')}.b.c`, undefined],
    [`${encode({ alg: 'RS256' })}.b.c`, null],
    [`${encode({ kid: 5 })}.b.c`, null],
    [`${encode({ kid: 'ins_1' })}.b.c`, 'ins_1'],
    [`${encode({ kid: '' })}.b.c`, ''],
  ])('for the token %s, returns %s', (token, kid) => expect(readKeyId(token)).toBe(kid));
});
