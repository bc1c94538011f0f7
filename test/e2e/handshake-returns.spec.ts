import {
  completed,
  describeHandshakes,
  FETCH,
  handshake,
  signedIn,
  signedOut,
  type Instance,
  type Situation,
} from '../support/handshakes.js';

const EXPIRED_COOKIE = '__client_uat=1; __session={expired}';
const EXPIRED = handshake('session-token-expired-refresh-non-eligible-no-refresh-cookie', {
  ...{ token: '{expired}', back: '{origin}/{route}' },
});
const NO_ONE = signedOut('session-token-and-uat-missing');
const NOT_RESOLVED = signedOut('unexpected-error');
const NO_HANDSHAKE = { enableHandshake: false };
/** What is left of a nonce that Clerk does not know: nobody, and no cookies. */
const NOTHING_CAME = { ...completed('out'), auth: 'signed-out', reason: 'session-token-missing', cookies: [] } as const;
const SIGNED_OUT = { ...NOTHING_CAME, cookies: 'out' } as const;

/** Development instances send browsers back with the handshake in the URL, which is then cleaned. */
const IN_THE_URL: Situation[] = [
  {
    name: 'by nonce',
    target: '?x=1&__clerk_handshake_nonce={nonce:active}',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'by token',
    target: '?x=1&__clerk_handshake={handshake:active}',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'by token, without a development browser yet',
    devBrowser: null,
    target: '?__clerk_handshake={handshake:active}',
    expect: completed('active'),
  },
  {
    name: 'by token, with more that Clerk put into the URL',
    target: '?__clerk_handshake={handshake:active}&__clerk_db_jwt=fresh&__clerk_help=1&x=1',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'by token, in place of an expired session',
    target: '?__clerk_handshake={handshake:active}',
    cookie: EXPIRED_COOKIE,
    expect: completed('active'),
  },
  {
    name: 'by token, after too many redirects',
    target: '?__clerk_handshake={handshake:active}',
    cookie: '__clerk_redirect_count=3',
    expect: completed('active'),
  },
  {
    name: 'by token, in a frame',
    headers: { 'sec-fetch-dest': 'iframe' },
    target: '?__clerk_handshake={handshake:active}',
    expect: completed('active'),
  },
  { name: 'signed out, by nonce', target: '?__clerk_handshake_nonce={nonce:out}', expect: SIGNED_OUT },
  { name: 'signed out, by token', target: '?__clerk_handshake={handshake:out}', expect: SIGNED_OUT },
  { name: 'our clock behind', target: '?__clerk_handshake={handshake:early}', expect: completed('early') },
  { name: 'our clock far behind', target: '?__clerk_handshake={handshake:future}', expect: completed('future') },
  { name: 'our clock ahead', target: '?__clerk_handshake={handshake:expired}', expect: completed('expired') },
  {
    name: 'by a made-up nonce',
    target: '?__clerk_handshake_nonce=made-up&x=1',
    expect: { ...NOTHING_CAME, location: { at: '/{route}', params: { x: '1' } } },
  },
  { name: 'by garbage', target: '?__clerk_handshake=a.b.c', expect: NOT_RESOLVED },
  { name: 'of another key', target: '?__clerk_handshake={handshake:ofAnotherKey}', expect: NOT_RESOLVED },
  { name: 'of another instance', target: '?__clerk_handshake={handshake:ofAnotherInstance}', expect: NOT_RESOLVED },
  { name: 'of a JWT template', target: '?__clerk_handshake={handshake:ofATemplate}', expect: NOT_RESOLVED },
  {
    name: 'whose session token is of another key',
    target: '?__clerk_handshake={handshake:forged}',
    expect: NO_ONE,
  },
  { name: 'of a program', headers: FETCH, target: '?__clerk_handshake={handshake:active}', expect: NO_ONE },
  { name: 'of a program, by nonce', headers: FETCH, target: '?__clerk_handshake_nonce={nonce:active}', expect: NO_ONE },
  { name: 'by a form', method: 'POST', target: '?__clerk_handshake={handshake:active}', expect: NO_ONE },
  {
    name: 'where handshakes are off',
    options: NO_HANDSHAKE,
    target: '?__clerk_handshake={handshake:active}',
    expect: NO_ONE,
  },
];

/** Production instances send browsers back with the handshake in a cookie, and the page is served at once. */
const IN_COOKIES: Situation[] = [
  { name: 'by nonce', cookie: '__clerk_handshake_nonce={nonce:active}', expect: signedIn('active', 'active') },
  { name: 'by token', cookie: '__clerk_handshake={handshake:active}', expect: signedIn('active', 'active') },
  {
    name: 'by token in the URL',
    target: '?__clerk_handshake={handshake:active}',
    expect: signedIn('active', 'active'),
  },
  {
    name: 'by token, in place of an expired session',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:active}`,
    expect: signedIn('active', 'active'),
  },
  {
    name: 'signed out, by nonce',
    cookie: '__clerk_handshake_nonce={nonce:out}',
    expect: signedOut('session-token-missing', 'authentication-required', 'out'),
  },
  {
    name: 'signed out, by token',
    cookie: '__clerk_handshake={handshake:out}',
    expect: signedOut('session-token-missing', 'authentication-required', 'out'),
  },
  { name: 'our clock behind', cookie: '__clerk_handshake={handshake:early}', expect: NO_ONE },
  { name: 'our clock ahead', cookie: '__clerk_handshake={handshake:expired}', expect: NO_ONE },
  {
    name: 'stale, beside an expired session',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:expired}`,
    expect: EXPIRED,
  },
  {
    name: 'by a made-up nonce',
    cookie: '__clerk_handshake_nonce=made-up',
    expect: signedOut('session-token-missing'),
  },
  { name: 'by garbage', cookie: '__clerk_handshake=a.b.c', expect: NO_ONE },
  { name: 'of another key', cookie: '__clerk_handshake={handshake:ofAnotherKey}', expect: NO_ONE },
  { name: 'of another instance', cookie: '__clerk_handshake={handshake:ofAnotherInstance}', expect: NO_ONE },
  { name: 'of a JWT template', cookie: '__clerk_handshake={handshake:ofATemplate}', expect: NO_ONE },
  {
    name: 'of another application on the domain, beside a session of ours',
    cookie: '__client_uat={now}; __session={active}; __clerk_handshake={handshake:ofAnotherInstance}',
    expect: signedIn('active'),
  },
  {
    name: 'of another application on the domain, beside an expired session of ours',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:ofAnotherInstance}`,
    expect: EXPIRED,
  },
  {
    name: 'of another application on the domain, again and again',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:ofAnotherInstance}; __clerk_redirect_count=3`,
    expect: signedOut('session-token-expired-refresh-non-eligible-no-refresh-cookie', 'token-expired'),
  },
  {
    name: 'whose session token is of another key',
    cookie: '__clerk_handshake={handshake:forged}',
    expect: NO_ONE,
  },
  { name: 'of a program', headers: FETCH, cookie: '__clerk_handshake={handshake:active}', expect: NO_ONE },
  { name: 'by a form', method: 'POST', cookie: '__clerk_handshake={handshake:active}', expect: NO_ONE },
  {
    name: 'where handshakes are off',
    options: NO_HANDSHAKE,
    cookie: '__clerk_handshake={handshake:active}',
    expect: NO_ONE,
  },
];

const on = (instance: Instance, situations: Situation[]) => situations.map((each) => ({ ...each, on: instance }));

describeHandshakes('handshakes in the URL', on('development', IN_THE_URL));
describeHandshakes('handshakes in cookies', on('production', IN_COOKIES));
