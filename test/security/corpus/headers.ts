import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

import { headerToken, inBoth, token, type Attack, type Family, type Stage } from './entry.js';
import { hmac, rs256, withHeader, type Signer } from './forge.js';

const byAttacker = ({ attacker }: Stage): Signer => rs256(attacker.signingKey);
const attackersJwk = ({ attacker }: Stage) => createPublicKey(attacker.signingKey).export({ format: 'jwk' });
/** The Base64 of what would be in the attacker's certificate. */
const certificate = ({ attacker }: Stage) =>
  createPublicKey(attacker.signingKey).export({ type: 'spki', format: 'der' }).toString('base64');

/** Header fields that refer to the attacker's key, signed with that key. */
const bringing = (name: string, source: string, fields: (stage: Stage) => object): Attack =>
  token(name, source, (stage) => withHeader(stage.good.session, { ...fields(stage) }, byAttacker(stage)));

/** Header fields that no session token has, signed by the attacker. */
const saying = (name: string, source: string, fields: object) => bringing(name, source, () => fields);

/** Header fields that no session token has, signed with the instance's key. */
const wellSigned = (name: string, source: string, fields: Readonly<Record<string, unknown>>): Attack =>
  token(name, source, ({ clerk, good }) => withHeader(good.session, fields, rs256(clerk.signingKey)));

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Other fields of the protected header: embedded or linked keys, extensions, types. */
export const headers: Family = {
  name: 'header fields',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    bringing('an embedded key', 'CVE-2018-0114 (node-jose)', (stage) => ({ jwk: attackersJwk(stage) })),
    bringing('an embedded key with our kid', 'CVE-2018-0114 (node-jose)', (stage) => ({
      jwk: { ...attackersJwk(stage), kid: stage.clerk.keyId, use: 'sig', alg: 'RS256' },
    })),
    bringing('an embedded key with its own kid', 'RFC 7515 §4.1.3', (stage) => ({
      kid: stage.attacker.keyId,
      jwk: { ...attackersJwk(stage), kid: stage.attacker.keyId },
    })),
    token('an embedded EC key', 'CVE-2018-0114 (node-jose)', ({ good }) =>
      withHeader(good.session, { alg: 'ES256', jwk: createPublicKey(ec).export({ format: 'jwk' }) }, (input) =>
        sign('sha256', Buffer.from(input), { key: ec, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
      ),
    ),
    token('an embedded secret', 'RFC 7515 §4.1.3', ({ good }) =>
      withHeader(good.session, { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } }, hmac('secret')),
    ),
    saying('an embedded key that is malformed', 'RFC 7515 §4.1.3', { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } }),
    saying('an embedded key with the exponent 1', 'RFC 8725 §3.4', { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQ' } }),
    bringing('a jku of the attacker', 'RFC 8725 §3.10', ({ attacker }) => ({
      kid: attacker.keyId,
      jku: `${attacker.url}/v1/jwks`,
    })),
    bringing('a jku of the attacker with our kid', 'RFC 7515 §4.1.2', ({ attacker }) => ({
      jku: `${attacker.url}/v1/jwks`,
    })),
    bringing('a jku with our host as the user', 'RFC 7515 §4.1.2', ({ attacker, clerk }) => ({
      jku: attacker.url.replace('//', `//${new URL(clerk.issuer).host}@`) + '/v1/jwks',
    })),
    bringing('a jku with our host as the fragment', 'RFC 7515 §4.1.2', ({ attacker, clerk }) => ({
      jku: `${attacker.url}/v1/jwks#${clerk.issuer}`,
    })),
    saying('a jku with a file URL', 'RFC 8725 §2.9', { jku: 'file:///etc/passwd' }),
    saying('a jku with a cloud metadata URL', 'RFC 8725 §2.9', { jku: 'http://169.254.169.254/latest/meta-data/' }),
    bringing('a jku with the keys in a data URL', 'RFC 7515 §4.1.2', (stage) => ({
      jku: `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [attackersJwk(stage)] }))}`,
    })),
    bringing('an x5u', 'RFC 8725 §3.10', ({ attacker }) => ({ x5u: `${attacker.url}/cert.pem` })),
    bringing('an x5c', 'RFC 7515 §4.1.6', (stage) => ({ x5c: [certificate(stage)] })),
    bringing('an x5c and a jwk', 'RFC 7515 §4.1.6', (stage) => ({
      x5c: [certificate(stage)],
      jwk: attackersJwk(stage),
    })),
    saying('an x5t', 'RFC 7515 §4.1.7', { x5t: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA' }),
    saying('an x5t#S256', 'RFC 7515 §4.1.8', { 'x5t#S256': 'A'.repeat(43) }),
    bringing('every field that names a key at once', 'RFC 8725 §3.10', (stage) => ({
      jku: `${stage.attacker.url}/v1/jwks`,
      x5u: `${stage.attacker.url}/cert.pem`,
      x5c: [certificate(stage)],
      jwk: attackersJwk(stage),
    })),

    saying('an unknown critical extension', 'CVE-2026-35042 (fast-jwt)', { crit: ['x-policy'], 'x-policy': 1 }),
    saying('a critical extension that is missing', 'RFC 7515 §4.1.11', { crit: ['missing'] }),
    saying('an empty list of critical extensions', 'RFC 7515 §4.1.11', { crit: [] }),
    saying('crit that is not a list', 'RFC 7515 §4.1.11', { crit: 'exp' }),
    saying('crit that names a registered field', 'RFC 7515 §4.1.11', { crit: ['alg'] }),
    saying('crit that names the prototype', 'CWE-1321', { crit: ['__proto__', 'constructor'] }),
    saying('b64: false', 'RFC 7797 §6', { b64: false, crit: ['b64'] }),
    saying('b64: false without crit', 'RFC 7797 §6', { b64: false }),
    saying('zip: DEF', 'CVE-2024-28176 (jose)', { zip: 'DEF' }),
    headerToken('b64: false with the payload in clear text', 'RFC 7797 §3', ({ good, attacker }) => {
      const [header = '', payload = ''] = withHeader(good.session, { b64: false, crit: ['b64'] }, String).split('.');
      const input = `${header}.${Buffer.from(payload, 'base64url').toString()}`;
      return `${input.replaceAll('.', '')}.${rs256(attacker.signingKey)(input)}`;
    }),

    wellSigned('the type of an access token', 'RFC 8725 §3.11', { typ: 'at+jwt' }),
    wellSigned('the media type of an access token', 'RFC 9068 §4', { typ: 'application/at+jwt' }),
    wellSigned('the type of a security event', 'RFC 8725 §3.11', { typ: 'secevent+jwt' }),
    wellSigned('the type of a DPoP proof', 'RFC 8725 §3.11', { typ: 'dpop+jwt' }),
    wellSigned('the type of a logout token', 'RFC 8725 §3.11', { typ: 'logout+jwt' }),
    wellSigned('a type that is a number', 'RFC 7515 §4.1.9', { typ: 7 }),
    wellSigned('a list of types', 'RFC 7515 §4.1.9', { typ: ['JWT', 'at+jwt'] }),
    wellSigned('the category of a JWT template', 'RFC 8725 §3.12', { cat: 'cl_B7d4PD222AAA' }),
    wellSigned('the category of a machine token', 'RFC 8725 §3.12', { cat: 'cl_B7d4PD333AAA' }),
  ],
};
