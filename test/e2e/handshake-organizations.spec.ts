import {
  describeHandshakes,
  FETCH,
  handshake,
  NAVIGATION,
  signedIn,
  signedOut,
  type Situation,
} from '../support/handshakes.js';

const EXPIRED = 'session-token-expired-refresh-non-eligible-no-refresh-cookie';
const MISMATCH = 'active-organization-mismatch';
const PERSONAL = '__client_uat=1; __session={active}';
const IN_ACME = '__client_uat=1; __session={acme}';

const BY_ID = { organizationPatterns: ['/:route/by-id/:id', '/:route/by-id/:id/(.*)'] };
const PATTERNS = {
  organizationPatterns: [...BY_ID.organizationPatterns, '/:route/by-slug/:slug', '/:route/by-slug/:slug/(.*)'],
  personalAccountPatterns: ['/:route/me', '/:route/me/(.*)'],
};
const options = { organizationSyncOptions: PATTERNS };

/** The URL names an organization, and a handshake activates it. The slug of `org_acme` is `acme`. */
const SITUATIONS: Situation[] = [
  {
    name: 'by id, while none is active',
    options: { organizationSyncOptions: BY_ID },
    target: '/by-id/org_acme',
    cookie: PERSONAL,
    expect: handshake(MISMATCH, { token: '{active}', organization: 'org_acme' }),
  },
  {
    name: 'by id, while none is active in an expired session',
    options,
    target: '/by-id/org_acme',
    cookie: '__client_uat=1; __session={expired}',
    expect: handshake(EXPIRED, { token: '{expired}', organization: 'org_acme' }),
  },
  {
    name: 'by id, while another is active',
    options,
    target: '/by-id/org_other?x=1',
    cookie: IN_ACME,
    expect: handshake(MISMATCH, { token: '{acme}', organization: 'org_other' }),
  },
  { name: 'by id, while it is active', options, target: '/by-id/org_acme', cookie: IN_ACME, expect: signedIn('acme') },
  {
    name: 'by slug, while none is active',
    options,
    target: '/by-slug/acme',
    cookie: PERSONAL,
    expect: handshake(MISMATCH, { token: '{active}', organization: 'acme' }),
  },
  {
    name: 'by slug in a longer path, while another is active',
    options,
    target: '/by-slug/other/settings',
    cookie: IN_ACME,
    expect: handshake(MISMATCH, { token: '{acme}', organization: 'other' }),
  },
  { name: 'by slug, while it is active', options, target: '/by-slug/acme', cookie: IN_ACME, expect: signedIn('acme') },
  {
    name: 'by slug in a longer path, while it is active',
    options,
    target: '/by-slug/acme/settings',
    cookie: IN_ACME,
    expect: signedIn('acme'),
  },
  {
    name: 'the personal account, while an organization is active',
    options,
    target: '/me',
    cookie: IN_ACME,
    expect: handshake(MISMATCH, { token: '{acme}', organization: '' }),
  },
  {
    name: 'the personal account, while no organization is active',
    options,
    target: '/me',
    cookie: PERSONAL,
    expect: signedIn('active'),
  },
  {
    name: 'a path that matches no pattern',
    options,
    target: '/by-name/acme',
    cookie: PERSONAL,
    expect: signedIn('active'),
  },
  {
    name: 'by id, without organizationSyncOptions',
    target: '/by-id/org_other',
    cookie: IN_ACME,
    expect: signedIn('acme'),
  },
  {
    name: 'by id, under a pattern without :id and :slug',
    options: { organizationSyncOptions: { organizationPatterns: ['/:route/by-id/(.*)'] } },
    target: '/by-id/org_other',
    cookie: IN_ACME,
    expect: signedIn('acme'),
  },
  {
    name: 'by id, without a session',
    options,
    target: '/by-id/org_acme',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'by id, in a fetch',
    options,
    headers: FETCH,
    target: '/by-id/org_acme',
    cookie: PERSONAL,
    expect: signedIn('active'),
  },
  {
    name: 'by id, in a form post',
    options,
    method: 'POST',
    target: '/by-id/org_acme',
    cookie: PERSONAL,
    expect: signedIn('active'),
  },
  ...[{}, NAVIGATION].map((headers) => ({
    name: `by id, with a header token ${headers === NAVIGATION ? 'on a navigation' : 'in a plain request'}`,
    options,
    headers: { ...headers, authorization: 'Bearer {active}' },
    target: '/by-id/org_acme',
    expect: signedIn('active'),
  })),
  {
    name: 'by id, with an expired header token',
    options,
    headers: { authorization: 'Bearer {expired}' },
    target: '/by-id/org_acme',
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'by id, still not active after 2 redirects',
    options,
    target: '/by-id/org_acme',
    cookie: `${PERSONAL}; __clerk_redirect_count=2`,
    expect: handshake(MISMATCH, { token: '{active}', organization: 'org_acme', count: 3 }),
  },
  {
    name: 'by id, still not active after 3 redirects',
    options,
    target: '/by-id/org_acme',
    cookie: `${PERSONAL}; __clerk_redirect_count=3`,
    expect: signedIn('active'),
  },
];

describeHandshakes('an organization in the URL', SITUATIONS);
