import { headerToken, inBoth, token, type Attack, type Family } from './entry.js';
import { hmac, rs256, withHeader } from './forge.js';

const INJECTION = 'PortSwigger Web Security Academy: JWT attacks';

/** A kid that names no key of the instance: denied for that alone, although the signature is valid. */
const unknown = (name: string, source: string, kid: unknown): Attack =>
  headerToken(name, source, ({ clerk, good }) => withHeader(good.session, { kid }, rs256(clerk.signingKey)));

/** A kid with which a careless lookup finds a publicly known secret. */
const finding = (name: string, source: string, kid: string, secret: string): Attack =>
  token(name, source, ({ good }) => withHeader(good.session, { kid, alg: 'HS256' }, hmac(secret)));

/** The key ID, and what a careless lookup does with it. */
export const keyIds: Family = {
  name: 'key IDs',
  control: ({ good }) => inBoth(good.session),
  attacks: [
    unknown('a path', INJECTION, '../../../../etc/passwd'),
    unknown('a Windows path', INJECTION, '..\\..\\windows\\win.ini'),
    unknown('an encoded path', INJECTION, '..%2f..%2fetc%2fpasswd'),
    finding('a path to an empty file', INJECTION, '../../../../../../dev/null', ''),
    finding('SQL that returns a known secret', INJECTION, "x' UNION SELECT 'secret' -- ", 'secret'),
    unknown('SQL that is always true', INJECTION, "' OR 1=1 --"),
    unknown('a shell command', INJECTION, '| cat /etc/passwd'),
    unknown('a template', 'CWE-1336', '{{7*7}}${7*7}'),
    unknown('a URL', 'RFC 8725 §2.9', 'http://169.254.169.254/latest/meta-data/'),
    unknown('an LDAP filter', 'RFC 8725 §3.10', '*)(uid=*))(|(uid=*'),
    unknown('__proto__', 'CWE-1321', '__proto__'),
    unknown('constructor', 'CWE-1321', 'constructor'),
    unknown('toString', 'CWE-1321', 'toString'),
    unknown('hasOwnProperty', 'CWE-1321', 'hasOwnProperty'),
    unknown('an index', 'RFC 7515 §4.1.4', '0'),
    unknown('a number', 'RFC 7515 §4.1.4', 0),
    unknown('null', 'RFC 7515 §4.1.4', null),
    unknown('true', 'RFC 7515 §4.1.4', true),
    unknown('undefined', 'RFC 7515 §4.1.4', undefined),
    unknown('an empty string', 'RFC 7515 §4.1.4', ''),
    unknown('a query operator', 'CWE-943', { $ne: null }),
    unknown('a NUL byte', 'CWE-158', '\0'),
    unknown('CRLF', 'CWE-113', 'x\r\nSet-Cookie: evil=1'),
    unknown('thousands of characters', 'CWE-400', 'k'.repeat(6_000)),
    unknown('a lone surrogate', 'RFC 7515 §10.13', '\ud800'),
    headerToken('a list that contains the valid kid', 'RFC 7515 §4.1.4', ({ clerk, good }) =>
      withHeader(good.session, { kid: [clerk.keyId] }, rs256(clerk.signingKey)),
    ),
    headerToken('the valid kid followed by a space', 'RFC 7515 §4.1.4', ({ clerk, good }) =>
      withHeader(good.session, { kid: `${clerk.keyId} ` }, rs256(clerk.signingKey)),
    ),
    headerToken('the valid kid followed by a NUL byte', 'CWE-158', ({ clerk, good }) =>
      withHeader(good.session, { kid: `${clerk.keyId}\0` }, rs256(clerk.signingKey)),
    ),
    headerToken('the valid kid in upper case', 'CWE-178', ({ clerk, good }) =>
      withHeader(good.session, { kid: clerk.keyId.toUpperCase() }, rs256(clerk.signingKey)),
    ),
    headerToken('the valid kid without its last character', 'CWE-187', ({ clerk, good }) =>
      withHeader(good.session, { kid: clerk.keyId.slice(0, -1) }, rs256(clerk.signingKey)),
    ),
    token('the valid kid, signed by an attacker', 'RFC 8725 §3.10', ({ attacker, good }) =>
      withHeader(good.session, {}, rs256(attacker.signingKey)),
    ),
    token('the attacker’s kid, signed by the attacker', 'RFC 8725 §2.7', ({ attacker, good }) =>
      withHeader(good.session, { kid: attacker.keyId }, rs256(attacker.signingKey)),
    ),
  ],
};
