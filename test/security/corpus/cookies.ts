import { computeCookieSuffix } from '../../../lib/authentication/identity/credentials.js';
import { cookies as sent, inCookie, request, type Attack, type Family, type Stage } from './entry.js';
import { encode, rs256, withHeader } from './forge.js';

/** As a subdomain, or a page over http, can plant cookies beside good ones. */
const TOSSING = 'RFC 6265 §8.6';
const ORDER = 'RFC 6265 §4.2.2';

const cookie = (name: string, source: string, write: (stage: Stage) => string | Promise<string>): Attack =>
  request(name, source, async (stage) => sent(await write(stage)));

const forged = ({ attacker, good }: Stage) => withHeader(good.session, {}, rs256(attacker.signingKey));
/** One that an attacker signed, with a good token inside, under the id of the instance's key. */
const handshakeOf = ({ attacker, clerk, good }: Stage) =>
  attacker.sign({ claims: { handshake: [`__session=${good.session}; Path=/`] }, header: { kid: clerk.keyId } });
const suffixOf = ({ clerk }: Stage) => computeCookieSuffix(clerk.publishableKey);
const suffixed = (stage: Stage, token: string) =>
  `__session_${suffixOf(stage)}=${token}; __client_uat_${suffixOf(stage)}=1; __clerk_db_jwt_${suffixOf(stage)}=d`;

/** A token whose payload, and maybe header, makes a careless reader throw. */
const stumbling = (name: string, payload: unknown, header: unknown = { alg: 'RS256', typ: 'JWT', kid: 'x' }): Attack =>
  cookie(name, 'CWE-248', () => `__session=${encode(header)}.${encode(payload)}.AAAA`);

/** Session cookies: several of them, those of others, and such that make Clerk's own code stumble. */
export const cookies: Family = {
  name: 'cookies',
  control: (stage) => [inCookie(stage.good.session), sent(suffixed(stage, stage.good.session))],
  attacks: [
    cookie(
      'two, the forged one first',
      ORDER,
      (stage) => `__session=${forged(stage)}; __session=${stage.good.session}`,
    ),
    cookie('two, the first one empty of sense', ORDER, ({ good }) => `__session=x; __session=${good.session}`),
    request('two headers, the forged one first', ORDER, (stage) => ({
      headers: [
        ['Cookie', `__session=${forged(stage)}; __client_uat=1; __clerk_db_jwt=d`],
        ['Cookie', `__session=${stage.good.session}`],
      ],
    })),
    cookie('one of another instance', TOSSING, ({ good }) => `__session=${good.neighbour}`),
    cookie('one of another instance before the good one', TOSSING, ({ good }) =>
      [`__session=${good.neighbour}`, `__session=${good.session}`].join('; '),
    ),
    cookie('one of another instance under our suffix', TOSSING, (stage) => suffixed(stage, stage.good.neighbour)),
    cookie('a forged one under our suffix', TOSSING, (stage) => suffixed(stage, forged(stage))),
    cookie('forged ones under both names', TOSSING, (stage) =>
      [`__session=${forged(stage)}`, suffixed(stage, forged(stage))].join('; '),
    ),
    cookie('a forged one under our suffix, of an instance beside', TOSSING, (stage) =>
      [`__session=${stage.good.neighbour}`, suffixed(stage, forged(stage))].join('; '),
    ),
    cookie('a forged one that says that nobody is signed in', TOSSING, (stage) =>
      [`__client_uat=0; __session=${forged(stage)}`, `__client_uat_${suffixOf(stage)}=0`].join('; '),
    ),
    cookie('a good token of an instance that is not ours, under its own suffix', TOSSING, ({ neighbour, good }) => {
      const suffix = computeCookieSuffix(neighbour.publishableKey);
      return `__session_${suffix}=${good.neighbour}; __client_uat_${suffix}=1`;
    }),
    cookie('a forged refresh token beside an expired session', TOSSING, async ({ clerk }) =>
      [`__session=${await clerk.sessionToken({ expiresIn: -3600 })}`, '__refresh=forged', '__refresh_x=forged'].join(
        '; ',
      ),
    ),
    request('a forged refresh token beside an expired token in the header', TOSSING, async (stage) => ({
      headers: [
        ['Authorization', `Bearer ${await stage.clerk.sessionToken({ expiresIn: -3600 })}`],
        ['Cookie', `__refresh_${suffixOf(stage)}=forged; __client_uat=1`],
      ],
    })),
    request('a handshake of another key under the id of a good one', 'CWE-384', (stage) => ({
      headers: [
        ['Cookie', `__clerk_handshake=${handshakeOf(stage)}; __session=${forged(stage)}`],
        ['Sec-Fetch-Dest', 'document'],
      ],
    })),
    cookie('a handshake of an attacker', 'CWE-384', async ({ attacker }) => {
      const token = await attacker.sessionToken();
      return `__clerk_handshake=${attacker.sign({ claims: { handshake: [`__session=${token}; Path=/`] } })}`;
    }),
    cookie('the nonce of a handshake that never was', 'CWE-384', () => '__clerk_handshake_nonce=forged'),
    cookie('a count of redirects', 'CWE-565', (stage) => `__clerk_redirect_count=3; __session=${forged(stage)}`),
    cookie('names of the prototype', 'CWE-1321', () => '__proto__=x; constructor=x; toString=x'),
    cookie('a broken escape', 'CWE-172', ({ good }) => `__session=%E0%A4%A; x=${good.session}`),
    cookie('a NUL behind an escape', 'CWE-158', () => '__session=a%00.b.c'),
    cookie('a line break behind an escape', 'CWE-113', () => '__session=a%0D%0ASet-Cookie:%20evil=1'),
    cookie('an empty session', 'CWE-248', () => '__session='),
    cookie('nothing between the dots', 'CWE-248', () => '__session=..'),
    cookie('the word deleted', 'CWE-248', () => '__session=deleted'),
    stumbling('a payload that is null', null),
    stumbling('a payload that is a number', 5),
    stumbling('a payload that is text', 'text'),
    stumbling('a payload that is a list', []),
    stumbling('an issuer that is no text', { iss: { replace: 1 }, iat: 1 }),
    stumbling('a header that is null', { iss: 'x' }, null),
    stumbling('a subject that is a list', { iss: 'https://x', sub: ['mch_1'] }),
    stumbling('prototype names in the payload', JSON.parse('{"__proto__":{"sub":"user_1"},"constructor":1}')),
    request('a payload that is null beside a good header', 'CWE-248', ({ good }) => ({
      headers: [
        ['Authorization', `Bearer ${good.session}`],
        ['Cookie', '__session=e30.bnVsbA.AAAA'],
      ],
    })),
    cookie('hundreds of sessions', 'CWE-400', () =>
      Array.from({ length: 60 }, (_, i) => `__session_${i}=${encode({ alg: 'RS256', kid: `k${i}` })}.e30.AAAA`).join(
        '; ',
      ),
    ),
  ],
};
