import { decodeJwt, decodeProtectedHeader } from 'jose';

import { headerToken, inBoth, token, TOO_LARGE, type Attack, type Family } from './entry.js';
import { assemble, constant, encode, partsOf, rs256, withHeader } from './forge.js';

const B64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
type Parts = ReturnType<typeof partsOf>;

/** The good token, spelt otherwise. */
const respelt = (name: string, source: string, change: (token: string, parts: Parts) => string): Attack =>
  token(name, source, ({ good }) => change(good.session, partsOf(good.session)));
/** One that cookies would decode again. */
const respeltInHeader = (name: string, source: string, change: (token: string, parts: Parts) => string): Attack =>
  headerToken(name, source, ({ good }) => change(good.session, partsOf(good.session)));

/** Another character with the same bits that count: the last one holds four more that must be zero. */
function withTrailingBits(part: string): string {
  return part.slice(0, -1) + B64_ALPHABET[B64_ALPHABET.indexOf(part.at(-1) as string) + 1];
}

function withBitFlipped(part: string, at: number): string {
  const bytes = Buffer.from(part, 'base64url');
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes.toString('base64url');
}

/**
 * Other text with the same number in lib/authentication/cache/hot-cache.ts: two neighbours of its last 24 characters, the
 * first one up by one, the second one down by 31.
 */
export function colliding(text: string): string {
  for (let index = text.length - 24; index < text.length - 2; index++) {
    const pair = [text.charCodeAt(index) + 1, text.charCodeAt(index + 1) - 31].map((code) => String.fromCharCode(code));
    if (pair.every((letter) => B64_ALPHABET.includes(letter))) {
      return text.slice(0, index) + pair.join('') + text.slice(index + 2);
    }
  }
  throw new TypeError('there is nothing to exchange');
}

/** Base64url, parts and dots: spellings of the good token that are not it, and signatures that are not its own. */
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
    respelt('padding inside of the signature', 'RFC 4648 §3.2', (it) => `${it.slice(0, -8)}==${it.slice(-8)}`),
    respelt('bits behind the signature', 'RFC 4648 §3.5', (_, { header, payload, signature }) =>
      [header, payload, withTrailingBits(signature)].join('.'),
    ),
    respelt('the alphabet of base64', 'RFC 4648 §5', (_, { header, payload, signature }) =>
      [header, payload, signature.replaceAll('-', '+').replaceAll('_', '/')].join('.'),
    ),
    respelt('a blank in the signature', 'RFC 4648 §3.3', (it) => `${it.slice(0, -8)} ${it.slice(-8)}`),
    respelt('a blank before a dot', 'RFC 4648 §3.3', (it) => it.replace('.', ' .')),
    respelt('a character outside of the alphabet behind it', 'RFC 4648 §3.3', (it) => `${it}~`),
    respelt('a dash more', 'RFC 4648 §3.5', (it) => `${it}-`),
    respelt('a full-width dot', 'RFC 7515 §7.1', (it) => it.replaceAll('.', '．')),
    respelt('a byte order mark', 'RFC 8725 §3.7', (it) => `\ufeff${it}`),
    respeltInHeader('encoded dots', 'CWE-173', (it) => it.replaceAll('.', '%2E')),
    respeltInHeader('an encoded letter', 'CWE-173', (it) => `%65${it.slice(1)}`),
    respelt('twice encoded dots', 'CWE-174', (it) => it.replaceAll('.', '%252E')),
    respelt('capital letters', 'CWE-178', (it) => it.toUpperCase()),
    respelt('small letters', 'CWE-178', (it) => it.toLowerCase()),
    respelt('base64 of it all', 'CWE-174', (it) => encode(it)),
    respelt('quotation marks', 'RFC 7515 §7.1', (it) => `"${it}"`),
    respelt('hexadecimal parts', 'RFC 7515 §2', (it) =>
      it
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString('hex'))
        .join('.'),
    ),

    respelt('a fourth part', 'RFC 7515 §7.1', (it) => `${it}.AA`),
    respelt('a fourth part that is empty', 'RFC 7515 §7.1', (it) => `${it}.`),
    respelt('five parts', 'RFC 7516 §9', (it) => `${it}.AA.AA`),
    respelt('a first part that is empty', 'RFC 7515 §7.1', (it) => `.${it}`),
    respelt('two dots', 'RFC 7515 §7.1', (it) => it.replace('.', '..')),
    respelt('nothing but dots', 'RFC 7515 §7.1', () => '..'),
    respelt('one dot', 'RFC 7515 §7.1', () => '.'),
    respelt('no header', 'RFC 7515 §5.2', (_, { payload, signature }) => `.${payload}.${signature}`),
    respelt('a detached payload', 'RFC 7515 Appendix F', (_, { header, signature }) => `${header}..${signature}`),
    respelt('no signature', 'RFC 8725 §2.1', (_, { header, payload }) => `${header}.${payload}.`),
    respelt('no signature and no dot', 'RFC 8725 §2.1', (_, { header, payload }) => `${header}.${payload}`),
    respelt('header and payload exchanged', 'RFC 7515 §7.1', (_, { header, payload, signature }) =>
      [payload, header, signature].join('.'),
    ),
    respelt('JSON instead of dots', 'RFC 8725 §2.6', (_, { header, payload, signature }) =>
      JSON.stringify({ protected: header, payload, signature }),
    ),
    respelt('JSON with several signatures', 'RFC 7515 §7.2.1', (_, { header, payload, signature }) =>
      JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    ),
    token('JSON mixed with dots', 'CVE-2022-39227 (python-jwt)', ({ good }) => {
      const { header, payload, signature } = partsOf(good.session);
      const forged = encode({ ...decodeJwt(good.session), sub: 'user_evil' });
      return `{"  ${header}.${forged}.": "", "protected":"${header}", "payload":"${payload}", "signature":"${signature}"}`;
    }),

    token('the signature of another good token', 'RFC 7515 §5.2', async ({ clerk, good }) => {
      const { header, payload } = partsOf(good.session);
      return [header, payload, partsOf(await clerk.sessionToken()).signature].join('.');
    }),
    token('the payload of another good token', 'RFC 7515 §5.2', async ({ clerk, good }) => {
      const { header, signature } = partsOf(good.session);
      return [header, partsOf(await clerk.sessionToken()).payload, signature].join('.');
    }),
    token('another user above the good signature', 'RFC 7515 §5.2', ({ good }) =>
      assemble(
        decodeProtectedHeader(good.session),
        { ...decodeJwt(good.session), sub: 'user_evil' },
        constant(partsOf(good.session).signature),
      ),
    ),
    respelt('the first bit of the signature', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, payload, withBitFlipped(signature, 0)].join('.'),
    ),
    respelt('the last bit of the signature', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, payload, withBitFlipped(signature, 255)].join('.'),
    ),
    respelt('a bit of the payload', 'RFC 7515 §5.2', (_, { header, payload, signature }) =>
      [header, withBitFlipped(payload, 12), signature].join('.'),
    ),
    respelt('a signature that is one character short', 'CVE-2020-28042 (ServiceStack)', (it) => it.slice(0, -1)),
    respelt('half of the signature', 'CVE-2020-28042 (ServiceStack)', (it) => it.slice(0, -170)),
    respelt('the signature twice', 'RFC 7515 §5.2', (it, { signature }) => it + signature),
    respelt('a zero before the signature', 'RFC 7515 §5.2', (_, { header, payload, signature }) => {
      const longer = Buffer.concat([Buffer.alloc(1), Buffer.from(signature, 'base64url')]).toString('base64url');
      return [header, payload, longer].join('.');
    }),
    respelt('a blank in the JSON of the header', 'RFC 7515 §5.2', (it, { payload, signature }) =>
      [encode(`${JSON.stringify(decodeProtectedHeader(it))} `), payload, signature].join('.'),
    ),
    respelt('a signature that collides in our memory', 'CVE-2026-35039 (fast-jwt)', colliding),
    token('a payload that ends like one we remember', 'CVE-2026-35039 (fast-jwt)', ({ good }) => {
      const { header, signature } = partsOf(good.session);
      return `${header}.${encode({ sub: 'user_evil', sid: 'sess_evil', exp: 9999999999 })}.${signature}`;
    }),

    headerToken('20 kB', 'CWE-400', ({ good }) => good.session + 'A'.repeat(20_000), TOO_LARGE),
    headerToken('64 kB', 'CWE-400', ({ good }) => good.session + 'A'.repeat(65_536), TOO_LARGE),
    token('8 kB of claims by an attacker', 'CWE-400', ({ attacker }) =>
      attacker.sessionToken({ claims: { meta: 'x'.repeat(6_000) } }),
    ),
    token('thousands of dots', 'CWE-400', () => '.'.repeat(4_000)),
    token('the word null', 'RFC 6750 §2.1', () => 'null'),
    token('the word undefined', 'RFC 6750 §2.1', () => 'undefined'),
    token('an object that was made text', 'RFC 6750 §2.1', () => '[object Object]'),
    token('a header of the attacker above the good payload', 'RFC 7515 §5.2', ({ attacker, good }) =>
      withHeader(good.session, { kid: attacker.keyId, jku: attacker.url }, rs256(attacker.signingKey)),
    ),
  ],
};
