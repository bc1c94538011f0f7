import { computeCookieSuffix } from '../../../lib/authentication/identity/credentials.js';
import { cookies, inBoth, UNAUTHORIZED, type Attack, type Family, type Sent, type Stage } from './entry.js';
import { rs256, withHeader } from './forge.js';

const NAMES = 'RFC 6265 §5.2';
const ORDER = 'RFC 6265 §4.2.2';
const CASE = 'CWE-178';
const ENCODING = 'CWE-172';

/** Exactly these cookies, without those by which Clerk recognizes a browser. */
const only = (text: string): Sent => ({ headers: [['Cookie', text]] });

/**
 * Cookies in which a parser may see a session that Clerk does not see, sent between requests without any: a cached answer
 * to those must not be used, and a wrong one must not be cached for them.
 */
const hidden = (name: string, source: string, write: (stage: Stage) => string | Promise<string>): Attack => ({
  name,
  source,
  outcome: UNAUTHORIZED,
  requests: async (stage) => {
    const text = await write(stage);
    return [{}, only(text), cookies(text), only('_ga=1'), only(`_ga=1; ${text}`), {}];
  },
});

const forged = ({ attacker, good }: Stage) => withHeader(good.session, {}, rs256(attacker.signingKey));
const suffixOf = ({ clerk }: Stage) => computeCookieSuffix(clerk.publishableKey);

/** Sessions in, after and beside the cookies of other software. */
export const foreignCookies: Family = {
  name: 'cookies of other software',
  control: (stage) => {
    const { session } = stage.good;
    return [
      ...inBoth(session),
      cookies(`_ga=1; theme=dark; __session=${session}`),
      // As Clerk reads them: blanks around names and values do not count, and the first of several cookies does.
      cookies(`__session = ${session}`),
      cookies(`_ga="; __session=${session}; x="`),
      cookies(`__session=${session}; __session=${forged(stage)}`),
      cookies(`__session=%65${session.slice(1)}`),
    ];
  },
  attacks: [
    hidden('a forged session after a cookie of analytics', ORDER, (stage) => `_ga=1; __session=${forged(stage)}`),
    hidden('a forged session after an open quote', NAMES, (stage) => `_ga="; __session=${forged(stage)}; x="`),
    hidden('a session between quotes', NAMES, ({ good }) => `_ga="1; __session=${good.session}"`),
    hidden('a session after a comma', NAMES, ({ good }) => `_ga=1, __session=${good.session}`),
    hidden(
      'a session after a percent-encoded semicolon',
      ENCODING,
      ({ good }) => `_ga=1%3B%20__session=${good.session}`,
    ),
    hidden('a session as the value of another cookie', NAMES, ({ good }) => `_ga=__session=${good.session}`),
    hidden('a session as the value of a cookie without a name', NAMES, ({ good }) => `=__session=${good.session}`),
    hidden('a session without an equals sign', NAMES, ({ good }) => `__session ${good.session}`),
    hidden('a percent-encoded equals sign', ENCODING, ({ good }) => `__session%3D${good.session}`),
    hidden('a percent-encoded name', ENCODING, ({ good }) => `%5F_session=${good.session}`),
    hidden('a name with a percent-encoded blank', ENCODING, ({ good }) => `__session%20=${good.session}`),
    hidden('an upper-case name', CASE, ({ good }) => `__SESSION=${good.session}`),
    hidden('a capitalized name', CASE, ({ good }) => `__Session=${good.session}`),
    hidden('a name with a blank in it', NAMES, ({ good }) => `__ session=${good.session}`),
    hidden('a name of a list', 'CWE-1321', ({ good }) => `__session[]=${good.session}; __session[0]=${good.session}`),
    hidden('the name prefixes of RFC 6265bis', NAMES, ({ good }) =>
      ['__Host-', '__Secure-', '__Http-', '$'].map((prefix) => `${prefix}__session=${good.session}`).join('; '),
    ),
    hidden(
      'attributes of RFC 2109',
      'RFC 2109 §4.4',
      ({ good }) => `$Version=1; _ga=1; $Path=/; $__session=${good.session}`,
    ),
    hidden('an empty session before a valid one', ORDER, ({ good }) => `__session=; __session=${good.session}`),
    hidden('a forged session before a valid one', ORDER, (stage) =>
      [`__session=${forged(stage)}`, `__session=${stage.good.session}`].join('; '),
    ),
    hidden('a session that ends with a backslash', NAMES, ({ good }) => `__session=${good.session}\\`),
    hidden('an empty suffix', NAMES, ({ good }) => `__session_=${good.session}; __client_uat_=1`),
    hidden('a suffix with one more character', NAMES, (stage) =>
      [`__session_${suffixOf(stage)}x=${stage.good.session}`, `__client_uat_${suffixOf(stage)}x=1`].join('; '),
    ),
    hidden('a suffix after a hyphen', NAMES, (stage) => `__session-${suffixOf(stage)}=${stage.good.session}`),
    hidden('the suffix of another instance', NAMES, ({ neighbour, good }) => {
      const suffix = computeCookieSuffix(neighbour.publishableKey);
      return `__session_${suffix}=${good.session}; __client_uat_${suffix}=1`;
    }),
    hidden('a forged session with our suffix only', NAMES, (stage) =>
      [`__session_${suffixOf(stage)}=${forged(stage)}`, `__client_uat_${suffixOf(stage)}=1`].join('; '),
    ),
    hidden('a sign-in time without a session', 'CWE-565', (stage) =>
      [`__client_uat=9999999999`, `__client_uat_${suffixOf(stage)}=9999999999`].join('; '),
    ),
    hidden('a forged refresh token without a session', 'CWE-565', (stage) =>
      [`__refresh=forged`, `__refresh_${suffixOf(stage)}=forged`].join('; '),
    ),
    hidden('a handshake nonce without a session', 'CWE-384', () => '__clerk_handshake_nonce=forged'),
    hidden('a handshake of an attacker without a session', 'CWE-384', ({ attacker, clerk, good }) => {
      const claims = { handshake: [`__session=${good.session}; Path=/`] };
      return `__clerk_handshake=${attacker.sign({ claims, header: { kid: clerk.keyId } })}`;
    }),
    hidden('a dev browser that Clerk does not know', 'CWE-565', (stage) =>
      [`__clerk_db_jwt=evil`, `__clerk_db_jwt_${suffixOf(stage)}=evil`].join('; '),
    ),
  ],
};
