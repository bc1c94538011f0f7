import { randomUUID } from 'node:crypto';

import type { AuthObject } from '@clerk/backend';
import type { SignedInAuthObject } from '@clerk/backend/internal';

import {
  apiKey,
  ClerkTestingError,
  LocalClerk,
  m2mToken,
  oauthToken,
  signedIn,
  signedOut,
  type SignedInOptions,
} from '../../../lib/testing/index.js';
import { bearing, sdkOf } from './support.js';

/** The arguments of `has()` that are compared. */
const QUESTIONS = [
  { permission: 'org:invoices:create' },
  { permission: 'org:invoices:read' },
  { permission: 'org:reports:create' },
  { permission: 'org:sys_memberships:read' },
  { role: 'org:admin' },
  { role: 'org:member' },
  { feature: 'org:invoices' },
  { feature: 'user:export' },
  { feature: 'org:export' },
  { plan: 'user:pro' },
  { plan: 'org:team' },
  { plan: 'pro' },
  { plan: 'enterprise' },
  { reverification: 'strict' },
  { reverification: 'strict_mfa' },
  { role: 'org:admin', reverification: 'lax' },
] as const;

const answersOf = ({ has }: AuthObject) =>
  QUESTIONS.map((question) => [question, (has as (params: object) => boolean)(question)]);

/** An auth object without its functions, and the names of those functions. */
function shapeOf(auth: AuthObject) {
  const functions = Object.getOwnPropertyNames(auth).filter((name) => typeof auth[name as 'has'] === 'function');
  return { ...JSON.parse(JSON.stringify(auth)), functions: functions.sort() };
}

const ids = { userId: 'user_ada', sessionId: 'sess_ada' };
const acme = { orgId: 'org_acme', orgSlug: 'acme' };
/** Options of signedIn(); the local Clerk creates real tokens from the same options. */
const SESSIONS: Record<string, SignedInOptions> = {
  'no options': {},
  'a member': { ...acme, orgRole: 'org:member' },
  'an admin with permissions': {
    ...acme,
    orgRole: 'org:admin',
    permissions: ['org:invoices:create', 'org:invoices:read', 'org:reports:read', 'org:sys_memberships:read'],
  },
  'a subscriber': { ...acme, features: ['user:export', 'org:audit'], plans: ['user:pro', 'org:team'] },
  'a subscriber without an organization': { features: ['user:export'], plans: ['user:pro'] },
  'a sign-in 600 minutes ago': { factorVerificationAge: [600, -1] },
  'a second factor': { factorVerificationAge: [1, 1] },
  'an impersonator': { actor: { sub: 'user_support' } },
  'custom claims': { claims: { plan_seats: 5, metadata: { beta: true } } },
  'a pending session': { sessionStatus: 'pending' },
};

describe('auth objects for tests', () => {
  let clerk: LocalClerk;
  beforeAll(async () => (clerk = await LocalClerk.start()));
  afterAll(() => clerk.stop());
  beforeEach(() => {
    clerk.reset();
    clerk.createUser({ id: ids.userId });
    clerk.createOrganization({ id: acme.orgId, slug: acme.orgSlug });
  });

  /** The auth object that Clerk's SDK creates from a real token. */
  async function authenticated(token: string): Promise<AuthObject> {
    const state = await sdkOf(clerk).authenticateRequest(bearing(token), { acceptsToken: 'any' });
    expect(state.isAuthenticated).toBe(true);
    return state.toAuth({ treatPendingAsSignedOut: false })!;
  }

  it.each(Object.entries(SESSIONS))(
    'of signedIn() with %s equal Clerk’s own for the same real token',
    async (_, options) => {
      const { orgId, orgRole, orgSlug: __, ...rest } = options;
      const session = clerk.createSession({ id: ids.sessionId, user: ids.userId });
      const token = await clerk.sessionToken({ ...rest, session, organization: orgId, role: orgRole });
      const real = await authenticated(token);
      const built = signedIn({ ...ids, ...options });

      expect(answersOf(built)).toEqual(answersOf(real));
      const { iat, nbf, exp, ...claims } = (real as SignedInAuthObject).sessionClaims;
      expect(shapeOf(built)).toEqual({
        ...shapeOf(real),
        // These differ by instance and time.
        sessionClaims: {
          ...claims,
          ...{ iat: expect.any(Number), nbf: expect.any(Number), exp: expect.any(Number) },
          ...{ jti: expect.stringMatching(/^\w{20}$/), iss: expect.stringMatching(/^https:/) },
        },
      });
      const { sessionClaims: made } = built;
      expect([made.exp - made.iat, made.iat - made.nbf!]).toEqual([exp - iat, iat - nbf!]);
    },
  );

  it('of signedIn() return false from has() for rights that were not given', () => {
    const { has } = signedIn({ permissions: ['org:invoices:create'], orgRole: 'org:admin', plans: ['user:pro'] });
    expect([
      has({ permission: 'org:invoices:create' }),
      has({ permission: 'org:invoices:read' }),
      has({ role: 'org:admin' }),
      has({ role: 'org:member' }),
      has({ plan: 'user:pro' }),
      has({ plan: 'user:team' }),
      has({ feature: 'org:invoices' }),
      has({ feature: 'org:reports' }),
      has({ reverification: 'strict' }),
      has({ reverification: { level: 'second_factor', afterMinutes: 10 } }),
    ]).toEqual([true, false, true, false, true, false, true, false, true, true]);
    expect(signedIn({ factorVerificationAge: [11, -1] }).has({ reverification: 'strict' })).toBe(false);
  });

  it.each<[string, SignedInOptions]>([
    ['a permission', { permissions: ['org:invoices:create'] }],
    ['a role', { orgRole: 'org:admin' }],
    ['an organization slug', { orgSlug: 'acme' }],
    ['an organization’s plan', { plans: ['org:team'] }],
    ['a plan without a scope', { plans: ['team'] }],
    ['an organization’s feature', { features: ['org:audit'] }],
  ])('of signedIn() with %s have an organization by default', (_, options) => {
    expect(signedIn(options)).toMatchObject({
      orgId: expect.stringMatching(/^org_\w+$/),
      orgRole: expect.stringMatching(/^org:/),
    });
  });

  it('of signedIn() with plans and features of the user have no organization', () => {
    expect(signedIn({ plans: ['user:pro'], features: ['user:export'] }).orgId).toBeUndefined();
  });

  it('of signedIn() have a new user ID and session ID for each call', () => {
    const [one, other] = [signedIn(), signedIn()];
    expect(one.userId).toMatch(/^user_\w{27}$/);
    expect(one.userId).not.toBe(other.userId);
    expect(one.sessionId).not.toBe(other.sessionId);
  });

  it('of signedIn() take claims given explicitly over the default ones', () => {
    const { sessionClaims } = signedIn({ claims: { azp: 'https://app.example.com', plan_seats: 5 } });
    expect(sessionClaims).toMatchObject({ azp: 'https://app.example.com', plan_seats: 5 });
  });

  it('of signedOut() equal Clerk’s own for a request without credentials', async () => {
    const state = await sdkOf(clerk).authenticateRequest(new Request('http://localhost:4000/'));
    expect(shapeOf(signedOut())).toEqual(shapeOf(state.toAuth()!));
    expect(answersOf(signedOut())).toEqual(QUESTIONS.map((question) => [question, false]));
  });

  it.each(['user_ada', 'org_acme'])('of apiKey() for %s equal Clerk’s own for a real API key', async (subject) => {
    const options = { subject, name: 'Reports', scopes: ['invoices:read'], claims: { tier: 'gold' } };
    const { id, secret } = clerk.createApiKey(options);
    const real = await authenticated(secret);
    expect(shapeOf(apiKey({ id, ...options }))).toEqual(shapeOf(real));
    expect(answersOf(apiKey())).toEqual(answersOf(real));
    expect(await apiKey({ token: secret }).getToken()).toBe(await (real.getToken as () => Promise<string>)());
  });

  it('of m2mToken() equal Clerk’s own for a real M2M token', async () => {
    const machine = clerk.createMachine();
    const options = { scopes: ['mch_billing'], claims: { job: 'nightly' } };
    const { id, token } = await clerk.createM2MToken({ machine, ...options });
    expect(shapeOf(m2mToken({ id, machineId: machine.id, ...options }))).toEqual(shapeOf(await authenticated(token)));
  });

  it('of oauthToken() equal Clerk’s own for a real OAuth token', async () => {
    const options = { clientId: 'client_1', scopes: ['profile'] };
    const { id, token } = await clerk.createOAuthToken({ user: ids.userId, ...options });
    expect(shapeOf(oauthToken({ id, userId: ids.userId, ...options }))).toEqual(shapeOf(await authenticated(token)));
    expect(oauthToken().scopes).toEqual((await clerk.createOAuthToken({ user: ids.userId })).scopes);
  });

  it('are frozen, can be cloned and serialized, and return false from has() without arguments', () => {
    const claims = { metadata: { beta: true } };
    for (const auth of [signedIn({ claims }), signedOut(), apiKey({ claims }), m2mToken({ claims }), oauthToken()]) {
      expect(Object.isFrozen(auth)).toBe(true);
      expect(structuredClone(auth)).toEqual(JSON.parse(JSON.stringify(auth)));
      expect((auth.has as () => boolean)()).toBe(false);
    }
    // The object that was passed in is not frozen.
    claims.metadata.beta = false;
  });

  it('of apiKey() for a subject that is no user or organization ID throw invalid-subject', () => {
    const thrown = (() => {
      try {
        return apiKey({ subject: 'ada' });
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(ClerkTestingError);
    expect(thrown).toMatchObject({ name: 'ClerkTestingError', code: 'invalid-subject' });
  });

  it('return the given token from getToken(), also for a template, without a call to Clerk', async () => {
    const token = randomUUID();
    const built = signedIn({ token });
    expect([await built.getToken(), await built.getToken({ template: 'hasura' })]).toEqual([token, token]);
    expect(await signedIn().getToken({ expiresInSeconds: 60 })).toBe('test_session_token');
    expect(await m2mToken().getToken()).toBe('test_m2m_token');
    expect(await signedOut().getToken()).toBeNull();
  });
});
