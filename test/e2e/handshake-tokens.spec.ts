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
  { name: 'signed in', cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'signed in, of a program', headers: FETCH, cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'signed in, by a form', method: 'POST', cookie: SIGNED_IN, expect: signedIn('active') },
  { name: 'expired', cookie: EXPIRED_COOKIE, expect: handshake(EXPIRED, { token: '{expired}' }) },
  {
    name: 'expired, on a page with a query',
    target: '/hello/world?foo=bar&baz=+%26',
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired, with a refresh token that is nobody’s',
    cookie: `${EXPIRED_COOKIE}; __refresh_{suffix}=made-up`,
    expect: handshake('session-token-expired-refresh-invalid_refresh_token', { token: '{expired}' }),
  },
  {
    name: 'expired, in a frame',
    headers: { 'sec-fetch-dest': 'iframe' },
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired, in an old browser',
    headers: OLD_NAVIGATION,
    cookie: EXPIRED_COOKIE,
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  {
    name: 'expired, of a program',
    headers: FETCH,
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired, of a program that takes pages',
    headers: { ...FETCH, accept: 'text/html' },
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired, by a program that says nothing of itself',
    headers: {},
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'expired, by a form',
    method: 'POST',
    cookie: EXPIRED_COOKIE,
    expect: signedOut('session-token-expired-refresh-non-eligible-non-get', 'token-expired'),
  },
  {
    name: 'expired, where handshakes are off',
    options: NO_HANDSHAKE,
    cookie: EXPIRED_COOKIE,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'not valid yet',
    cookie: EARLY_COOKIE,
    expect: handshake('session-token-nbf', { token: '{early}' }),
  },
  {
    name: 'not valid yet, of a program',
    headers: FETCH,
    cookie: EARLY_COOKIE,
    expect: signedOut('session-token-nbf', 'token-invalid'),
  },
  {
    name: 'from the future',
    cookie: '__client_uat=1; __session={future}',
    expect: handshake('session-token-iat-in-the-future', { token: '{future}' }),
  },
  {
    name: 'malformed',
    cookie: '__client_uat=1; __session=garbage',
    expect: signedOut('token-invalid', 'token-invalid'),
  },
  {
    name: 'forged',
    cookie: '__client_uat=1; __session={forged}',
    expect: signedOut('token-invalid-signature', 'token-invalid'),
  },
];

const IN_HEADERS: Situation[] = [
  { name: 'signed in', headers: bearer('{active}'), cookie: '__client_uat=1', expect: signedIn('active') },
  { name: 'signed in, of a program', headers: bearer('{active}', FETCH), devBrowser: null, expect: signedIn('active') },
  {
    name: 'signed in, whatever the cookies say',
    headers: bearer('{active}'),
    cookie: EXPIRED_COOKIE,
    expect: signedIn('active'),
  },
  {
    name: 'expired',
    headers: bearer('{expired}'),
    cookie: '__client_uat=1',
    expect: handshake(EXPIRED, { token: '{expired}' }),
  },
  { name: 'expired, of a program', headers: bearer('{expired}', {}), expect: signedOut(EXPIRED, 'token-expired') },
  {
    name: 'not valid yet',
    headers: bearer('{early}'),
    cookie: '__client_uat=1',
    expect: handshake('session-token-nbf', { token: '{early}' }),
  },
  { name: 'malformed', headers: bearer('a.b.c'), expect: signedOut('token-invalid', 'token-invalid') },
  {
    name: 'malformed, whatever the cookies say',
    headers: bearer('a.b.c'),
    cookie: SIGNED_IN,
    expect: signedOut('token-invalid', 'token-invalid'),
  },
];

const CLIENT_UAT: Situation[] = [
  {
    name: 'missing',
    cookie: '__session={active}',
    expect: handshake('session-token-but-no-client-uat', { token: '{active}' }),
  },
  {
    name: 'missing, of a program',
    headers: FETCH,
    cookie: '__session={active}',
    expect: signedOut('session-token-but-no-client-uat', 'token-invalid'),
  },
  { name: 'without a session', cookie: '__client_uat=1', expect: handshake('client-uat-but-no-session-token') },
  {
    name: 'without a session, of a program',
    headers: FETCH,
    cookie: '__client_uat=1',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'without a session, by a form',
    method: 'POST',
    cookie: '__client_uat=1',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'newer than the token',
    cookie: '__client_uat={now}; __session={older}',
    expect: handshake('session-token-iat-before-client-uat', { token: '{older}' }),
  },
  {
    name: 'of a browser that is signed out',
    cookie: '__client_uat=0',
    expect: signedOut('session-token-and-uat-missing'),
  },
  { name: 'and session missing', expect: signedOut('session-token-and-uat-missing') },
];

const DEV_BROWSER: Situation[] = [
  { name: 'missing', on: 'development', devBrowser: null, expect: handshake('dev-browser-missing') },
  {
    name: 'missing',
    on: 'production',
    devBrowser: null,
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'missing, of somebody signed in',
    on: 'development',
    devBrowser: null,
    cookie: SIGNED_IN,
    expect: handshake('dev-browser-missing', { token: '{active}' }),
  },
  {
    name: 'missing, of a program',
    on: 'development',
    devBrowser: null,
    headers: FETCH,
    expect: signedOut('dev-browser-missing'),
  },
  {
    name: 'in the URL',
    on: 'development',
    target: '?__clerk_db_jwt=fresh&x=1',
    expect: handshake('dev-browser-sync', { back: '{origin}/{route}?x=1', devBrowser: 'fresh' }),
  },
  {
    name: 'in the URL',
    on: 'production',
    target: '?__clerk_db_jwt=fresh&x=1',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'in the URL only',
    on: 'development',
    devBrowser: null,
    target: '?__clerk_db_jwt=fresh',
    cookie: SIGNED_IN,
    expect: handshake('dev-browser-sync', { back: '{origin}/{route}', devBrowser: 'fresh', token: '{active}' }),
  },
];

const LOOPS: Situation[] = [
  ...[1, 2].map((count) => ({
    name: `after ${count} redirects`,
    cookie: `${EXPIRED_COOKIE}; __clerk_redirect_count=${count}`,
    expect: handshake(EXPIRED, { token: '{expired}', count: count + 1 }),
  })),
  {
    name: 'end after three',
    cookie: `${EXPIRED_COOKIE}; __clerk_redirect_count=3`,
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'end after three, without a token too',
    cookie: '__client_uat=1; __clerk_redirect_count=3',
    expect: signedOut('client-uat-but-no-session-token'),
  },
  {
    name: 'do not concern who is signed in',
    cookie: `${SIGNED_IN}; __clerk_redirect_count=3`,
    expect: signedIn('active'),
  },
];

describeHandshakes('session tokens in cookies', IN_COOKIES);
describeHandshakes('session tokens in headers', IN_HEADERS);
describeHandshakes('client_uat', CLIENT_UAT);
describeHandshakes('development browsers', DEV_BROWSER);
describeHandshakes('redirect loops', LOOPS);
