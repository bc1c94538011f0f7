import {
  describeHandshakes,
  FETCH,
  handshake,
  NAVIGATION,
  OLD_NAVIGATION,
  signedIn,
  signedOut,
  type Situation,
} from '../support/handshakes.js';

const EXPIRED = 'session-token-expired-refresh-non-eligible-no-refresh-cookie';
const SIGNED_IN = '__client_uat={now}; __session={active}';
const EXPIRED_COOKIE = '__client_uat=1; __session={expired}';
const EARLY_COOKIE = '__client_uat=1; __session={early}';
const NO_HANDSHAKE = { enableHandshake: false };

const bearer = (token: string, headers: object = NAVIGATION) => ({ authorization: `Bearer ${token}`, ...headers });

const IN_COOKIES: Situation[] = [
  { name: 'active token on a navigation', cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'active token in a fetch', headers: FETCH, cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'active token in a form post', method: 'POST', cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'expired token on a navigation', cookie: EXPIRED_COOKIE, expect: handshake(EXPIRED, { token: '{expired}' }) },
  {
    name: 'expired token on a navigation to a URL with a query',
    target: '/hello/world?foo=bar&baz=+%26',
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired token with an unknown refresh token',
    cookie: `${EXPIRED_COOKIE}; __refresh_{suffix}=made-up`,
    expect: handshake('session-token-expired-refresh-invalid_refresh_token', { token: '{expired}' }),
  },
  {
    name: 'expired token in an iframe',
    headers: { 'sec-fetch-dest': 'iframe' },
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired token in a browser without Fetch Metadata',
    headers: OLD_NAVIGATION,
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired token in a fetch',
    headers: FETCH,
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired token in a fetch that accepts HTML',
    headers: { ...FETCH, accept: 'text/html' },
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired token in a request without Accept and Sec-Fetch-Dest',
    headers: {},
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired token in a form post',
    method: 'POST',
    cookie: EXPIRED_COOKIE,
    expect: signedOut('session-token-expired-refresh-non-eligible-non-get', 'token-expired'),
  },
  {
    name: 'expired token with enableHandshake: false',
    options: NO_HANDSHAKE,
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'token not valid yet, on a navigation',
    cookie: EARLY_COOKIE,
    expect: handshake('session-token-nbf', { token: '{early}' }),
  },
  {
    name: 'token not valid yet, in a fetch',
    headers: FETCH,
    cookie: EARLY_COOKIE,
    expect: signedOut('session-token-nbf', 'token-invalid'),
  },
  {
    name: 'token issued in the future',
    cookie: '__client_uat=1; __session={future}',
    expect: handshake('session-token-iat-in-the-future', { token: '{future}' }),
  },
  {
    name: 'malformed token',
    cookie: '__client_uat=1; __session=garbage',
    expect: signedOut('token-invalid', 'token-invalid'),
  },
  {
    name: 'token signed with another key',
    cookie: '__client_uat=1; __session={forged}',
    expect: signedOut('token-invalid-signature', 'token-invalid'),
  },
];

const IN_HEADERS: Situation[] = [
  {
    name: 'active token on a navigation',
    headers: bearer('{active}'),
    cookie: '__client_uat=1',
    expect: signedIn('active'),
  },
  { name: 'active token in a fetch', headers: bearer('{active}', FETCH), devBrowser: null, expect: signedIn('active') },
  {
    name: 'active token beside an expired cookie',
    headers: bearer('{active}'),
    cookie: EXPIRED_COOKIE,
    expect: signedIn('active'),
  },
  {
    name: 'expired token on a navigation',
    headers: bearer('{expired}'),
    cookie: '__client_uat=1',
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired token in a request without other headers',
    headers: bearer('{expired}', {}),
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'token not valid yet, on a navigation',
    headers: bearer('{early}'),
    cookie: '__client_uat=1',
    expect: handshake('session-token-nbf', { token: '{early}' }),
  },
  { name: 'malformed token', headers: bearer('a.b.c'), expect: signedOut('token-invalid', 'token-invalid') },
  {
    name: 'malformed token beside an active cookie',
    headers: bearer('a.b.c'),
    cookie: SIGNED_IN,
    expect: signedOut('token-invalid', 'token-invalid'),
  },
];

const CLIENT_UAT: Situation[] = [
  {
    name: 'missing beside an active session, on a navigation',
    cookie: '__session={active}',
    expect: handshake('session-token-but-no-client-uat', { token: '{active}' }),
  },
  {
    name: 'missing beside an active session, in a fetch',
    headers: FETCH,
    cookie: '__session={active}',
    expect: signedOut('session-token-but-no-client-uat', 'token-invalid'),
  },
  {
    name: 'set without a session cookie, on a navigation',
    cookie: '__client_uat=1',
    expect: handshake('client-uat-but-no-session-token'),
  },
  {
    name: 'set without a session cookie, in a fetch',
    headers: FETCH,
    cookie: '__client_uat=1',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'set without a session cookie, in a form post',
    method: 'POST',
    cookie: '__client_uat=1',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'newer than the session token',
    cookie: '__client_uat={now}; __session={older}',
    expect: handshake('session-token-iat-before-client-uat', { token: '{older}' }),
  },
  {
    name: '0, as in a signed-out browser',
    cookie: '__client_uat=0',
    expect: signedOut('session-token-and-uat-missing'),
  },
  { name: 'missing, and no session cookie', expect: signedOut('session-token-and-uat-missing') },
];

const DEV_BROWSER: Situation[] = [
  { name: 'missing on a navigation', on: 'development', devBrowser: null, expect: handshake('dev-browser-missing') },
  {
    name: 'missing on a navigation',
    on: 'production',
    devBrowser: null,
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'missing beside an active session',
    on: 'development',
    devBrowser: null,
    cookie: SIGNED_IN,
    expect: handshake('dev-browser-missing', { token: '{active}' }),
  },
  {
    name: 'missing in a fetch',
    on: 'development',
    devBrowser: null,
    headers: FETCH,
    expect: signedOut('dev-browser-missing'),
  },
  {
    name: 'in the URL and in a cookie',
    on: 'development',
    target: '?__clerk_db_jwt=fresh&x=1',
    expect: handshake('dev-browser-sync', { back: '{origin}/{route}?x=1', devBrowser: 'fresh' }),
  },
  {
    name: 'in the URL and in a cookie',
    on: 'production',
    target: '?__clerk_db_jwt=fresh&x=1',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'only in the URL, beside an active session',
    on: 'development',
    devBrowser: null,
    target: '?__clerk_db_jwt=fresh',
    cookie: SIGNED_IN,
    expect: handshake('dev-browser-sync', { back: '{origin}/{route}', devBrowser: 'fresh', token: '{active}' }),
  },
];

const LOOPS: Situation[] = [
  ...[1, 2].map((count) => ({
    name: `expired session after ${count} redirects`,
    cookie: `${EXPIRED_COOKIE}; __clerk_redirect_count=${count}`,
    expect: handshake(EXPIRED, { token: '{expired}', count: count + 1 }),
  })),
  {
    name: 'expired session after 3 redirects',
    cookie: `${EXPIRED_COOKIE}; __clerk_redirect_count=3`,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'client_uat without a session after 3 redirects',
    cookie: '__client_uat=1; __clerk_redirect_count=3',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'active session after 3 redirects',
    cookie: `${SIGNED_IN}; __clerk_redirect_count=3`,
    expect: signedIn('active'),
  },
];

describeHandshakes('session cookies', IN_COOKIES);
describeHandshakes('session tokens in the Authorization header', IN_HEADERS);
describeHandshakes('the client_uat cookie', CLIENT_UAT);
describeHandshakes('the development browser', DEV_BROWSER);
describeHandshakes('redirect loops', LOOPS);
