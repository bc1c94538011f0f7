import { generateKeyPairSync, sign } from 'node:crypto';

import { isMachineToken } from '@clerk/backend/internal';
import { decodeJwt } from '@clerk/backend/jwt';
import fc from 'fast-check';

import {
  decodeToken,
  hasOtherCategory,
  hasUsualHeader,
  isMachineJwt,
  isSignedBy,
  UNDECODABLE,
  type DecodedToken,
} from '../../../lib/authentication/identity/session-token.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');

const HEADER = { alg: 'RS256', typ: 'JWT', kid: 'ins_1' };
const CLAIMS = { sub: 'user_1', sid: 'sess_1' };
const token = (header: unknown = HEADER, claims: unknown = CLAIMS, signature = 'c2ln') =>
  `${encode(header)}.${encode(claims)}.${signature}`;

describe('decodeToken()', () => {
  const [header, payload] = [encode(HEADER), encode(CLAIMS)];

  it('decodes the header and the payload of a JWT', () => {
    expect(decodeToken(token())).toEqual({ header: HEADER, payload: CLAIMS, signature: Buffer.from('sig') });
  });

  it('decodes a JWT with an empty signature', () => {
    expect(decodeToken(`${header}.${payload}.`)).toEqual({
      header: HEADER,
      payload: CLAIMS,
      signature: Buffer.alloc(0),
    });
  });

  it.each<[string, string]>([
    ['one part', 'garbage'],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${token()}.x`],
    ['no header', `.${payload}.c2ln`],
    ['no payload', `${header}..c2ln`],
    ['only dots', '..'],
    ['a signature that is not canonical base64url', token(HEADER, CLAIMS, 'c2l')],
    ['a signature of one character', token(HEADER, CLAIMS, 'c')],
    ['a signature in the standard alphabet of base64', token(HEADER, CLAIMS, 'ab+/')],
    ['a header that is not canonical base64url', `${header.slice(0, -1)}x.${payload}.c2ln`],
    ['a header with padding within', `e3=0.${payload}.c2ln`],
    ['a header that is not JSON', `bm8.${payload}.c2ln`],
    ['a payload that is not JSON', `${header}.bm8.c2ln`],
  ])('returns UNDECODABLE for a token with %s', (_, sent) => {
    expect(decodeToken(sent)).toBe(UNDECODABLE);
  });

  it.each<[string, string]>([
    ['a padded header', `${header}=.${payload}.c2ln`],
    ['a padded payload', `${header}.${payload}=.c2ln`],
    ['a padded signature', `${token()}=`],
    ['one part with a tab', 'gar\tbage'],
    ['one part with a letter outside of ASCII', 'garbagé'],
    ['an undecodable part and a letter outside of ASCII', `bm8é.${payload}.c2ln`],
    ['a byte order mark', `${Buffer.from('\ufeff{}').toString('base64url')}.${payload}.c2ln`],
    ...[null, [], 'text', 5].map((value): [string, string] => [
      `the payload ${JSON.stringify(value)}`,
      token(HEADER, value),
    ]),
    ...[null, [HEADER]].map((value): [string, string] => [`the header ${JSON.stringify(value)}`, token(value)]),
    ['the header null and an undecodable payload', `${encode(null)}.bm8.c2ln`],
  ])('returns undefined for a token with %s', (_, sent) => {
    expect(decodeToken(sent)).toBeUndefined();
  });

  it('decodes and rejects the same tokens as Clerk', () => {
    const part = fc.oneof(
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.stringMatching(/^[\w=+/-]{0,8}$/),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.constantFrom('', '=', '==', 'e30', 'e30=', 'e31', '77u_e30', 'bnVsbA'),
    );
    const sent = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(sent, (text) => {
        const decoded = decodeToken(text);
        const theirs = attempt(() => decodeJwt(text));
        if (decoded === UNDECODABLE) expect(theirs).toBeUndefined();
        else if (decoded) expect(theirs).toMatchObject({ header: decoded.header, payload: decoded.payload });
      }),
      { numRuns: 5_000 },
    );
  });
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

describe('what a token is for', () => {
  const decoded = (header: unknown, claims: unknown = CLAIMS, signature?: string) =>
    decodeToken(token(header, claims, signature)) as DecodedToken;

  it.each<[string, unknown, unknown, string, boolean]>([
    // what, header, claims, signature, expected
    ['a session token', HEADER, CLAIMS, 'c2ln', false],
    ['an OAuth token', { ...HEADER, typ: 'at+jwt' }, CLAIMS, 'c2ln', true],
    ['an OAuth token by its media type', { ...HEADER, typ: 'application/at+jwt' }, CLAIMS, 'c2ln', true],
    ['an M2M token', HEADER, { sub: 'mch_1' }, 'c2ln', true],
    ['an M2M token without a signature', HEADER, { sub: 'mch_1' }, '', false],
    ['a subject that is not a string', HEADER, { sub: ['mch_1'] }, 'c2ln', false],
  ])('isMachineJwt() of %s returns the same as Clerk', (_, header, claims, signature, expected) => {
    expect(isMachineJwt(decoded(header, claims, signature))).toBe(expected);
    expect(isMachineToken(token(header, claims, signature))).toBe(expected);
  });

  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['cl_B7d4PD111AAA', false],
    ['cl_I7d4PD111III', false],
    ['cl_B7d4PD222AAA', true],
    ['cl_B7d4PD333AAA', true],
    ['', true],
  ])('hasOtherCategory() for the category %j returns %s', (cat, expected) => {
    expect(hasOtherCategory(decoded({ ...HEADER, cat }))).toBe(expected);
  });

  it.each<[string, unknown, boolean]>([
    ['Clerk’s fields', HEADER, true],
    ['a category', { ...HEADER, cat: 'cl_B7d4PD111AAA' }, true],
    ['another algorithm', { ...HEADER, alg: 'HS256' }, false],
    ['no type', { ...HEADER, typ: undefined }, false],
    ['no kid', { ...HEADER, kid: undefined }, false],
    ['a kid that is not a string', { ...HEADER, kid: 5 }, false],
    ['an unknown field', { ...HEADER, crit: ['b64'] }, false],
  ])('hasUsualHeader() for a header with %s returns %s', (_, header, expected) => {
    expect(hasUsualHeader(decoded(header))).toBe(expected);
  });
});

describe('isSignedBy()', () => {
  const [ours, theirs] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 })) as [
    ReturnType<typeof generateKeyPairSync>,
    ReturnType<typeof generateKeyPairSync>,
  ];
  const content = `${encode(HEADER)}.${encode(CLAIMS)}`;
  const signed = (algorithm = 'RSA-SHA256') =>
    `${content}.${sign(algorithm, Buffer.from(content), ours.privateKey as never).toString('base64url')}`;

  it('returns true only for an unchanged token with an RS256 signature of this key', () => {
    expect(isSignedBy(signed(), ours.publicKey as never)).toBe(true);
    expect(isSignedBy(signed(), theirs.publicKey as never)).toBe(false);
    expect(isSignedBy(signed('RSA-SHA512'), ours.publicKey as never)).toBe(false);
    expect(isSignedBy(signed().replace('.', '.x'), ours.publicKey as never)).toBe(false);
    expect(isSignedBy(`${content}.`, ours.publicKey as never)).toBe(false);
  });
});
