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

/** A browser in which nobody is signed in goes to a page. */
const NAVIGATION: readonly Header[] = [
  ['Accept', 'text/html'],
  ['Sec-Fetch-Dest', 'document'],
  ['Cookie', '__clerk_db_jwt=d; __client_uat=0'],
];

/** Redirected, but never to a stranger: every answer is looked through for that. */
const TO_SIGN_IN: Outcome = { strict: 302 };
/** To the same page, without what was of no use. */
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

/** What pretends that the browser asked another host, or for something that is no web page. */
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
  ['a forwarded host with CRLF behind escapes', [[HOST, 'a%0d%0aX-Injected:1']], 'CWE-113'],
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
  ['our own host with a dot behind it', [[HOST, 'api.example.com.evil.example.']], FORWARDED],
  ['a forwarded host outside of ASCII', [[HOST, 'api.ex\u00e4mple.com']], 'CWE-1007'],
  ['a forwarded host with a tab', [[HOST, 'api.example.com\tevil.example']], FORWARDED],
  ['a forwarded host with a path', [[HOST, 'evil.example/x?']], FORWARDED],
  ['a forwarded host with a backslash', [[HOST, 'evil.example\\@api.example.com']], FORWARDED],
  ['a forwarded IPv6 address', [[HOST, '[2001:db8::1]']], FORWARDED],
  [
    'half a forwarded IPv6 address',
    [
      [HOST, '[::1'],
      [PROTOCOL, 'https'],
    ],
    FORWARDED,
  ],
  ['a forwarded port', [['X-Forwarded-Port', '@evil.example']], FORWARDED],
  ['a standard forwarding', [['Forwarded', 'host=evil.example;proto=https']], FORWARDED],
  [
    'a forwarded server',
    [
      ['X-Forwarded-Server', 'evil.example'],
      ['X-Host', 'evil.example'],
    ],
    'CWE-444',
  ],
  [
    'a forwarded address of this machine',
    [
      [HOST, 'evil.example'],
      ['X-Forwarded-For', '127.0.0.1'],
    ],
    FORWARDED,
  ],
  ['a forwarded scheme of scripts', [[PROTOCOL, 'javascript']], FORWARDED],
  [
    'a forwarded scheme of scripts, with a host',
    [
      [PROTOCOL, 'javascript'],
      [HOST, 'evil.example'],
    ],
    FORWARDED,
  ],
  ['a forwarded scheme of data', [[PROTOCOL, 'data']], FORWARDED],
  ['a forwarded scheme of files', [[PROTOCOL, 'ftp']], FORWARDED],
  ['a forwarded scheme with a host', [[PROTOCOL, 'https://evil.example/?']], FORWARDED],
  ['several forwarded schemes', [[PROTOCOL, 'javascript, https']], FORWARDED],
  ['a scheme of scripts forwarded by CloudFront', [['CloudFront-Forwarded-Proto', 'javascript']], FORWARDED],
];

/** Ways to the sign-in page, with a way back in them. */
export const redirects: Family = {
  name: 'redirects to the sign-in page',
  at: 'page',
  options: () => ({ signInUrl: '/sign-in' }),
  control: ({ good }) => [inCookie(good.session)],
  attacks: [
    query('?redirect_url', '?redirect_url=https://evil.example/'),
    query('?redirect_url without a scheme', '?redirect_url=//evil.example/'),
    query('?redirect_url with a backslash', '?redirect_url=/\\evil.example/'),
    query(
      '?return_to and others',
      '?return_to=//evil.example&next=//evil.example&returnTo=//evil.example&callbackUrl=//evil.example',
    ),
    query(
      '?after_sign_in_url',
      '?after_sign_in_url=https://evil.example&sign_in_force_redirect_url=https://evil.example',
    ),
    query('?sign_in_url', '?sign_in_url=https://evil.example&signInUrl=https://evil.example'),
    query('?__clerk_hosted_pages', '?__clerk_help=1&__clerk_frontend_api=evil.example'),
    query('encoded line breaks', '?x=%0d%0aLocation:%20https://evil.example'),
    query('a broken escape', '?redirect_url=%zz', undefined),
    page('a callback that is no URL', 'CVE-2022-31093 (next-auth)', { query: '?callbackUrl=https://[&redirect_url=:' }),
    page('a backslash before a host', 'CVE-2024-29041 (Express)', {
      query: '?redirect_url=https://api.example.com\\@evil.example',
    }),
    page('the path of a stranger', 'CWE-601', { target: '//evil.example/strict/page' }, MALFORMED),
    page('the path of a stranger behind a backslash', 'CWE-601', { target: '/\\evil.example/strict/page' }, MALFORMED),
    page('the path of a stranger behind dots', 'CWE-601', { target: '/x/..//evil.example' }, MALFORMED),
    ...FORGERIES.map(([name, headers, source]) => page(name, source, { headers })),
    header('a referrer', 'Referer', 'https://evil.example/', undefined, 'CWE-601'),
    header('an origin', 'Origin', 'https://evil.example', undefined, 'CWE-601'),
    header('a host', 'Host', 'evil.example', undefined, 'RFC 9110 §7.2'),
  ],
};

/** The same where the sign-in page is elsewhere, and is told the way back. */
export const redirectsElsewhere: Family = {
  name: 'redirects to a sign-in page elsewhere',
  at: 'page',
  options: () => ({ signInUrl: 'https://accounts.example.com/sign-in' }),
  control: redirects.control,
  attacks: FORGERIES.map(([name, headers, source]) => page(name, source, { headers })),
};

/** Handshakes at a Frontend API that is under a path of this server: what they lead to carries a session token. */
const handshakesHere = (name: string, options: Family['options']): Family => ({
  name,
  at: 'page',
  options,
  control: redirects.control,
  attacks: [
    ...FORGERIES.map(([forgery, headers, source]) => expired(`${forgery}, with a session`, headers, source)),
    expired('a host, with a session', [['Host', 'evil.example']], 'RFC 9110 §7.2'),
    expired('a host with a user, with a session', [['Host', 'api.example.com@evil.example']], 'RFC 9110 §7.2'),
    expired('a host that is no host, with a session', [['Host', 'a b\\c']], 'RFC 9110 §7.2'),
    ...FORGERIES.map(([forgery, headers, source]) =>
      page(`${forgery}, with a nonce`, source, { query: '?__clerk_handshake_nonce=evil', headers }, BACK),
    ),
    page(
      'a host, with a nonce',
      'RFC 9110 §7.2',
      { query: '?__clerk_handshake_nonce=evil', headers: [['Host', 'evil.example']] },
      BACK,
    ),
  ],
});

/** A browser whose session token has to be made anew. */
function expired(name: string, headers: readonly Header[], source: string): Attack {
  const sent = async ({ clerk }: Stage): Promise<Sent> => {
    const token = await clerk.sessionToken({ issuedAt: Math.floor(Date.now() / 1000) - 120 });
    const cookie: Header = ['Cookie', `__clerk_db_jwt=d; __client_uat=1; __session=${token}`];
    return { headers: [...NAVIGATION.filter(([field]) => field !== 'Cookie'), cookie, ...headers] };
  };
  return request(name, source, sent, { strict: 307, public: 307 });
}

export const handshakesByProxyUrl = handshakesHere('handshakes by a proxyUrl on this server', () => ({
  proxyUrl: '/__clerk',
}));
export const handshakesByFunction = handshakesHere('handshakes by a proxyUrl that is made of the request’s', () => ({
  proxyUrl: ({ origin }: URL) => `${origin}/__clerk`,
}));
export const handshakesByProxy = handshakesHere('handshakes by frontendApiProxy', () => ({
  proxyUrl: undefined,
  frontendApiProxy: { enabled: true },
}));

/**
 * Development instances have no cookies across domains: there Clerk sends browsers back to wherever a satellite says that
 * it is. Production instances must not.
 */
export const redirectsInProduction: Family = {
  name: 'redirects of a production instance',
  at: 'page',
  options: ({ production }) => ({ ...production.options, signInUrl: '/sign-in' }),
  control: ({ good }) => [inCookie(good.production)],
  attacks: [
    query('?__clerk_redirect_url', '?__clerk_redirect_url=https://evil.example/'),
    query('?__clerk_synced', '?__clerk_synced=false&__clerk_redirect_url=https://evil.example/'),
  ],
};

/** A handshake that Clerk never made, in the URL of a page and in a cookie. */
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

/** Handshakes that Clerk never made, where the real ones are resolved: none of their cookies is handed on. */
export const handshakes: Family = {
  name: 'handshakes',
  at: 'page',
  options: redirects.options,
  control: redirects.control,
  attacks: [
    handshake('one of an attacker', 'CWE-384', ({ attacker }) => attacker.sign(evil)),
    handshake('one of an attacker under our kid', 'CWE-384', ({ clerk, attacker }) =>
      clerk.sign({ ...evil, key: attacker }),
    ),
    handshake('one of another tenant', 'RFC 8725 §2.7', ({ neighbour }) => neighbour.sign(evil)),
    handshake('one without a signature', 'RFC 8725 §3.2', ({ clerk }) =>
      clerk.sign({ ...evil, header: { alg: 'none' } }),
    ),
    handshake('one with a MAC by the public key', 'CVE-2015-9235 (jsonwebtoken)', ({ clerk }) =>
      clerk.sign({ ...evil, header: { alg: 'HS256' } }),
    ),
    handshake('a session token', 'RFC 8725 §2.8', ({ good }) => good.session, BACK),
    handshake('nothing but dots', 'CWE-248', () => '..'),
    handshake('no token', 'CWE-248', () => 'https://evil.example/'),
    page('a nonce that nobody made', 'CWE-384', { query: '?__clerk_handshake_nonce=evil' }, BACK),
    page('a nonce that is a path', 'CWE-22', { query: '?__clerk_handshake_nonce=../../v1/users' }, BACK),
    page('several nonces', 'CWE-235', { query: '?__clerk_handshake_nonce=a&__clerk_handshake_nonce=b' }, BACK),
    page('the cookie of a nonce', 'CWE-384', { headers: [['Cookie', '__clerk_handshake_nonce=evil']] }, BACK),
  ],
};
