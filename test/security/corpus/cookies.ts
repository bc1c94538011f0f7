import { computeCookieSuffix } from '../../../lib/authentication/identity/credentials.js';
import { cookies as sent, inCookie, request, type Attack, type Family, type Stage } from './entry.js';
import { encode, rs256, withHeader } from './forge.js';

/** A subdomain, or a page over http, can add cookies to the valid ones. */
const TOSSING = 'RFC 6265 §8.6';
const ORDER = 'RFC 6265 §4.2.2';

const cookie = (name: string, source: string, write: (stage: Stage) => string | Promise<string>): Attack =>
  request(name, source, async (stage) => sent(await write(stage)));

const forged = ({ attacker, good }: Stage) => withHeader(good.session, {}, rs256(attacker.signingKey));
/** A handshake with a valid session token, signed by an attacker, with the ID of the instance's key. */
const handshakeOf = ({ attacker, clerk, good }: Stage) =>
  attacker.sign({ claims: { handshake: [`__session=${good.session}; Path=/`] }, header: { kid: clerk.keyId } });
const suffixOf = ({ clerk }: Stage) => computeCookieSuffix(clerk.publishableKey);
const suffixed = (stage: Stage, token: string) =>
  `__session_${suffixOf(stage)}=${token}; __client_uat_${suffixOf(stage)}=1; __clerk_db_jwt_${suffixOf(stage)}=d`;

/** A token whose payload or header makes a careless parser throw. */
const breaking = (name: string, payload: unknown, header: unknown = { alg: 'RS256', typ: 'JWT', kid: 'x' }): Attack =>
  cookie(name, 'CWE-248', () => `__session=${encode(header)}.${encode(payload)}.AAAA`);

/** Session cookies: several of them, those of others, and some that make Clerk's own code throw. */
export const cookies: Family = {
  name: 'cookies',
  control: (stage) => [inCookie(stage.good.session), sent(suffixed(stage, stage.good.session))],
  attacks: [
    cookie(
      'two session cookies, a forged one first',
      ORDER,
      (stage) => `__session=${forged(stage)}; __session=${stage.good.session}`,
    ),
    cookie('two session cookies, a malformed one first', ORDER, ({ good }) => `__session=x; __session=${good.session}`),
    request('two Cookie headers, the one with a forged session first', ORDER, (stage) => ({
      headers: [
        ['Cookie', `__session=${forged(stage)}; __client_uat=1; __clerk_db_jwt=d`],
        ['Cookie', `__session=${stage.good.session}`],
      ],
    })),
    cookie('a session of another instance', TOSSING, ({ good }) => `__session=${good.neighbour}`),
    cookie('a session of another instance before the valid one', TOSSING, ({ good }) =>
      [`__session=${good.neighbour}`, `__session=${good.session}`].join('; '),
    ),
    cookie('a session of another instance with our suffix', TOSSING, (stage) => suffixed(stage, stage.good.neighbour)),
    cookie('a forged session with our suffix', TOSSING, (stage) => suffixed(stage, forged(stage))),
    cookie('forged sessions under both names', TOSSING, (stage) =>
      [`__session=${forged(stage)}`, suffixed(stage, forged(stage))].join('; '),
    ),
    cookie('a forged session with our suffix and a session of another instance', TOSSING, (stage) =>
      [`__session=${stage.good.neighbour}`, suffixed(stage, forged(stage))].join('; '),
    ),
    cookie('a forged session with client_uat 0', TOSSING, (stage) =>
      [`__client_uat=0; __session=${forged(stage)}`, `__client_uat_${suffixOf(stage)}=0`].join('; '),
    ),
    cookie('a session of another instance with its own suffix', TOSSING, ({ neighbour, good }) => {
      const suffix = computeCookieSuffix(neighbour.publishableKey);
      return `__session_${suffix}=${good.neighbour}; __client_uat_${suffix}=1`;
    }),
    cookie('a forged refresh token with an expired session cookie', TOSSING, async ({ clerk }) =>
      [`__session=${await clerk.sessionToken({ expiresIn: -3600 })}`, '__refresh=forged', '__refresh_x=forged'].join(
        '; ',
      ),
    ),
    request('a forged refresh token with an expired token in the header', TOSSING, async (stage) => ({
      headers: [
        ['Authorization', `Bearer ${await stage.clerk.sessionToken({ expiresIn: -3600 })}`],
        ['Cookie', `__refresh_${suffixOf(stage)}=forged; __client_uat=1`],
      ],
    })),
    request('an attacker’s handshake with our kid', 'CWE-384', (stage) => ({
      headers: [
        ['Cookie', `__clerk_handshake=${handshakeOf(stage)}; __session=${forged(stage)}`],
        ['Sec-Fetch-Dest', 'document'],
      ],
    })),
    cookie('an attacker’s handshake', 'CWE-384', async ({ attacker }) => {
      const token = await attacker.sessionToken();
      return `__clerk_handshake=${attacker.sign({ claims: { handshake: [`__session=${token}; Path=/`] } })}`;
    }),
    cookie('an unknown handshake nonce', 'CWE-384', () => '__clerk_handshake_nonce=forged'),
    cookie(
      'a redirect count with a forged session',
      'CWE-565',
      (stage) => `__clerk_redirect_count=3; __session=${forged(stage)}`,
    ),
    cookie(
      'cookies named after members of Object.prototype',
      'CWE-1321',
      () => '__proto__=x; constructor=x; toString=x',
    ),
    cookie(
      'a session with an invalid percent-encoding',
      'CWE-172',
      ({ good }) => `__session=%E0%A4%A; x=${good.session}`,
    ),
    cookie('a session with a percent-encoded NUL byte', 'CWE-158', () => '__session=a%00.b.c'),
    cookie('a session with a percent-encoded line break', 'CWE-113', () => '__session=a%0D%0ASet-Cookie:%20evil=1'),
    cookie('an empty session', 'CWE-248', () => '__session='),
    cookie('a session of only dots', 'CWE-248', () => '__session=..'),
    cookie('a session with the value deleted', 'CWE-248', () => '__session=deleted'),
    breaking('a payload that is null', null),
    breaking('a payload that is a number', 5),
    breaking('a payload that is a string', 'text'),
    breaking('a payload that is a list', []),
    breaking('an issuer that is not a string', { iss: { replace: 1 }, iat: 1 }),
    breaking('a header that is null', { iss: 'x' }, null),
    breaking('a subject that is a list', { iss: 'https://x', sub: ['mch_1'] }),
    breaking('names of Object.prototype in the payload', JSON.parse('{"__proto__":{"sub":"user_1"},"constructor":1}')),
    request('a payload that is null, with a valid Authorization header', 'CWE-248', ({ good }) => ({
      headers: [
        ['Authorization', `Bearer ${good.session}`],
        ['Cookie', '__session=e30.bnVsbA.AAAA'],
      ],
    })),
    cookie('60 suffixed session cookies', 'CWE-400', () =>
      Array.from({ length: 60 }, (_, i) => `__session_${i}=${encode({ alg: 'RS256', kid: `k${i}` })}.e30.AAAA`).join(
        '; ',
      ),
    ),
  ],
};
