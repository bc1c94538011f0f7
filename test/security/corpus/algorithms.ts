import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import { decodeProtectedHeader } from 'jose';

import { inBoth, token, type Attack, type Family, type Stage } from './entry.js';
import { constant, hmac, rs256, withHeader, withHeaderText, type Signer } from './forge.js';

const KEY_CONFUSION = 'CVE-2015-9235 (jsonwebtoken)';
const NONE = 'CVE-2022-23540 (jsonwebtoken)';

const publicKey = ({ clerk }: Stage): KeyObject => createPublicKey(clerk.signingKey);
const exported = (stage: Stage, type: 'spki' | 'pkcs1', format: 'pem' | 'der') =>
  publicKey(stage).export({ type, format } as { type: 'spki'; format: 'pem' });

/** The valid token with another algorithm. */
const under = (name: string, source: string, alg: unknown, signer: (stage: Stage) => Signer): Attack =>
  token(name, source, (stage) => withHeader(stage.good.session, { alg }, signer(stage)));

const unsigned = (name: string, alg: unknown, source = NONE) => under(name, source, alg, () => constant());

/** An HMAC whose secret is publicly known. */
const keyed = (name: string, source: string, secret: (stage: Stage) => string | Buffer, alg = 'HS256') =>
  under(name, source, alg, (stage) => hmac(secret(stage), `sha${alg.slice(2)}`));

const signedBy = (name: string, source: string, alg: string, signer: (input: Buffer, stage: Stage) => Buffer) =>
  under(name, source, alg, (stage) => (input) => signer(Buffer.from(input), stage).toString('base64url'));

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed = generateKeyPairSync('ed25519').privateKey;

const padded = (key: KeyObject) => ({
  key,
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
});

/** Missing signatures, and signatures that the instance never creates. */
export const algorithms: Family = {
  name: 'signature algorithms',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    unsigned('none', 'none', 'RFC 8725 §3.2'),
    unsigned('None', 'None'),
    unsigned('NONE', 'NONE'),
    unsigned('nOnE', 'nOnE'),
    unsigned('none followed by a space', 'none '),
    unsigned('none followed by a NUL byte', 'none\0'),
    unsigned('none with a Cyrillic o', 'n\u043ene', 'RFC 7515 §10.13'),
    unsigned('an empty algorithm', ''),
    unsigned('no algorithm', undefined, 'RFC 7515 §4.1.1'),
    unsigned('the algorithm null', null, 'RFC 7515 §4.1.1'),
    unsigned('the algorithm true', true, 'RFC 7515 §4.1.1'),
    unsigned('the algorithm 0', 0, 'RFC 7515 §4.1.1'),
    unsigned('a list of RS256 and none', ['RS256', 'none'], 'RFC 7515 §4.1.1'),
    unsigned('an object as the algorithm', { RS256: 'none' }, 'RFC 7515 §4.1.1'),
    unsigned('__proto__ as the algorithm', '__proto__', 'CWE-1321'),
    unsigned('constructor as the algorithm', 'constructor', 'CWE-1321'),
    unsigned('RS256 without a signature', 'RS256', 'CVE-2020-28042 (ServiceStack)'),
    under('none with the original signature', 'RFC 7519 §6', 'none', ({ good }) =>
      constant(good.session.split('.')[2]),
    ),
    token('a header with only a type, unsigned', 'RFC 7515 §4.1.1', ({ good }) =>
      withHeaderText(good.session, JSON.stringify({ typ: 'JWT' }), constant()),
    ),
    under('rs256 in lower case, validly signed', 'RFC 7515 §4.1.1', 'rs256', ({ clerk }) => rs256(clerk.signingKey)),
    under('a list with only RS256, validly signed', 'RFC 7515 §4.1.1', ['RS256'], ({ clerk }) =>
      rs256(clerk.signingKey),
    ),

    keyed('HS256 with the public key as PEM', KEY_CONFUSION, ({ clerk }) => clerk.jwtKey),
    keyed('HS384 with the public key as PEM', KEY_CONFUSION, ({ clerk }) => clerk.jwtKey, 'HS384'),
    keyed('HS512 with the public key as PEM', KEY_CONFUSION, ({ clerk }) => clerk.jwtKey, 'HS512'),
    keyed('HS256 with the PEM without its final line break', 'CVE-2023-48238 (json-web-token)', ({ clerk }) =>
      clerk.jwtKey.trim(),
    ),
    keyed('HS256 with the PEM after a line break', 'CVE-2026-34950 (fast-jwt)', ({ clerk }) => `\n${clerk.jwtKey}`),
    keyed('HS256 with the PEM with CRLF line breaks', KEY_CONFUSION, ({ clerk }) =>
      clerk.jwtKey.replaceAll('\n', '\r\n'),
    ),
    keyed('HS256 with the PKCS#1 PEM', 'CVE-2023-48223 (fast-jwt)', (stage) => exported(stage, 'pkcs1', 'pem')),
    keyed('HS256 with the DER', KEY_CONFUSION, (stage) => exported(stage, 'spki', 'der')),
    keyed('HS256 with the PKCS#1 DER', KEY_CONFUSION, (stage) => exported(stage, 'pkcs1', 'der')),
    keyed('HS256 with the JSON of the JWK', 'CVE-2022-29217 (PyJWT)', (stage) =>
      JSON.stringify(publicKey(stage).export({ format: 'jwk' })),
    ),
    keyed('HS256 with the modulus', KEY_CONFUSION, (stage) =>
      Buffer.from(publicKey(stage).export({ format: 'jwk' }).n ?? '', 'base64url'),
    ),
    keyed('HS256 with an empty secret', 'CVE-2026-44699 (LibJWT)', () => ''),
    keyed('HS256 with a NUL byte as the secret', 'RFC 8725 §3.5', () => '\0'),
    keyed('HS256 with the kid as the secret', 'RFC 8725 §3.5', ({ clerk }) => clerk.keyId),
    keyed('HS256 with the publishable key as the secret', 'RFC 8725 §3.5', ({ clerk }) => clerk.publishableKey),
    keyed('HS256 with a guessed secret', 'RFC 8725 §2.2', () => 'secret'),
    under('an HMAC with the public key, labelled RS256', 'RFC 8725 §2.1', 'RS256', ({ clerk }) => hmac(clerk.jwtKey)),

    signedBy('RS256 with the attacker’s key', 'RFC 8725 §3.3', 'RS256', (input, { attacker }) =>
      sign('RSA-SHA256', input, attacker.signingKey),
    ),
    signedBy('RS384 with the attacker’s key', 'RFC 8725 §3.1', 'RS384', (input, { attacker }) =>
      sign('RSA-SHA384', input, attacker.signingKey),
    ),
    signedBy('RS512 as the label of a SHA-256 signature', 'RFC 8725 §3.1', 'RS512', (input, { clerk }) =>
      sign('RSA-SHA256', input, clerk.signingKey),
    ),
    signedBy('RS256 as the label of a SHA-1 signature', 'RFC 8725 §3.2', 'RS256', (input, { clerk }) =>
      sign('RSA-SHA1', input, clerk.signingKey),
    ),
    signedBy(
      'RS256 as the label of a PSS signature with the instance’s key',
      'RFC 8725 §3.1',
      'RS256',
      (input, { clerk }) => sign('sha256', input, padded(clerk.signingKey)),
    ),
    signedBy('PS256 with the instance’s key', 'RFC 8725 §3.1', 'PS256', (input, { clerk }) =>
      sign('sha256', input, padded(clerk.signingKey)),
    ),
    signedBy('PS256 with the attacker’s key', 'RFC 8725 §3.1', 'PS256', (input, { attacker }) =>
      sign('sha256', input, padded(attacker.signingKey)),
    ),
    signedBy('ES256 with the attacker’s key', 'RFC 8725 §3.1', 'ES256', (input) =>
      sign('sha256', input, { key: ec, dsaEncoding: 'ieee-p1363' }),
    ),
    signedBy('ES256 with an all-zero signature', 'CVE-2022-21449 (Java)', 'ES256', () => Buffer.alloc(64)),
    signedBy('ES256 with an all-zero DER signature', 'CVE-2022-21449 (Java)', 'ES256', () =>
      Buffer.from('3006020100020100', 'hex'),
    ),
    signedBy('EdDSA with the attacker’s key', 'RFC 8725 §3.1', 'EdDSA', (input) => sign(null, input, ed)),
    signedBy('RS256 with an all-zero signature', 'RFC 8725 §3.3', 'RS256', () => Buffer.alloc(256)),
    signedBy('RS256 with the number one as the signature', 'RFC 8725 §3.3', 'RS256', () =>
      Buffer.concat([Buffer.alloc(255), Buffer.of(1)]),
    ),
    under('the encryption algorithm RSA-OAEP', 'RFC 8725 §2.3', 'RSA-OAEP', () => constant('AAAA')),
    under('the encryption algorithm dir', 'RFC 8725 §2.3', 'dir', () => constant('AAAA')),
    token('the algorithm none under an escaped name', 'RFC 8259 §4', ({ good }) => {
      const { alg: _, ...rest } = decodeProtectedHeader(good.session);
      return withHeaderText(good.session, `{"\\u0061lg":"none",${JSON.stringify(rest).slice(1)}`, constant());
    }),
  ],
};
