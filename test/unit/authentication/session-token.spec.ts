import { generateKeyPairSync, sign } from 'node:crypto';

import { areClaimsValid, isSignedBy, readSessionToken } from '../../../lib/authentication/identity/session-token.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');

const HEADER = { alg: 'RS256', typ: 'JWT', kid: 'ins_1' };
const CLAIMS = { sub: 'user_1', sid: 'sess_1' };
const token = (header: unknown = HEADER, claims: unknown = CLAIMS, signature = 'c2ln') =>
  `${encode(header)}.${encode(claims)}.${signature}`;

describe('readSessionToken()', () => {
  it.each([undefined, 'cl_B7d4PD111AAA', 'cl_I7d4PD111III'])('parses a session token with the category %s', (cat) => {
    expect(readSessionToken(token({ ...HEADER, cat }))).toEqual({ kid: 'ins_1', claims: CLAIMS });
  });

  const [header, payload] = [encode(HEADER), encode(CLAIMS)];
  it.each<[string, string]>([
    ['two parts', `${header}.${payload}`],
    ['four parts', `${token()}.x`],
    ['no header', `.${payload}.c2ln`],
    ['no payload', `${header}..c2ln`],
    ['no signature', `${header}.${payload}.`],
    ['a signature that is not canonical base64url', token(HEADER, CLAIMS, 'c2l')],
    ['a header that is not canonical base64url', `${header}=.${payload}.c2ln`],
    ['a payload that is not canonical base64url', `${header}.${payload}=.c2ln`],
    ['a header that is not JSON', `bm8.${payload}.c2ln`],
    ['a payload that is not JSON', `${header}.bm8.c2ln`],
    ...[null, [], 'text', 5].map((value): [string, string] => [
      `the payload ${JSON.stringify(value)}`,
      token(HEADER, value),
    ]),
    ...[null, [HEADER]].map((value): [string, string] => [`the header ${JSON.stringify(value)}`, token(value)]),
    ['another algorithm', token({ ...HEADER, alg: 'HS256' })],
    ['the algorithm none', token({ ...HEADER, alg: 'none' })],
    ['the type of an OAuth token', token({ ...HEADER, typ: 'at+jwt' })],
    ['no type', token({ ...HEADER, typ: undefined })],
    ['the category of a JWT template', token({ ...HEADER, cat: 'cl_B7d4PD222AAA' })],
    ['the category of an M2M token', token({ ...HEADER, cat: 'cl_B7d4PD333AAA' })],
    ['an empty category', token({ ...HEADER, cat: '' })],
    ['no kid', token({ ...HEADER, kid: undefined })],
    ['a kid that is not a string', token({ ...HEADER, kid: 5 })],
    ['an unknown header field', token({ ...HEADER, crit: ['b64'] })],
    ['no subject', token(HEADER, { sid: 'sess_1' })],
    ['a machine as subject', token(HEADER, { ...CLAIMS, sub: 'mch_1' })],
    ['a subject that is not a string', token(HEADER, { ...CLAIMS, sub: 5 })],
    ['no session ID', token(HEADER, { sub: 'user_1' })],
    ['an empty session ID', token(HEADER, { ...CLAIMS, sid: '' })],
    ['a session ID that is not a string', token(HEADER, { ...CLAIMS, sid: ['sess_1'] })],
  ])('returns undefined for a token with %s', (_, unusual) => {
    expect(readSessionToken(unusual)).toBeUndefined();
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

describe('areClaimsValid()', () => {
  const NOW = 1_000_000_000;
  const OPTIONS = {
    clockSkewInMs: 5_000,
    audience: {},
    requireAudience: false,
    allowMissingAzp: false,
  } as never as Parameters<typeof areClaimsValid>[1];
  const valid = (claims: object, options: object = {}) =>
    areClaimsValid({ exp: 1_000_060, ...claims } as never, { ...OPTIONS, ...options }, NOW);

  it.each<[object, boolean]>([
    [{}, true],
    // exp, with the clock skew
    [{ exp: 999_996 }, true],
    [{ exp: 999_995 }, false],
    [{ exp: undefined }, false],
    [{ exp: '1000060' }, false],
    [{ exp: 1_000_060.5 }, false],
    [{ exp: 8e12 }, false],
    [{ exp: 8e12 - 1 }, true],
    [{ exp: Infinity }, false],
    // nbf and iat, with the clock skew
    ...(['nbf', 'iat'] as const).flatMap((claim): [object, boolean][] => [
      [{ [claim]: 1_000_005 }, true],
      [{ [claim]: 1_000_006 }, false],
      [{ [claim]: null }, false],
      [{ [claim]: '1' }, false],
      [{ [claim]: -8e12 }, false],
      [{ [claim]: -8e12 + 1 }, true],
    ]),
  ])('for the claims %j at 1,000,000 s with 5 s of clock skew, returns %s', (claims, expected) => {
    expect(valid(claims)).toBe(expected);
  });

  it.each<[unknown, unknown, boolean, boolean]>([
    // audience, aud, requireAudience, expected
    [undefined, undefined, false, true],
    [undefined, undefined, true, true],
    [undefined, 'a', true, true],
    [[], 'a', true, true],
    ['a', undefined, false, true],
    ['a', undefined, true, false],
    ['a', 'a', false, true],
    ['a', 'a', true, true],
    ['a', 'b', false, false],
    [['a', 'b'], 'b', false, true],
    [['a', 'b'], 'ab', false, false],
    // Clerk verifies tokens with a list of audiences.
    ['a', ['a'], false, false],
    [[5], 5, false, false],
  ])('with audience %j, aud %j and requireAudience %s, returns %s', (audience, aud, requireAudience, expected) => {
    expect(valid({ aud }, { audience: { session_token: audience }, requireAudience })).toBe(expected);
  });

  it.each<[unknown, unknown, boolean, boolean]>([
    [undefined, 'https://evil.example', false, true],
    [[], 'https://evil.example', false, true],
    [['https://a.example'], 'https://a.example', false, true],
    [['https://a.example', 'https://b.example'], 'https://b.example', false, true],
    [['https://a.example'], 'https://evil.example', false, false],
    [['https://a.example'], 'https://evil.example', true, false],
    [['https://a.example'], undefined, false, false],
    [['https://a.example'], undefined, true, true],
    [['https://a.example'], '', true, false],
    [[5], 5, true, false],
  ])(
    'with authorizedParties %j, azp %j and allowMissingAzp %s, returns %s',
    (authorizedParties, azp, allowMissingAzp, expected) => {
      expect(valid({ azp }, { authorizedParties, allowMissingAzp })).toBe(expected);
    },
  );
});
