import {
  describeHandshakes,
  FETCH,
  handshake,
  NAVIGATION,
  OLD_NAVIGATION,
  redirected,
  signedIn,
  signedOut,
  type Instance,
  type Situation,
} from '../support/handshakes.js';

const REASON = 'session-token-expired-refresh-non-eligible-no-refresh-cookie';
const SIGNED_IN = '__client_uat={now}; __session={active}';
const EXPIRED = '__client_uat=1; __session={expired}';
const SATELLITE_SESSION = '__client_uat=1; __session={ofSatellite}';
const NO_SESSION = signedOut('session-token-and-uat-missing');
const SYNCING = 'satellite-needs-syncing';

const PRIMARY = 'https://primary.example/sign-in';
const SATELLITE = { isSatellite: true, domain: 'satellite.example', signInUrl: PRIMARY };
const AUTO_SYNC = { ...SATELLITE, satelliteAutoSync: true };
const NO_AUTO_SYNC = { ...SATELLITE, satelliteAutoSync: false };
const MANY_DOMAINS = {
  isSatellite: ({ hostname }: URL) => hostname === 'www.satellite.example',
  domain: () => 'satellite.example',
  signInUrl: PRIMARY,
  satelliteAutoSync: true,
};
const AT_SATELLITE = 'https://clerk.satellite.example';
const FROM_SATELLITE = { ...NAVIGATION, 'x-forwarded-host': 'www.satellite.example', 'x-forwarded-proto': 'https' };

const on = (instance: Instance, situations: Situation[]) => situations.map((each) => ({ ...each, on: instance }));

/** What satellites do on both kinds of instances. */
const SATELLITES: Situation[] = [
  { name: 'first visit without satelliteAutoSync', options: SATELLITE, devBrowser: null, expect: NO_SESSION },
  { name: 'first visit with satelliteAutoSync: false', options: NO_AUTO_SYNC, devBrowser: null, expect: NO_SESSION },
  {
    name: 'back from the sync',
    options: AUTO_SYNC,
    target: '?__clerk_synced=true',
    expect: NO_SESSION,
  },
  { name: 'first visit by a form post', options: AUTO_SYNC, method: 'POST', expect: NO_SESSION },
  { name: 'first visit by a fetch', options: AUTO_SYNC, headers: FETCH, expect: NO_SESSION },
  {
    name: 'first visit by a browser without Fetch Metadata',
    options: AUTO_SYNC,
    headers: OLD_NAVIGATION,
    expect: NO_SESSION,
  },
  {
    name: 'after 3 syncs in a row',
    options: AUTO_SYNC,
    cookie: '__clerk_redirect_count=3',
    expect: signedOut(SYNCING),
  },
  { name: 'the primary domain of an application with several domains', options: MANY_DOMAINS, expect: NO_SESSION },
];

/** Satellites of production instances use the Frontend API of their own domain, which also issues their tokens. */
const PRODUCTION_SATELLITES: Situation[] = [
  { name: 'active session', options: AUTO_SYNC, cookie: SATELLITE_SESSION, expect: signedIn('ofSatellite') },
  {
    name: 'active session on a navigation from another site',
    options: AUTO_SYNC,
    headers: from('https://other.example/'),
    cookie: SATELLITE_SESSION,
    expect: signedIn('ofSatellite'),
  },
  {
    name: 'expired session',
    options: SATELLITE,
    cookie: '__client_uat=1; __session={ofSatelliteExpired}',
    expect: handshake(REASON, { token: '{ofSatelliteExpired}', frontendApi: AT_SATELLITE }),
  },
  {
    name: 'session of the primary domain only, with satelliteAutoSync',
    options: AUTO_SYNC,
    cookie: SIGNED_IN,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, suffixed: true }),
  },
  {
    name: 'session of the primary domain only, without satelliteAutoSync',
    options: SATELLITE,
    cookie: SIGNED_IN,
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'first visit with satelliteAutoSync',
    options: AUTO_SYNC,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE }),
  },
  ...[SATELLITE, NO_AUTO_SYNC].map((options) => ({
    name: `back from signing in, ${options === SATELLITE ? 'without satelliteAutoSync' : 'with satelliteAutoSync: false'}`,
    options,
    target: '?__clerk_synced=false',
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE }),
  })),
  {
    name: 'back from signing in, with an older session',
    options: SATELLITE,
    target: '?__clerk_synced=false',
    cookie: SATELLITE_SESSION,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, token: '{ofSatellite}' }),
  },
  {
    name: 'proxyUrl instead of a domain',
    options: { isSatellite: true, proxyUrl: 'https://satellite.example/__clerk', satelliteAutoSync: true },
    expect: handshake(SYNCING, { frontendApi: 'https://satellite.example/__clerk' }),
  },
  {
    name: 'one of several domains of an application',
    options: MANY_DOMAINS,
    headers: FROM_SATELLITE,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, back: 'https://www.satellite.example/{route}' }),
  },
  {
    name: 'second sync in a row',
    options: AUTO_SYNC,
    cookie: '__clerk_redirect_count=1',
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, count: 2 }),
  },
];

/** Satellites of development instances redirect to the primary application, since cookies do not cross domains. */
const DEVELOPMENT_SATELLITES: Situation[] = [
  { name: 'active session', options: AUTO_SYNC, cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'active session on a navigation from another site',
    options: AUTO_SYNC,
    headers: from('https://other.example/'),
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  { name: 'expired session', options: SATELLITE, cookie: EXPIRED, expect: handshake(REASON, { token: '{expired}' }) },
  {
    name: 'first visit with satelliteAutoSync',
    options: AUTO_SYNC,
    target: '?x=1',
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: '{url}' }),
  },
  ...[SATELLITE, NO_AUTO_SYNC].map((options) => ({
    name: `back from signing in, ${options === SATELLITE ? 'without satelliteAutoSync' : 'with satelliteAutoSync: false'}`,
    options,
    target: '?__clerk_synced=false',
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: '{url}' }),
  })),
  {
    name: 'signInUrl with a query',
    options: { ...AUTO_SYNC, signInUrl: `${PRIMARY}?theme=dark` },
    expect: redirected(SYNCING, PRIMARY, { theme: 'dark', __clerk_redirect_url: '{url}' }),
  },
  {
    name: 'one of several domains of an application',
    options: MANY_DOMAINS,
    headers: FROM_SATELLITE,
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: 'https://www.satellite.example/{route}' }),
  },
  {
    name: 'back from the sync with the development browser of the primary application',
    options: SATELLITE,
    devBrowser: null,
    target: '?__clerk_synced=true&__clerk_db_jwt=fresh',
    expect: handshake('dev-browser-sync', { back: '{origin}/{route}?__clerk_synced=true', devBrowser: 'fresh' }),
  },
  {
    name: 'second sync in a row',
    options: AUTO_SYNC,
    cookie: '__clerk_redirect_count=1',
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: '{url}' }, 2),
  },
  {
    name: 'first visit by a request without Accept and Sec-Fetch-Dest',
    options: SATELLITE,
    devBrowser: null,
    headers: {},
    expect: signedOut('dev-browser-missing'),
  },
  {
    name: 'first visit with the Origin of the primary application',
    options: SATELLITE,
    headers: { ...NAVIGATION, origin: 'https://primary.example' },
    expect: signedOut('unexpected-error'),
  },
];

const RETURN_URL = 'https://satellite.example/page';
const RESPONDING = 'primary-responds-to-syncing';
const syncRequest = (returnUrl: string) => `?__clerk_redirect_url=${encodeURIComponent(returnUrl)}`;

/** The primary application of a development instance responds to the sync requests of its satellites. */
const PRIMARIES: Situation[] = [
  {
    name: 'sync request',
    target: syncRequest(`${RETURN_URL}?x=1`),
    expect: redirected(RESPONDING, RETURN_URL, { x: '1', __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'sync request whose return URL has __clerk_synced=false',
    target: syncRequest(`${RETURN_URL}?__clerk_synced=false`),
    expect: redirected(RESPONDING, RETURN_URL, { __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'sync request without a development browser',
    devBrowser: null,
    target: syncRequest(RETURN_URL),
    expect: redirected(RESPONDING, RETURN_URL, { __clerk_synced: 'true' }),
  },
  {
    name: 'sync request with an active session',
    target: syncRequest(RETURN_URL),
    cookie: SIGNED_IN,
    expect: redirected(RESPONDING, RETURN_URL, { __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'sync request after 3 redirects',
    target: syncRequest(RETURN_URL),
    cookie: '__clerk_redirect_count=3',
    expect: signedOut(RESPONDING),
  },
  { name: 'sync request by a fetch', headers: FETCH, target: syncRequest(RETURN_URL), expect: signedOut(RESPONDING) },
  {
    name: 'sync request by a form post',
    method: 'POST',
    target: syncRequest(RETURN_URL),
    expect: signedOut(RESPONDING),
  },
  {
    name: 'sync request with an invalid return URL',
    target: syncRequest('nowhere'),
    expect: signedOut('unexpected-error'),
  },
];

const PROXY = 'https://example.com/clerk';
const FORWARDED = { ...NAVIGATION, 'x-forwarded-host': 'example.com', 'x-forwarded-proto': 'https' };

/** The URLs of the Frontend API and of the redirect back, behind proxies. */
const PROXIES: Situation[] = [
  {
    name: 'proxyUrl and an expired session',
    options: { proxyUrl: PROXY },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: PROXY }),
  },
  {
    name: 'proxyUrl with a trailing slash',
    options: { proxyUrl: `${PROXY}/` },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: PROXY }),
  },
  {
    name: 'proxyUrl and an active session',
    options: { proxyUrl: PROXY },
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'proxyUrl that is a path',
    options: { proxyUrl: '/__clerk' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: '/__clerk' }),
  },
  {
    name: 'proxyUrl that is a path, with a forwarded host',
    options: { proxyUrl: '/__clerk' },
    headers: { ...FORWARDED, 'x-forwarded-host': 'example.com:3213' },
    cookie: EXPIRED,
    expect: handshake(REASON, {
      ...{ token: '{expired}', frontendApi: '/__clerk' },
      back: 'https://example.com:3213/{route}',
    }),
  },
  {
    name: 'proxyUrl that is a function of the URL',
    options: { proxyUrl: ({ origin, searchParams }: URL) => `${origin}/clerk/${searchParams.get('region')}` },
    headers: FORWARDED,
    target: '?region=eu',
    cookie: EXPIRED,
    expect: handshake(REASON, {
      ...{ token: '{expired}', frontendApi: '/clerk/eu' },
      back: 'https://example.com/{route}?region=eu',
    }),
  },
  {
    name: 'domain without isSatellite',
    options: { domain: 'localhost:3000' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}' }),
  },
  {
    name: 'forwarded host',
    headers: FORWARDED,
    target: '/hello?foo=bar',
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com/{route}/hello?foo=bar' }),
  },
  {
    name: 'forwarded host with a port',
    headers: { ...FORWARDED, 'x-forwarded-host': 'example.com:3213' },
    target: '/hello?foo=bar',
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com:3213/{route}/hello?foo=bar' }),
  },
  {
    name: 'several forwarded hosts (the first is used)',
    headers: { ...NAVIGATION, 'x-forwarded-host': 'example.com, proxy.internal', 'x-forwarded-proto': 'https,http' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com/{route}' }),
  },
];

const CROSS_ORIGIN = 'primary-domain-cross-origin-sync';

/** A signed-in browser that comes from another site may have switched users on a satellite. */
const REFERRERS: Situation[] = [
  {
    name: 'another site, on a navigation',
    headers: from('https://other.example/page'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  {
    name: 'another port',
    headers: from('http://127.0.0.1/'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  {
    name: 'a site whose name resembles Clerk’s account portal',
    headers: from('https://accounts.evil.example/'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  {
    name: 'another site, after 1 redirect',
    headers: from('https://other.example/'),
    cookie: `${SIGNED_IN}; __clerk_redirect_count=1`,
    expect: signedIn('active'),
  },
  { name: 'this application', headers: from('{origin}/elsewhere'), cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'this application, behind a proxy',
    headers: { ...FORWARDED, referer: 'https://example.com/' },
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  { name: 'the Frontend API', headers: from('{issuer}/v1/client'), cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'the account portal of a development instance',
    on: 'development',
    headers: from('https://happy-hippo-1.accounts.dev/sign-in'),
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'the account portal of a development instance',
    on: 'production',
    headers: from('https://happy-hippo-1.accounts.dev/sign-in'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  { name: 'an invalid URL', headers: from('nothing'), cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'another site, in a form post',
    headers: from('https://other.example/'),
    method: 'POST',
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'another site, in a fetch',
    headers: { ...FETCH, referer: 'https://other.example/' },
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  { name: 'another site, without a session', headers: from('https://other.example/'), expect: NO_SESSION },
];

function from(referer: string) {
  return { ...NAVIGATION, referer };
}

describeHandshakes('satellites', [
  ...SATELLITES,
  ...on('production', PRODUCTION_SATELLITES),
  ...on('development', DEVELOPMENT_SATELLITES),
]);
describeHandshakes('primary applications', [
  ...on('development', PRIMARIES),
  { name: 'sync request', on: 'production', target: syncRequest(RETURN_URL), expect: NO_SESSION },
]);
describeHandshakes('behind a proxy', PROXIES);
describeHandshakes('the Referer header', REFERRERS);
