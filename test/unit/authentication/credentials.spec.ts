import {
  carriesCredential,
  carriesHandshake,
  keyIdOf,
  tokenInHeader,
  tokensInCookies,
} from '../../../lib/authentication/credentials.js';

const request = (headers: Record<string, string> = {}, path = '/') =>
  new Request(`http://localhost${path}`, { headers });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('tokenInHeader reads as Clerk does', () => {
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
  ])('%j → %j', (header, token) => expect(tokenInHeader(header)).toBe(token));
});

describe('tokensInCookies', () => {
  it.each([
    [null, []],
    ['theme=dark', []],
    ['__session=a', ['a']],
    ['theme=dark; __session=a; __session_xyz=b', ['a', 'b']],
    ['__session=a;__clerk_handshake=h', ['a', 'h']],
    ['__session=', []],
    ['x__session=a; session=b; __sessions=c', []],
    ['__client_uat=1; __refresh_x=r', []],
    ['__session=a=b', ['a=b']],
  ])('%j → %j', (header, tokens) => expect(tokensInCookies(header)).toEqual(tokens));
});

describe('carriesHandshake', () => {
  it.each([
    [request(), false],
    [request({}, '/?__clerk_handshake=x'), true],
    [request({}, '/?a=1&__clerk_handshake_nonce=x'), true],
    [request({ cookie: '__clerk_handshake_nonce=x' }), true],
    [request({ cookie: 'a=b; __clerk_handshake=x' }), true],
    [request({ cookie: 'x__clerk_handshake=x' }), false],
    [request({}, '/__clerk_handshake'), false],
  ])('case %#', (given, answer) => expect(carriesHandshake(given)).toBe(answer));
});

describe('carriesCredential', () => {
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
  ] as const)('%j to a route for %j: %s', (headers, acceptsToken, answer) =>
    expect(carriesCredential(request(headers), acceptsToken as never)).toBe(answer),
  );
});

describe('keyIdOf', () => {
  it.each([
    ['opaque', undefined],
    ['a.b', undefined],
    ['a.b.c.d', undefined],
    ['!!.b.c', undefined],
    [`${encode('text')}.b.c`, undefined],
    [`${encode({ alg: 'RS256' })}.b.c`, null],
    [`${encode({ kid: 5 })}.b.c`, null],
    [`${encode({ kid: 'ins_1' })}.b.c`, 'ins_1'],
    [`${encode({ kid: '' })}.b.c`, ''],
  ])('%s → %s', (token, kid) => expect(keyIdOf(token)).toBe(kid));
});
