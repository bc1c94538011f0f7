import { decodeJwt, decodeProtectedHeader } from 'jose';

import { headerToken, inBoth, token, TOO_LARGE, type Attack, type Family } from './entry.js';
import { assemble, constant, encode, partsOf, rs256, withHeader } from './forge.js';

const B64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
type Parts = ReturnType<typeof partsOf>;

/** The valid token, spelled differently. */
const respelt = (name: string, source: string, change: (token: string, parts: Parts) => string): Attack =>
  token(name, source, ({ good }) => change(good.session, partsOf(good.session)));
/** The same, only in the header: cookies would be decoded back into the valid token. */
const respeltInHeader = (name: string, source: string, change: (token: string, parts: Parts) => string): Attack =>
  headerToken(name, source, ({ good }) => change(good.session, partsOf(good.session)));

/** Another last character with the same significant bits: its other four bits must be zero. */
function withTrailingBits(part: string): string {
  return part.slice(0, -1) + B64_ALPHABET[B64_ALPHABET.indexOf(part.at(-1) as string) + 1];
}

function withBitFlipped(part: string, at: number): string {
  const bytes = Buffer.from(part, 'base64url');
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes.toString('base64url');
}

/**
 * Another string with the same hash in lib/authentication/cache/hot-cache.ts: of two neighbours among the last 24
 * characters, the first is increased by one and the second decreased by 31.
 */
export function colliding(text: string): string {
  for (let index = text.length - 24; index < text.length - 2; index++) {
    const pair = [text.charCodeAt(index) + 1, text.charCodeAt(index + 1) - 31].map((code) => String.fromCharCode(code));
    if (pair.every((letter) => B64_ALPHABET.includes(letter))) {
      return text.slice(0, index) + pair.join('') + text.slice(index + 2);
    }
  }
  throw new TypeError('no two neighbouring characters can be changed');
}

/** Base64url, parts and dots: other spellings of the valid token, and signatures that are not its own. */
export const encoding: Family = {
  name: 'encoding and signatures',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    respelt(
      'a padded header',
      'RFC 7515 §2',
      (_, { header, payload, signature }) => `${header}=.${payload}.${signature}`,
    ),
    respelt(
      'a padded payload',
      'RFC 7515 §2',
      (_, { header, payload, signature }) => `${header}.${payload}=.${signature}`,
    ),
    respelt('padding inside the signature', 'RFC 4648 §3.2', (it) => `${it.slice(0, -8)}==${it.slice(-8)}`),
    respelt('trailing bits after the signature', 'RFC 4648 §3.5', (_, { header, payload, signature }) =>
      [header, payload, withTrailingBits(signature)].join('.'),
    ),
    respelt('the Base64 alphabet instead of base64url', 'RFC 4648 §5', (_, { header, payload, signature }) =>
      [header, payload, signature.replaceAll('-', '+').replaceAll('_', '/')].join('.'),
    ),
    respelt('a space in the signature', 'RFC 4648 §3.3', (it) => `${it.slice(0, -8)} ${it.slice(-8)}`),
    respelt('a space before a dot', 'RFC 4648 §3.3', (it) => it.replace('.', ' .')),
    respelt('a trailing character outside the alphabet', 'RFC 4648 §3.3', (it) => `${it}~`),
    respelt('an additional dash', 'RFC 4648 §3.5', (it) => `${it}-`),
    respelt('full-width dots', 'RFC 7515 §7.1', (it) => it.replaceAll('.', '．')),
    respelt('a leading byte order mark', 'RFC 8725 §3.7', (it) => `\ufeff${it}`),
    respeltInHeader('percent-encoded dots', 'CWE-173', (it) => it.replaceAll('.', '%2E')),
    respeltInHeader('a percent-encoded letter', 'CWE-173', (it) => `%65${it.slice(1)}`),
    respelt('dots that are percent-encoded twice', 'CWE-174', (it) => it.replaceAll('.', '%252E')),
    respelt('upper case', 'CWE-178', (it) => it.toUpperCase()),
    respelt('lower case', 'CWE-178', (it) => it.toLowerCase()),
    respelt('the whole token as Base64', 'CWE-174', (it) => encode(it)),
    respelt('quotation marks around the token', 'RFC 7515 §7.1', (it) => `"${it}"`),
    respelt('hexadecimal parts', 'RFC 7515 §2', (it) =>
      it
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString('hex'))
        .join('.'),
    ),

    respelt('a fourth part', 'RFC 7515 §7.1', (it) => `${it}.AA`),
    respelt('an empty fourth part', 'RFC 7515 §7.1', (it) => `${it}.`),
    respelt('five parts', 'RFC 7516 §9', (it) => `${it}.AA.AA`),
    respelt('an empty first part', 'RFC 7515 §7.1', (it) => `.${it}`),
    respelt('two dots after the header', 'RFC 7515 §7.1', (it) => it.replace('.', '..')),
    respelt('only two dots', 'RFC 7515 §7.1', () => '..'),
    respelt('only one dot', 'RFC 7515 §7.1', () => '.'),
    respelt('no header', 'RFC 7515 §5.2', (_, { payload, signature }) => `.${payload}.${signature}`),
    respelt('a detached payload', 'RFC 7515 Appendix F', (_, { header, signature }) => `${header}..${signature}`),
    respelt('an empty signature', 'RFC 8725 §2.1', (_, { header, payload }) => `${header}.${payload}.`),
    respelt('two parts without a signature', 'RFC 8725 §2.1', (_, { header, payload }) => `${header}.${payload}`),
    respelt('header and payload swapped', 'RFC 7515 §7.1', (_, { header, payload, signature }) =>
      [payload, header, signature].join('.'),
    ),
    respelt('flattened JSON serialization', 'RFC 8725 §2.6', (_, { header, payload, signature }) =>
      JSON.stringify({ protected: header, payload, signature }),
    ),
    respelt('general JSON serialization', 'RFC 7515 §7.2.1', (_, { header, payload, signature }) =>
      JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    ),
    token('JSON serialization mixed with compact serialization', 'CVE-2022-39227 (python-jwt)', ({ good }) => {
      const { header, payload, signature } = partsOf(good.session);
      const forged = encode({ ...decodeJwt(good.session), sub: 'user_evil' });
      return `{"  ${header}.${forged}.": "", "protected":"${header}", "payload":"${payload}", "signature":"${signature}"}`;
    }),

    token('the signature of another valid token', 'RFC 7515 §5.2', async ({ clerk, good }) => {
      const { header, payload } = partsOf(good.session);
      return [header, payload, partsOf(await clerk.sessionToken()).signature].join('.');
    }),
    token('the payload of another valid token', 'RFC 7515 §5.2', async ({ clerk, good }) => {
      const { header, signature } = partsOf(good.session);
      return [header, partsOf(await clerk.sessionToken()).payload, signature].join('.');
    }),
    token('another user with the original signature', 'RFC 7515 §5.2', ({ good }) =>
      assemble(
        decodeProtectedHeader(good.session),
        { ...decodeJwt(good.session), sub: 'user_evil' },
        constant(partsOf(good.session).signature),
      ),
    ),
    respelt('the first byte of the signature changed', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, payload, withBitFlipped(signature, 0)].join('.'),
    ),
    respelt('the last byte of the signature changed', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, payload, withBitFlipped(signature, 255)].join('.'),
    ),
    respelt('a bit of the payload changed', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, withBitFlipped(payload, 12), signature].join('.'),
    ),
    respelt('a signature without its last character', 'CVE-2020-28042 (ServiceStack)', (it) => it.slice(0, -1)),
    respelt('half the signature', 'CVE-2020-28042 (ServiceStack)', (it) => it.slice(0, -170)),
    respelt('the signature twice', 'RFC 7515 §5.2', (it, { signature }) => it + signature),
    respelt('a zero byte before the signature', 'RFC 7515 §5.2', (_, { header, payload, signature }) => {
      const longer = Buffer.concat([Buffer.alloc(1), Buffer.from(signature, 'base64url')]).toString('base64url');
      return [header, payload, longer].join('.');
    }),
    respelt('a space in the JSON of the header', 'RFC 7515 §5.2', (it, { payload, signature }) =>
      [encode(`${JSON.stringify(decodeProtectedHeader(it))} `), payload, signature].join('.'),
    ),
    respelt('a token that collides with the valid one in the hot cache', 'CVE-2026-35039 (fast-jwt)', colliding),
    token('another payload with the signature of a cached token', 'CVE-2026-35039 (fast-jwt)', ({ good }) => {
      const { header, signature } = partsOf(good.session);
      return `${header}.${encode({ sub: 'user_evil', sid: 'sess_evil', exp: 9999999999 })}.${signature}`;
    }),

    headerToken('a token of 20 kB', 'CWE-400', ({ good }) => good.session + 'A'.repeat(20_000), TOO_LARGE),
    headerToken('a token of 64 kB', 'CWE-400', ({ good }) => good.session + 'A'.repeat(65_536), TOO_LARGE),
    token('8 kB of claims signed by an attacker', 'CWE-400', ({ attacker }) =>
      attacker.sessionToken({ claims: { meta: 'x'.repeat(6_000) } }),
    ),
    token('thousands of dots', 'CWE-400', () => '.'.repeat(4_000)),
    token('the word null', 'RFC 6750 §2.1', () => 'null'),
    token('the word undefined', 'RFC 6750 §2.1', () => 'undefined'),
    token('an object converted to a string', 'RFC 6750 §2.1', () => '[object Object]'),
    token(
      'the valid payload with the attacker’s kid and jku, signed by the attacker',
      'RFC 7515 §5.2',
      ({ attacker, good }) =>
        withHeader(good.session, { kid: attacker.keyId, jku: attacker.url }, rs256(attacker.signingKey)),
    ),
  ],
};
