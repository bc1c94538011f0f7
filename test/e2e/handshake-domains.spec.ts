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
const SATELLITE_SIGNED_IN = '__client_uat=1; __session={ofSatellite}';
const NO_ONE = signedOut('session-token-and-uat-missing');
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

/** What satellites do on any instance. */
const SATELLITES: Situation[] = [
  { name: 'first visit, without automatic sync', options: SATELLITE, devBrowser: null, expect: NO_ONE },
  { name: 'first visit, with automatic sync off', options: NO_AUTO_SYNC, devBrowser: null, expect: NO_ONE },
  {
    name: 'synced already',
    options: AUTO_SYNC,
    target: '?__clerk_synced=true',
    expect: NO_ONE,
  },
  { name: 'first visit by a form', options: AUTO_SYNC, method: 'POST', expect: NO_ONE },
  { name: 'first visit by a program', options: AUTO_SYNC, headers: FETCH, expect: NO_ONE },
  { name: 'first visit by an old browser', options: AUTO_SYNC, headers: OLD_NAVIGATION, expect: NO_ONE },
  { name: 'after too many syncs', options: AUTO_SYNC, cookie: '__clerk_redirect_count=3', expect: signedOut(SYNCING) },
  { name: 'on the primary domain of an application with many', options: MANY_DOMAINS, expect: NO_ONE },
];

/** Satellites of production instances ask the Frontend API below their own domain, which also issues their tokens. */
const PRODUCTION_SATELLITES: Situation[] = [
  { name: 'signed in', options: AUTO_SYNC, cookie: SATELLITE_SIGNED_IN, expect: signedIn('ofSatellite') },
  {
    name: 'signed in, from another site',
    options: AUTO_SYNC,
    headers: from('https://other.example/'),
    cookie: SATELLITE_SIGNED_IN,
    expect: signedIn('ofSatellite'),
  },
  {
    name: 'expired',
    options: SATELLITE,
    cookie: '__client_uat=1; __session={ofSatelliteExpired}',
    expect: handshake(REASON, { token: '{ofSatelliteExpired}', frontendApi: AT_SATELLITE }),
  },
  {
    name: 'signed in on the primary domain only, with automatic sync',
    options: AUTO_SYNC,
    cookie: SIGNED_IN,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, suffixed: true }),
  },
  {
    name: 'signed in on the primary domain only, without automatic sync',
    options: SATELLITE,
    cookie: SIGNED_IN,
    expect: signedOut('session-token-and-uat-missing', 'token-invalid'),
  },
  {
    name: 'first visit, with automatic sync',
    options: AUTO_SYNC,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE }),
  },
  ...[SATELLITE, NO_AUTO_SYNC].map((options) => ({
    name: `back from signing in, ${options === SATELLITE ? 'without automatic sync' : 'with automatic sync off'}`,
    options,
    target: '?__clerk_synced=false',
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE }),
  })),
  {
    name: 'back from signing in, with old cookies',
    options: SATELLITE,
    target: '?__clerk_synced=false',
    cookie: SATELLITE_SIGNED_IN,
    expect: handshake(SYNCING, { frontendApi: AT_SATELLITE, token: '{ofSatellite}' }),
  },
  {
    name: 'with a proxy in place of a domain',
    options: { isSatellite: true, proxyUrl: 'https://satellite.example/__clerk', satelliteAutoSync: true },
    expect: handshake(SYNCING, { frontendApi: 'https://satellite.example/__clerk' }),
  },
  {
    name: 'as one of many domains of an application',
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

/** Satellites of development instances ask the primary application, since there are no cookies across domains. */
const DEVELOPMENT_SATELLITES: Situation[] = [
  { name: 'signed in', options: AUTO_SYNC, cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'signed in, from another site',
    options: AUTO_SYNC,
    headers: from('https://other.example/'),
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  { name: 'expired', options: SATELLITE, cookie: EXPIRED, expect: handshake(REASON, { token: '{expired}' }) },
  {
    name: 'first visit, with automatic sync',
    options: AUTO_SYNC,
    target: '?x=1',
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: '{url}' }),
  },
  ...[SATELLITE, NO_AUTO_SYNC].map((options) => ({
    name: `back from signing in, ${options === SATELLITE ? 'without automatic sync' : 'with automatic sync off'}`,
    options,
    target: '?__clerk_synced=false',
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: '{url}' }),
  })),
  {
    name: 'with a query in the URL of the sign-in page',
    options: { ...AUTO_SYNC, signInUrl: `${PRIMARY}?theme=dark` },
    expect: redirected(SYNCING, PRIMARY, { theme: 'dark', __clerk_redirect_url: '{url}' }),
  },
  {
    name: 'as one of many domains of an application',
    options: MANY_DOMAINS,
    headers: FROM_SATELLITE,
    expect: redirected(SYNCING, PRIMARY, { __clerk_redirect_url: 'https://www.satellite.example/{route}' }),
  },
  {
    name: 'synced, with the development browser of the primary application',
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
    name: 'first visit, of a program that says nothing of itself',
    options: SATELLITE,
    devBrowser: null,
    headers: {},
    expect: signedOut('dev-browser-missing'),
  },
  {
    name: 'whose sign-in page is its own, by what the browser says',
    options: SATELLITE,
    headers: { ...NAVIGATION, origin: 'https://primary.example' },
    expect: signedOut('unexpected-error'),
  },
];

const BACK = 'https://satellite.example/page';
const ANSWERED = 'primary-responds-to-syncing';
const asking = (back: string) => `?__clerk_redirect_url=${encodeURIComponent(back)}`;

/** The primary application of a development instance answers what its satellites ask. */
const PRIMARIES: Situation[] = [
  {
    name: 'asked',
    target: asking(`${BACK}?x=1`),
    expect: redirected(ANSWERED, BACK, { x: '1', __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'asked by a satellite that has to be synced',
    target: asking(`${BACK}?__clerk_synced=false`),
    expect: redirected(ANSWERED, BACK, { __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'asked, without a development browser',
    devBrowser: null,
    target: asking(BACK),
    expect: redirected(ANSWERED, BACK, { __clerk_synced: 'true' }),
  },
  {
    name: 'asked, of somebody signed in',
    target: asking(BACK),
    cookie: SIGNED_IN,
    expect: redirected(ANSWERED, BACK, { __clerk_db_jwt: 'db', __clerk_synced: 'true' }),
  },
  {
    name: 'asked again and again',
    target: asking(BACK),
    cookie: '__clerk_redirect_count=3',
    expect: signedOut(ANSWERED),
  },
  { name: 'asked by a program', headers: FETCH, target: asking(BACK), expect: signedOut(ANSWERED) },
  { name: 'asked by a form', method: 'POST', target: asking(BACK), expect: signedOut(ANSWERED) },
  { name: 'asked for no URL', target: asking('nowhere'), expect: signedOut('unexpected-error') },
];

const PROXY = 'https://example.com/clerk';
const FORWARDED = { ...NAVIGATION, 'x-forwarded-host': 'example.com', 'x-forwarded-proto': 'https' };

/** Where the Frontend API is, and the way back, behind proxies. */
const PROXIES: Situation[] = [
  {
    name: 'proxyUrl',
    options: { proxyUrl: PROXY },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: PROXY }),
  },
  {
    name: 'proxyUrl that ends in a slash',
    options: { proxyUrl: `${PROXY}/` },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: PROXY }),
  },
  {
    name: 'proxyUrl, of somebody signed in',
    options: { proxyUrl: PROXY },
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'proxyUrl as a path',
    options: { proxyUrl: '/__clerk' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', frontendApi: '/__clerk' }),
  },
  {
    name: 'proxyUrl as a path, behind a proxy',
    options: { proxyUrl: '/__clerk' },
    headers: { ...FORWARDED, 'x-forwarded-host': 'example.com:3213' },
    cookie: EXPIRED,
    expect: handshake(REASON, {
      ...{ token: '{expired}', frontendApi: '/__clerk' },
      back: 'https://example.com:3213/{route}',
    }),
  },
  {
    name: 'proxyUrl as a function of the URL',
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
    name: 'a domain that is no satellite’s',
    options: { domain: 'localhost:3000' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}' }),
  },
  {
    name: 'a forwarded host',
    headers: FORWARDED,
    target: '/hello?foo=bar',
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com/{route}/hello?foo=bar' }),
  },
  {
    name: 'a forwarded host with a port',
    headers: { ...FORWARDED, 'x-forwarded-host': 'example.com:3213' },
    target: '/hello?foo=bar',
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com:3213/{route}/hello?foo=bar' }),
  },
  {
    name: 'several forwarded hosts, of which the first counts',
    headers: { ...NAVIGATION, 'x-forwarded-host': 'example.com, proxy.internal', 'x-forwarded-proto': 'https,http' },
    cookie: EXPIRED,
    expect: handshake(REASON, { token: '{expired}', back: 'https://example.com/{route}' }),
  },
];

const CROSS_ORIGIN = 'primary-domain-cross-origin-sync';

/** Somebody signed in who comes from another site may have become another on a satellite. */
const REFERRERS: Situation[] = [
  {
    name: 'another site',
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
    name: 'a site that only looks like Clerk’s account portal',
    headers: from('https://accounts.evil.example/'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  {
    name: 'another site, once redirected',
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
    name: 'the account portal of some development instance',
    on: 'development',
    headers: from('https://happy-hippo-1.accounts.dev/sign-in'),
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'the account portal of some development instance',
    on: 'production',
    headers: from('https://happy-hippo-1.accounts.dev/sign-in'),
    cookie: SIGNED_IN,
    expect: handshake(CROSS_ORIGIN, { token: '{active}' }),
  },
  { name: 'nothing that can be read', headers: from('nothing'), cookie: SIGNED_IN, expect: signedIn('active') },
  {
    name: 'another site, by a form',
    headers: from('https://other.example/'),
    method: 'POST',
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  {
    name: 'another site, by a program',
    headers: { ...FETCH, referer: 'https://other.example/' },
    cookie: SIGNED_IN,
    expect: signedIn('active'),
  },
  { name: 'another site, of nobody', headers: from('https://other.example/'), expect: NO_ONE },
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
  { name: 'asked', on: 'production', target: asking(BACK), expect: NO_ONE },
]);
describeHandshakes('proxies', PROXIES);
describeHandshakes('referrers', REFERRERS);
