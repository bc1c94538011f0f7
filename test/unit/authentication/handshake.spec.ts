import { createClerkRequest } from '@clerk/backend/internal';

import {
  readDirectives,
  handshakeNonce,
  handshakeToken,
  findSessionToken,
} from '../../../lib/authentication/lanes/handshake.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (header: object, payload: object) => `${encode(header)}.${encode(payload)}.AAAA`;

describe('handshakeNonce() and handshakeToken()', () => {
  it.each<[string, Record<string, string>, string | undefined, string | undefined]>([
    ['/', {}, undefined, undefined],
    ['/?__clerk_handshake=t', {}, undefined, 't'],
    ['/?__clerk%5Fhandshake=t&__clerk_handshake_nonce=n', {}, 'n', 't'],
    ['/?__clerk_handshake_nonce=first&__clerk_handshake_nonce=second', {}, 'first', undefined],
    ['/?__clerk_handshake_nonce=', { cookie: '__clerk_handshake_nonce=n' }, 'n', undefined],
    ['/?__clerk_handshake=t', { cookie: '__clerk_handshake=other; __clerk_handshake_nonce_x=n' }, undefined, 't'],
    ['/', { cookie: '__clerk_handshake=t; __clerk_handshake_nonce=n' }, 'n', 't'],
  ])('for the URL %s and the headers %j, return %s and %s', (path, headers, nonce, token) => {
    const request = createClerkRequest(new Request(`http://app.test${path}`, { headers }));
    expect([handshakeNonce(request), handshakeToken(request)]).toEqual([nonce, token]);
  });
});

describe('readDirectives()', () => {
  const lines = ['__session=a.b.c', '__client_uat=1'];
  it.each<[string, object, object, string[] | undefined]>([
    ['a handshake', { alg: 'RS256', typ: 'JWT' }, { handshake: lines }, lines],
    ['a handshake without typ', { alg: 'RS256' }, { handshake: lines }, lines],
    [
      'a handshake with the category of sessions',
      { alg: 'RS256', cat: 'cl_B7d4PD111AAA' },
      { handshake: lines },
      lines,
    ],
    ['a handshake without lines', { alg: 'RS256' }, { handshake: [] }, []],
    [
      'a token with the category of JWT templates',
      { alg: 'RS256', cat: 'cl_B7d4PD222AAA' },
      { handshake: lines },
      undefined,
    ],
    ['a token of another type', { alg: 'RS256', typ: 'at+jwt' }, { handshake: lines }, undefined],
    ['a token with another algorithm', { alg: 'RS512' }, { handshake: lines }, undefined],
    ['a session token', { alg: 'RS256' }, { sub: 'user_1' }, undefined],
    ['a handshake with a number among its lines', { alg: 'RS256' }, { handshake: ['a=b', 7] }, undefined],
  ])('reads the lines of a handshake only, as Clerk does: %s', (_, header, payload, directives) => {
    expect(readDirectives(jwt(header, payload))).toEqual(directives);
  });

  it('returns undefined for text that is not a JWT', () => {
    for (const token of ['', 'x', 'a.b.c', `${encode(null)}.${encode(null)}.x`]) {
      expect(readDirectives(token)).toBeUndefined();
    }
  });
});

describe('findSessionToken()', () => {
  it.each<[unknown, string | undefined]>([
    [['__session=a.b.c; Path=/'], 'a.b.c'],
    [['__session=first', '__session_x=last; HttpOnly', '__client_uat=1'], 'last'],
    [['__session=token==; Path=/'], 'token'],
    [['__session=; Max-Age=0'], undefined],
    [['x__session=a', 'a=__session=b'], undefined],
    [[], undefined],
    [[null, 7, {}], undefined],
    [undefined, undefined],
    ['__session=a', undefined],
    [null, undefined],
  ])('for the lines %j, returns %p as in Clerk’s SDK', (directives, token) =>
    expect(findSessionToken(directives)).toBe(token),
  );
});
