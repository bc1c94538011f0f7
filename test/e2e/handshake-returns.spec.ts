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
const NO_SESSION = signedOut('session-token-and-uat-missing');
const NOT_RESOLVED = signedOut('unexpected-error');
const NO_HANDSHAKE = { enableHandshake: false };
/** The outcome of a nonce that Clerk does not know: signed out, and no cookies. */
const UNKNOWN_NONCE = {
  ...completed('out'),
  auth: 'signed-out',
  reason: 'session-token-missing',
  cookies: [],
} as const;
const SIGNED_OUT = { ...UNKNOWN_NONCE, cookies: 'out' } as const;

/** Development instances redirect back with the handshake in the URL; a second redirect removes it from there. */
const IN_THE_URL: Situation[] = [
  {
    name: 'a nonce',
    target: '?x=1&__clerk_handshake_nonce={nonce:active}',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'a handshake token',
    target: '?x=1&__clerk_handshake={handshake:active}',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'a handshake token without a development browser',
    devBrowser: null,
    target: '?__clerk_handshake={handshake:active}',
    expect: completed('active'),
  },
  {
    name: 'a handshake token beside other parameters of Clerk',
    target: '?__clerk_handshake={handshake:active}&__clerk_db_jwt=fresh&__clerk_help=1&x=1',
    expect: completed('active', { x: '1' }),
  },
  {
    name: 'a handshake token beside an expired session',
    target: '?__clerk_handshake={handshake:active}',
    cookie: EXPIRED_COOKIE,
    expect: completed('active'),
  },
  {
    name: 'a handshake token after 3 redirects',
    target: '?__clerk_handshake={handshake:active}',
    cookie: '__clerk_redirect_count=3',
    expect: completed('active'),
  },
  {
    name: 'a handshake token in an iframe',
    headers: { 'sec-fetch-dest': 'iframe' },
    target: '?__clerk_handshake={handshake:active}',
    expect: completed('active'),
  },
  { name: 'the nonce of a signed-out handshake', target: '?__clerk_handshake_nonce={nonce:out}', expect: SIGNED_OUT },
  { name: 'the token of a signed-out handshake', target: '?__clerk_handshake={handshake:out}', expect: SIGNED_OUT },
  {
    name: 'a handshake token whose session is not valid yet on a clock that is behind',
    target: '?__clerk_handshake={handshake:early}',
    expect: completed('early'),
  },
  {
    name: 'a handshake token whose session was issued in the future of a clock that is behind',
    target: '?__clerk_handshake={handshake:future}',
    expect: completed('future'),
  },
  {
    name: 'a handshake token whose session has expired on a clock that is ahead',
    target: '?__clerk_handshake={handshake:expired}',
    expect: completed('expired'),
  },
  {
    name: 'an unknown nonce',
    target: '?__clerk_handshake_nonce=made-up&x=1',
    expect: { ...UNKNOWN_NONCE, location: { at: '/{route}', params: { x: '1' } } },
  },
  { name: 'a malformed handshake token', target: '?__clerk_handshake=a.b.c', expect: NOT_RESOLVED },
  {
    name: 'a handshake token signed with another key',
    target: '?__clerk_handshake={handshake:ofAnotherKey}',
    expect: NOT_RESOLVED,
  },
  {
    name: 'a handshake token of another instance',
    target: '?__clerk_handshake={handshake:ofAnotherInstance}',
    expect: NOT_RESOLVED,
  },
  { name: 'a token of a JWT template', target: '?__clerk_handshake={handshake:ofATemplate}', expect: NOT_RESOLVED },
  {
    name: 'a handshake whose session token is signed with another key',
    target: '?__clerk_handshake={handshake:forged}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token in a fetch',
    headers: FETCH,
    target: '?__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
  { name: 'a nonce in a fetch', headers: FETCH, target: '?__clerk_handshake_nonce={nonce:active}', expect: NO_SESSION },
  {
    name: 'a handshake token in a form post',
    method: 'POST',
    target: '?__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token with enableHandshake: false',
    options: NO_HANDSHAKE,
    target: '?__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
];

/** Production instances redirect back with the handshake in a cookie, and the page is served without another redirect. */
const IN_COOKIES: Situation[] = [
  { name: 'a nonce', cookie: '__clerk_handshake_nonce={nonce:active}', expect: signedIn('active', 'active') },
  { name: 'a handshake token', cookie: '__clerk_handshake={handshake:active}', expect: signedIn('active', 'active') },
  {
    name: 'a handshake token in the URL',
    target: '?__clerk_handshake={handshake:active}',
    expect: signedIn('active', 'active'),
  },
  {
    name: 'a handshake token beside an expired session',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:active}`,
    expect: signedIn('active', 'active'),
  },
  {
    name: 'the nonce of a signed-out handshake',
    cookie: '__clerk_handshake_nonce={nonce:out}',
    expect: signedOut('session-token-missing', 'authentication-required', 'out'),
  },
  {
    name: 'the token of a signed-out handshake',
    cookie: '__clerk_handshake={handshake:out}',
    expect: signedOut('session-token-missing', 'authentication-required', 'out'),
  },
  {
    name: 'a handshake token whose session is not valid yet on a clock that is behind',
    cookie: '__clerk_handshake={handshake:early}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token whose session has expired on a clock that is ahead',
    cookie: '__clerk_handshake={handshake:expired}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake whose session has expired, beside an expired session',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:expired}`,
    expect: EXPIRED,
  },
  {
    name: 'an unknown nonce',
    cookie: '__clerk_handshake_nonce=made-up',
    expect: signedOut('session-token-missing'),
  },
  { name: 'a malformed handshake token', cookie: '__clerk_handshake=a.b.c', expect: NO_SESSION },
  {
    name: 'a handshake token signed with another key',
    cookie: '__clerk_handshake={handshake:ofAnotherKey}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token of another instance',
    cookie: '__clerk_handshake={handshake:ofAnotherInstance}',
    expect: NO_SESSION,
  },
  { name: 'a token of a JWT template', cookie: '__clerk_handshake={handshake:ofATemplate}', expect: NO_SESSION },
  {
    name: 'the handshake of another application on the domain, beside an active session',
    cookie: '__client_uat={now}; __session={active}; __clerk_handshake={handshake:ofAnotherInstance}',
    expect: signedIn('active'),
  },
  {
    name: 'the handshake of another application on the domain, beside an expired session',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:ofAnotherInstance}`,
    expect: EXPIRED,
  },
  {
    name: 'the handshake of another application on the domain, after 3 redirects',
    cookie: `${EXPIRED_COOKIE}; __clerk_handshake={handshake:ofAnotherInstance}; __clerk_redirect_count=3`,
    expect: signedOut('session-token-expired-refresh-non-eligible-no-refresh-cookie', 'token-expired'),
  },
  {
    name: 'a handshake whose session token is signed with another key',
    cookie: '__clerk_handshake={handshake:forged}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token in a fetch',
    headers: FETCH,
    cookie: '__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token in a form post',
    method: 'POST',
    cookie: '__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
  {
    name: 'a handshake token with enableHandshake: false',
    options: NO_HANDSHAKE,
    cookie: '__clerk_handshake={handshake:active}',
    expect: NO_SESSION,
  },
];

const on = (instance: Instance, situations: Situation[]) => situations.map((each) => ({ ...each, on: instance }));

describeHandshakes('handshakes in the URL', on('development', IN_THE_URL));
describeHandshakes('handshakes in cookies', on('production', IN_COOKIES));
