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
const OTHER = 'active-organization-mismatch';
const IN_NONE = '__client_uat=1; __session={active}';
const IN_ACME = '__client_uat=1; __session={acme}';

const BY_ID = { organizationPatterns: ['/:route/by-id/:id', '/:route/by-id/:id/(.*)'] };
const PATTERNS = {
  organizationPatterns: [...BY_ID.organizationPatterns, '/:route/by-slug/:slug', '/:route/by-slug/:slug/(.*)'],
  personalAccountPatterns: ['/:route/me', '/:route/me/(.*)'],
};
const options = { organizationSyncOptions: PATTERNS };

/** URLs name an organization, which a handshake makes the active one. `org_acme` is called `acme`. */
const SITUATIONS: Situation[] = [
  {
    name: 'by id, with none active',
    options: { organizationSyncOptions: BY_ID },
    target: '/by-id/org_acme',
    cookie: IN_NONE,
    expect: handshake(OTHER, { token: '{active}', organization: 'org_acme' }),
  },
  {
    name: 'by id, with none active in a session that is expired',
    options,
    target: '/by-id/org_acme',
    cookie: '__client_uat=1; __session={expired}',
    expect: handshake(EXPIRED, { token: '{expired}', organization: 'org_acme' }),
  },
  {
    name: 'by id, with another active',
    options,
    target: '/by-id/org_other?x=1',
    cookie: IN_ACME,
    expect: handshake(OTHER, { token: '{acme}', organization: 'org_other' }),
  },
  { name: 'by id, the active one', options, target: '/by-id/org_acme', cookie: IN_ACME, expect: signedIn('acme') },
  {
    name: 'by slug, with none active',
    options,
    target: '/by-slug/acme',
    cookie: IN_NONE,
    expect: handshake(OTHER, { token: '{active}', organization: 'acme' }),
  },
  {
    name: 'by slug, below it, with another active',
    options,
    target: '/by-slug/other/settings',
    cookie: IN_ACME,
    expect: handshake(OTHER, { token: '{acme}', organization: 'other' }),
  },
  { name: 'by slug, the active one', options, target: '/by-slug/acme', cookie: IN_ACME, expect: signedIn('acme') },
  {
    name: 'by slug, below the active one',
    options,
    target: '/by-slug/acme/settings',
    cookie: IN_ACME,
    expect: signedIn('acme'),
  },
  {
    name: 'personal account, with an organization active',
    options,
    target: '/me',
    cookie: IN_ACME,
    expect: handshake(OTHER, { token: '{acme}', organization: '' }),
  },
  { name: 'personal account, with none active', options, target: '/me', cookie: IN_NONE, expect: signedIn('active') },
  { name: 'named by no pattern', options, target: '/by-name/acme', cookie: IN_NONE, expect: signedIn('active') },
  { name: 'named without options', target: '/by-id/org_other', cookie: IN_ACME, expect: signedIn('acme') },
  {
    name: 'named by a pattern without id and slug',
    options: { organizationSyncOptions: { organizationPatterns: ['/:route/by-id/(.*)'] } },
    target: '/by-id/org_other',
    cookie: IN_ACME,
    expect: signedIn('acme'),
  },
  {
    name: 'asked for by nobody',
    options,
    target: '/by-id/org_acme',
    expect: signedOut('session-token-and-uat-missing'),
  },
  {
    name: 'asked for by a program',
    options,
    headers: FETCH,
    target: '/by-id/org_acme',
    cookie: IN_NONE,
    expect: signedIn('active'),
  },
  {
    name: 'asked for by a form',
    options,
    method: 'POST',
    target: '/by-id/org_acme',
    cookie: IN_NONE,
    expect: signedIn('active'),
  },
  ...[{}, NAVIGATION].map((headers) => ({
    name: `asked for with a token in a header ${headers === NAVIGATION ? 'of a navigation' : ''}`.trim(),
    options,
    headers: { ...headers, authorization: 'Bearer {active}' },
    target: '/by-id/org_acme',
    expect: signedIn('active'),
  })),
  {
    name: 'asked for with an expired token in a header',
    options,
    headers: { authorization: 'Bearer {expired}' },
    target: '/by-id/org_acme',
    expect: signedOut(EXPIRED, 'token-expired'),
  },
  {
    name: 'not activated at the second try',
    options,
    target: '/by-id/org_acme',
    cookie: `${IN_NONE}; __clerk_redirect_count=2`,
    expect: handshake(OTHER, { token: '{active}', organization: 'org_acme', count: 3 }),
  },
  {
    name: 'not activated at the third try, and let be',
    options,
    target: '/by-id/org_acme',
    cookie: `${IN_NONE}; __clerk_redirect_count=3`,
    expect: signedIn('active'),
  },
];

describeHandshakes('organizations in URLs', SITUATIONS);
