import { decodeJwt, decodeProtectedHeader } from 'jose';

import { headerToken, inBoth, token, type Attack, type Family } from './entry.js';
import {
  assemble,
  constant,
  encode,
  hmac,
  rs256,
  withHeader,
  withHeaderText,
  withMembers,
  withPayloadText,
} from './forge.js';

const TWICE = 'RFC 7515 §10.12';

/** A header with a member twice: as in JSON.parse, the last one counts, in every lane. */
const headerTwice = (name: string, members: string): Attack =>
  headerToken(name, TWICE, ({ clerk, good }) =>
    withHeaderText(good.session, withMembers(decodeProtectedHeader(good.session), members), rs256(clerk.signingKey)),
  );

const claimsTwice = (name: string, members: string): Attack =>
  token(name, 'RFC 7519 §4', ({ clerk, good }) =>
    withPayloadText(good.session, withMembers(decodeJwt(good.session), members), rs256(clerk.signingKey)),
  );

/** A payload that is not an object with claims, signed with the instance's key. */
const payload = (name: string, source: string, text: string): Attack =>
  token(name, source, ({ clerk, good }) => withPayloadText(good.session, text, rs256(clerk.signingKey)));

const header = (name: string, source: string, text: string): Attack =>
  token(name, source, ({ clerk, good }) => withHeaderText(good.session, text, rs256(clerk.signingKey)));

/** An encrypted token (JWE), which has five parts. */
const encrypted = (name: string, source: string, fields: object): Attack =>
  token(name, source, ({ good }) =>
    [encode({ ...fields, cty: 'JWT' }), 'AAAA', 'AAAAAAAAAAAAAAAA', encode(good.session), 'AAAA'].join('.'),
  );

const deep = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** JSON that parsers disagree on, and tokens inside tokens. */
export const json: Family = {
  name: 'JSON and nesting',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    headerTwice('alg twice, none last', '"alg":"none"'),
    headerTwice('alg twice, HS256 last', '"alg":"HS256"'),
    headerTwice('kid twice, an unknown one last', '"kid":"unknown"'),
    headerTwice('typ twice, that of an access token last', '"typ":"at+jwt"'),
    headerTwice('cat twice, that of a JWT template last', '"cat":"cl_B7d4PD222AAA"'),
    headerTwice('alg twice, none last under an escaped name', '"\\u0061lg":"none"'),
    token('alg twice, none first, unsigned', TWICE, ({ good }) =>
      withHeaderText(
        good.session,
        `{"alg":"none",${JSON.stringify(decodeProtectedHeader(good.session)).slice(1)}`,
        constant(),
      ),
    ),
    token('alg twice, HS256 first, signed with the public key', TWICE, ({ clerk, good }) =>
      withHeaderText(
        good.session,
        `{"alg":"HS256",${JSON.stringify(decodeProtectedHeader(good.session)).slice(1)}`,
        hmac(clerk.jwtKey),
      ),
    ),
    claimsTwice('exp twice, an expired one last', '"exp":1'),
    claimsTwice('exp twice, a string last', '"exp":"never"'),
    claimsTwice('exp twice, an expired one last under an escaped name', '"ex\\u0070":1'),
    claimsTwice('sub twice, a machine last', '"sub":"mch_1"'),
    claimsTwice('sub twice, null last', '"sub":null'),
    claimsTwice('nbf twice, one in the future last', '"nbf":99999999999'),

    payload('a payload that is null', 'RFC 7519 §7.2', 'null'),
    payload('a payload that is a number', 'RFC 7519 §7.2', '5'),
    payload('a payload that is a string', 'RFC 7519 §7.2', '"text"'),
    payload('a payload that is a list', 'RFC 7519 §7.2', '[]'),
    payload('a payload that is true', 'RFC 7519 §7.2', 'true'),
    payload('a payload that is not JSON', 'RFC 7519 §7.2', '{"sub":'),
    payload('a payload with a comment', 'RFC 8259 §2', '{"sub":"user_1"/**/}'),
    payload('a payload with single quotes', 'RFC 8259 §7', "{'sub':'user_1'}"),
    payload('a payload of two objects', 'RFC 8259 §2', '{"exp":1}{"exp":9999999999}'),
    payload('a payload that is a deeply nested list', 'RFC 8259 §9', deep(4_000, '[', ']')),
    header('a header that is null', 'RFC 7515 §4', 'null'),
    header('a header that is a number', 'RFC 7515 §4', '5'),
    header('a header that is a list', 'RFC 7515 §4', '["RS256"]'),
    header('a header that is not JSON', 'RFC 7515 §4', '{"alg"'),
    header('a header that is a deeply nested list', 'RFC 8259 §9', deep(4_000, '[', ']')),
    token('a header that is not UTF-8', 'RFC 8725 §3.7', ({ clerk }) => {
      const input = `${Buffer.from([0xff, 0xfe, 0x7b, 0x7d]).toString('base64url')}.${encode('{}')}`;
      return `${input}.${rs256(clerk.signingKey)(input)}`;
    }),
    token('a payload in UTF-16', 'RFC 8725 §3.7', ({ clerk, good }) => {
      const text = Buffer.from(JSON.stringify(decodeJwt(good.session)), 'utf16le').toString('base64url');
      const input = `${good.session.split('.')[0]}.${text}`;
      return `${input}.${rs256(clerk.signingKey)(input)}`;
    }),

    token('deeply nested claims, signed by an attacker', 'RFC 8259 §9', ({ attacker, good }) =>
      withPayloadText(
        good.session,
        withMembers(decodeJwt(good.session), `"a":${deep(3_500, '[', ']')}`),
        rs256(attacker.signingKey),
      ),
    ),
    token('a deeply nested header, signed by an attacker', 'RFC 8259 §9', ({ attacker, good }) =>
      withHeaderText(
        good.session,
        withMembers(decodeProtectedHeader(good.session), `"a":${deep(900, '{"a":', '}').replace('{"a":}', '{}')}`),
        rs256(attacker.signingKey),
      ),
    ),

    token('a valid token as the payload, unsigned', 'RFC 7519 §5.2', ({ good }) =>
      assemble({ alg: 'none', cty: 'JWT' }, good.session, constant()),
    ),
    token('a valid token as the payload, signed by an attacker', 'RFC 7519 §5.2', ({ attacker, good }) =>
      assemble({ alg: 'RS256', typ: 'JWT', cty: 'JWT', kid: attacker.keyId }, good.session, rs256(attacker.signingKey)),
    ),
    token('a valid token as the payload, signed by Clerk', 'RFC 7519 §5.2', ({ clerk, good }) =>
      assemble({ alg: 'RS256', typ: 'JWT', cty: 'JWT', kid: clerk.keyId }, good.session, rs256(clerk.signingKey)),
    ),
    token('a valid token in the claims of an attacker', 'RFC 7519 §5.2', ({ attacker, good }) =>
      assemble(
        { alg: 'RS256', typ: 'JWT', kid: attacker.keyId },
        { ...decodeJwt(good.session), jwt: good.session },
        rs256(attacker.signingKey),
      ),
    ),
    token('a valid token as its own kid', 'RFC 7519 §5.2', ({ good }) =>
      withHeader(good.session, { alg: 'none', kid: good.session }, constant()),
    ),
    encrypted('a JWE with alg dir', 'RFC 8725 §2.3', { alg: 'dir', enc: 'A128GCM' }),
    encrypted('a JWE with alg RSA-OAEP-256', 'RFC 8725 §2.3', { alg: 'RSA-OAEP-256', enc: 'A256GCM' }),
    encrypted('a JWE with compression', 'CVE-2024-28176 (jose)', { alg: 'dir', enc: 'A128GCM', zip: 'DEF' }),
    encrypted('a JWE with a billion PBES2 iterations', 'CVE-2023-52428 (Nimbus)', {
      ...{ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2s: 'AAAA', p2c: 1_000_000_000 },
    }),
  ],
};
