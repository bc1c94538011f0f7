import type { Header } from '../../support/raw-http.js';
import {
  inCookie,
  MALFORMED,
  request,
  type Attack,
  type Family,
  type Outcome,
  type Sent,
  type Stage,
} from './entry.js';

/** A document navigation of a browser in which nobody is signed in. */
const NAVIGATION: readonly Header[] = [
  ['Accept', 'text/html'],
  ['Sec-Fetch-Dest', 'document'],
  ['Cookie', '__clerk_db_jwt=d; __client_uat=0'],
];

/** A redirect, but never to another site: every response is checked for that. */
const TO_SIGN_IN: Outcome = { strict: 302 };
/** A redirect to the same page, without the handshake that did not resolve. */
const BACK: Outcome = { strict: 307 };

const page = (
  name: string,
  source: string,
  sent: Sent | ((stage: Stage) => Sent | Promise<Sent>),
  outcome = TO_SIGN_IN,
): Attack =>
  request(
    name,
    source,
    async (stage) => {
      const { headers = [], ...rest } = typeof sent === 'function' ? await sent(stage) : sent;
      return { ...rest, headers: [...NAVIGATION, ...headers] };
    },
    outcome,
  );

const query = (name: string, text: string, outcome?: Outcome) => page(name, 'CWE-601', { query: text }, outcome);
const header = (name: string, field: string, value: string, outcome?: Outcome, source = 'RFC 7239 §8.1') =>
  page(name, source, { headers: [[field, value]] }, outcome);

const FORWARDED = 'RFC 7239 §8.1';
const HOST = 'X-Forwarded-Host';
const PROTOCOL = 'X-Forwarded-Proto';

/** Headers that pretend that the browser requested another host, or a URL that is not http. */
const FORGERIES: readonly (readonly [name: string, headers: readonly Header[], source: string])[] = [
  ['a forwarded host', [[HOST, 'evil.example']], FORWARDED],
  [
    'a forwarded origin',
    [
      [HOST, 'evil.example'],
      [PROTOCOL, 'https'],
    ],
    FORWARDED,
  ],
  [
    'a forwarded host that is null',
    [
      [HOST, 'null'],
      [PROTOCOL, 'https'],
    ],
    FORWARDED,
  ],
  ['a forwarded host with a user', [[HOST, 'api.example.com@evil.example']], FORWARDED],
  ['a forwarded host with percent-encoded CRLF', [[HOST, 'a%0d%0aX-Injected:1']], 'CWE-113'],
  ['several forwarded hosts', [[HOST, 'evil.example, api.example.com']], FORWARDED],
  ['several forwarded hosts, ours first', [[HOST, 'api.example.com, evil.example']], FORWARDED],
  [
    'several forwarded hosts in two headers',
    [
      [HOST, 'evil.example'],
      [HOST, 'api.example.com'],
    ],
    'CWE-444',
  ],
  ['a forwarded host with a port', [[HOST, 'evil.example:8080']], FORWARDED],
  ['our own host with another port', [[HOST, 'api.example.com:8080']], FORWARDED],
  ['a forwarded host that starts with our own', [[HOST, 'api.example.com.evil.example.']], FORWARDED],
  ['a forwarded host with non-ASCII characters', [[HOST, 'api.ex\u00e4mple.com']], 'CWE-1007'],
  ['a forwarded host with a tab', [[HOST, 'api.example.com\tevil.example']], FORWARDED],
  ['a forwarded host with a path', [[HOST, 'evil.example/x?']], FORWARDED],
  ['a forwarded host with a backslash', [[HOST, 'evil.example\\@api.example.com']], FORWARDED],
  ['a forwarded IPv6 address', [[HOST, '[2001:db8::1]']], FORWARDED],
  [
    'an incomplete forwarded IPv6 address',
    [
      [HOST, '[::1'],
      [PROTOCOL, 'https'],
    ],
    FORWARDED,
  ],
  ['a malformed forwarded port', [['X-Forwarded-Port', '@evil.example']], FORWARDED],
  ['a Forwarded header', [['Forwarded', 'host=evil.example;proto=https']], FORWARDED],
  [
    'a forwarded server',
    [
      ['X-Forwarded-Server', 'evil.example'],
      ['X-Host', 'evil.example'],
    ],
    'CWE-444',
  ],
  [
    'a forwarded host with a forwarded loopback address',
    [
      [HOST, 'evil.example'],
      ['X-Forwarded-For', '127.0.0.1'],
    ],
    FORWARDED,
  ],
  ['the forwarded scheme javascript', [[PROTOCOL, 'javascript']], FORWARDED],
  [
    'the forwarded scheme javascript with a forwarded host',
    [
      [PROTOCOL, 'javascript'],
      [HOST, 'evil.example'],
    ],
    FORWARDED,
  ],
  ['the forwarded scheme data', [[PROTOCOL, 'data']], FORWARDED],
  ['the forwarded scheme ftp', [[PROTOCOL, 'ftp']], FORWARDED],
  ['a forwarded scheme that is a URL', [[PROTOCOL, 'https://evil.example/?']], FORWARDED],
  ['several forwarded schemes', [[PROTOCOL, 'javascript, https']], FORWARDED],
  ['the scheme javascript forwarded by CloudFront', [['CloudFront-Forwarded-Proto', 'javascript']], FORWARDED],
];

/** Redirects to the sign-in page, which contain the URL to return to. */
export const redirects: Family = {
  name: 'redirects to the sign-in page',
  at: 'page',
  options: () => ({ signInUrl: '/sign-in' }),
  control: ({ good }) => [inCookie(good.session)],
  attacks: [
    query('the query parameter redirect_url', '?redirect_url=https://evil.example/'),
    query('the query parameter redirect_url without a scheme', '?redirect_url=//evil.example/'),
    query('the query parameter redirect_url with a backslash', '?redirect_url=/\\evil.example/'),
    query(
      'the query parameters return_to, next, returnTo and callbackUrl',
      '?return_to=//evil.example&next=//evil.example&returnTo=//evil.example&callbackUrl=//evil.example',
    ),
    query(
      'the query parameters after_sign_in_url and sign_in_force_redirect_url',
      '?after_sign_in_url=https://evil.example&sign_in_force_redirect_url=https://evil.example',
    ),
    query(
      'the query parameters sign_in_url and signInUrl',
      '?sign_in_url=https://evil.example&signInUrl=https://evil.example',
    ),
    query(
      'the query parameters __clerk_help and __clerk_frontend_api',
      '?__clerk_help=1&__clerk_frontend_api=evil.example',
    ),
    query('percent-encoded line breaks', '?x=%0d%0aLocation:%20https://evil.example'),
    query('an invalid percent-encoding', '?redirect_url=%zz', undefined),
    page('a callbackUrl that is not a URL', 'CVE-2022-31093 (next-auth)', {
      query: '?callbackUrl=https://[&redirect_url=:',
    }),
    page('a redirect_url with a backslash before the host', 'CVE-2024-29041 (Express)', {
      query: '?redirect_url=https://api.example.com\\@evil.example',
    }),
    page('a request target with another host', 'CWE-601', { target: '//evil.example/strict/page' }, MALFORMED),
    page(
      'a request target with another host after a backslash',
      'CWE-601',
      { target: '/\\evil.example/strict/page' },
      MALFORMED,
    ),
    page(
      'a request target with another host after parent segments',
      'CWE-601',
      { target: '/x/..//evil.example' },
      MALFORMED,
    ),
    ...FORGERIES.map(([name, headers, source]) => page(name, source, { headers })),
    header('another site as the Referer', 'Referer', 'https://evil.example/', undefined, 'CWE-601'),
    header('another site as the Origin', 'Origin', 'https://evil.example', undefined, 'CWE-601'),
    header('another site as the Host', 'Host', 'evil.example', undefined, 'RFC 9110 §7.2'),
  ],
};

/** The same with a sign-in page on another host, which receives the URL to return to. */
export const redirectsElsewhere: Family = {
  name: 'redirects to a sign-in page on another host',
  at: 'page',
  options: () => ({ signInUrl: 'https://accounts.example.com/sign-in' }),
  control: redirects.control,
  attacks: FORGERIES.map(([name, headers, source]) => page(name, source, { headers })),
};

/** Handshakes with a Frontend API under a path of this server: the URL that they return to carries a session token. */
const handshakesHere = (name: string, options: Family['options']): Family => ({
  name,
  at: 'page',
  options,
  control: redirects.control,
  attacks: [
    ...FORGERIES.map(([forgery, headers, source]) => expired(`${forgery}, with an expired session`, headers, source)),
    expired('another Host, with an expired session', [['Host', 'evil.example']], 'RFC 9110 §7.2'),
    expired('a Host with a user, with an expired session', [['Host', 'api.example.com@evil.example']], 'RFC 9110 §7.2'),
    expired('a malformed Host, with an expired session', [['Host', 'a b\\c']], 'RFC 9110 §7.2'),
    ...FORGERIES.map(([forgery, headers, source]) =>
      page(`${forgery}, with a handshake nonce`, source, { query: '?__clerk_handshake_nonce=evil', headers }, BACK),
    ),
    page(
      'another Host, with a handshake nonce',
      'RFC 9110 §7.2',
      { query: '?__clerk_handshake_nonce=evil', headers: [['Host', 'evil.example']] },
      BACK,
    ),
  ],
});

/** A browser whose session token has expired and needs a handshake. */
function expired(name: string, headers: readonly Header[], source: string): Attack {
  const sent = async ({ clerk }: Stage): Promise<Sent> => {
    const token = await clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 120 });
    const cookie: Header = ['Cookie', `__clerk_db_jwt=d; __client_uat=1; __session=${token}`];
    return { headers: [...NAVIGATION.filter(([field]) => field !== 'Cookie'), cookie, ...headers] };
  };
  return request(name, source, sent, { strict: 307, public: 307 });
}

export const handshakesByProxyUrl = handshakesHere('handshakes through a proxyUrl on this server', () => ({
  proxyUrl: '/__clerk',
}));
export const handshakesByFunction = handshakesHere(
  'handshakes through a proxyUrl function that uses the request’s origin',
  () => ({
    proxyUrl: ({ origin }: URL) => `${origin}/__clerk`,
  }),
);
export const handshakesByProxy = handshakesHere('handshakes through frontendApiProxy', () => ({
  proxyUrl: undefined,
  frontendApiProxy: { enabled: true },
}));

/**
 * Development instances have no cookies across domains: there Clerk redirects browsers to the URL that a satellite
 * claims. Production instances must not.
 */
export const redirectsInProduction: Family = {
  name: 'redirects of a production instance',
  at: 'page',
  options: ({ production }) => ({ ...production.options, signInUrl: '/sign-in' }),
  control: ({ good }) => [inCookie(good.production)],
  attacks: [
    query('the query parameter __clerk_redirect_url', '?__clerk_redirect_url=https://evil.example/'),
    query('the query parameter __clerk_synced', '?__clerk_synced=false&__clerk_redirect_url=https://evil.example/'),
  ],
};

/** A handshake that Clerk never issued, in the URL of a page and in a cookie. */
const handshake = (
  name: string,
  source: string,
  make: (stage: Stage) => string | Promise<string>,
  outcome = TO_SIGN_IN,
): Attack => ({
  name,
  source,
  outcome,
  requests: async (stage) => {
    const text = await make(stage);
    const cookie: Header = ['Cookie', `__clerk_handshake=${text}`];
    return [{ query: `?__clerk_handshake=${text}`, headers: NAVIGATION }, { headers: [...NAVIGATION, cookie] }];
  },
});

const evilCookies = ['__session=evil; Path=/; Domain=evil.example', '__client_uat=1; Path=/; Domain=evil.example'];
const evil = { claims: { handshake: evilCookies } };

/** Handshakes that Clerk never issued, where real ones are resolved: none of their cookies is set. */
export const handshakes: Family = {
  name: 'handshakes',
  at: 'page',
  options: redirects.options,
  control: redirects.control,
  attacks: [
    handshake('a handshake signed by an attacker', 'CWE-384', ({ attacker }) => attacker.sign(evil)),
    handshake('a handshake signed by an attacker with our kid', 'CWE-384', ({ clerk, attacker }) =>
      clerk.sign({ ...evil, key: attacker }),
    ),
    handshake('a handshake of another tenant', 'RFC 8725 §2.7', ({ neighbour }) => neighbour.sign(evil)),
    handshake('a handshake without a signature', 'RFC 8725 §3.2', ({ clerk }) =>
      clerk.sign({ ...evil, header: { alg: 'none' } }),
    ),
    handshake('a handshake with an HMAC with the public key', 'CVE-2015-9235 (jsonwebtoken)', ({ clerk }) =>
      clerk.sign({ ...evil, header: { alg: 'HS256' } }),
    ),
    handshake('a session token as the handshake', 'RFC 8725 §2.8', ({ good }) => good.session, BACK),
    handshake('only dots as the handshake', 'CWE-248', () => '..'),
    handshake('a URL as the handshake', 'CWE-248', () => 'https://evil.example/'),
    page('an unknown nonce', 'CWE-384', { query: '?__clerk_handshake_nonce=evil' }, BACK),
    page('a nonce that is a path', 'CWE-22', { query: '?__clerk_handshake_nonce=../../v1/users' }, BACK),
    page('several nonces', 'CWE-235', { query: '?__clerk_handshake_nonce=a&__clerk_handshake_nonce=b' }, BACK),
    page('an unknown nonce in a cookie', 'CWE-384', { headers: [['Cookie', '__clerk_handshake_nonce=evil']] }, BACK),
  ],
};
