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

/** What `has()` is asked, and what it has to say of a caller who holds all of it. */
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

/** An auth object without its functions, and which functions those are. */
function shapeOf(auth: AuthObject) {
  const functions = Object.getOwnPropertyNames(auth).filter((name) => typeof auth[name as 'has'] === 'function');
  return { ...JSON.parse(JSON.stringify(auth)), functions: functions.sort() };
}

const ids = { userId: 'user_ada', sessionId: 'sess_ada' };
const acme = { orgId: 'org_acme', orgSlug: 'acme' };
/** Each as a test would write it, and what the same is to the local Clerk. */
const SESSIONS: Record<string, SignedInOptions> = {
  nobody: {},
  'a member': { ...acme, orgRole: 'org:member' },
  'an admin with permissions': {
    ...acme,
    orgRole: 'org:admin',
    permissions: ['org:invoices:create', 'org:invoices:read', 'org:reports:read', 'org:sys_memberships:read'],
  },
  'a subscriber': { ...acme, features: ['user:export', 'org:audit'], plans: ['user:pro', 'org:team'] },
  'a subscriber without organization': { features: ['user:export'], plans: ['user:pro'] },
  'somebody long ago': { factorVerificationAge: [600, -1] },
  'somebody with a second factor': { factorVerificationAge: [1, 1] },
  'an impersonator': { actor: { sub: 'user_support' } },
  'somebody with claims': { claims: { plan_seats: 5, metadata: { beta: true } } },
  'somebody with an open task': { sessionStatus: 'pending' },
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

  /** What Clerk makes of a real token. */
  async function authenticated(token: string): Promise<AuthObject> {
    const state = await sdkOf(clerk).authenticateRequest(bearing(token), { acceptsToken: 'any' });
    expect(state.isAuthenticated).toBe(true);
    return state.toAuth({ treatPendingAsSignedOut: false })!;
  }

  it.each(Object.entries(SESSIONS))('are to %s what Clerk makes of a real token', async (_, options) => {
    const { orgId, orgRole, orgSlug: __, ...rest } = options;
    const session = clerk.createSession({ id: ids.sessionId, user: ids.userId });
    const token = await clerk.sessionToken({ ...rest, session, organization: orgId, role: orgRole });
    const real = await authenticated(token);
    const built = signedIn({ ...ids, ...options });

    expect(answersOf(built)).toEqual(answersOf(real));
    const { iat, nbf, exp, ...claims } = (real as SignedInAuthObject).sessionClaims;
    expect(shapeOf(built)).toEqual({
      ...shapeOf(real),
      // Of another instance and time.
      sessionClaims: {
        ...claims,
        ...{ iat: expect.any(Number), nbf: expect.any(Number), exp: expect.any(Number) },
        ...{ jti: expect.stringMatching(/^\w{20}$/), iss: expect.stringMatching(/^https:/) },
      },
    });
    const { sessionClaims: made } = built;
    expect([made.exp - made.iat, made.iat - made.nbf!]).toEqual([exp - iat, iat - nbf!]);
  });

  it('answer as Clerk does, not yes to everything', () => {
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
    ['a slug', { orgSlug: 'acme' }],
    ['an organization’s plan', { plans: ['org:team'] }],
    ['a plan that does not say whose', { plans: ['team'] }],
    ['an organization’s feature', { features: ['org:audit'] }],
  ])('bring an organization along for %s', (_, options) => {
    expect(signedIn(options)).toMatchObject({
      orgId: expect.stringMatching(/^org_\w+$/),
      orgRole: expect.stringMatching(/^org:/),
    });
  });

  it('bring none along for what is the user’s own', () => {
    expect(signedIn({ plans: ['user:pro'], features: ['user:export'] }).orgId).toBeUndefined();
  });

  it('are somebody else each time, unless told', () => {
    const [one, other] = [signedIn(), signedIn()];
    expect(one.userId).toMatch(/^user_\w{27}$/);
    expect(one.userId).not.toBe(other.userId);
    expect(one.sessionId).not.toBe(other.sessionId);
  });

  it('let the claims have the last word', () => {
    const { sessionClaims } = signedIn({ claims: { azp: 'https://app.example.com', plan_seats: 5 } });
    expect(sessionClaims).toMatchObject({ azp: 'https://app.example.com', plan_seats: 5 });
  });

  it('are signed out as Clerk’s own', async () => {
    const state = await sdkOf(clerk).authenticateRequest(new Request('http://localhost:4000/'));
    expect(shapeOf(signedOut())).toEqual(shapeOf(state.toAuth()!));
    expect(answersOf(signedOut())).toEqual(QUESTIONS.map((question) => [question, false]));
  });

  it.each(['user_ada', 'org_acme'])('are to an API key of %s what Clerk makes of a real one', async (subject) => {
    const options = { subject, name: 'Reports', scopes: ['invoices:read'], claims: { tier: 'gold' } };
    const { id, secret } = clerk.createApiKey(options);
    const real = await authenticated(secret);
    expect(shapeOf(apiKey({ id, ...options }))).toEqual(shapeOf(real));
    expect(answersOf(apiKey())).toEqual(answersOf(real));
    expect(await apiKey({ token: secret }).getToken()).toBe(await (real.getToken as () => Promise<string>)());
  });

  it('are to a machine what Clerk makes of a real one', async () => {
    const machine = clerk.createMachine();
    const options = { scopes: ['mch_billing'], claims: { job: 'nightly' } };
    const { id, token } = await clerk.createM2MToken({ machine, ...options });
    expect(shapeOf(m2mToken({ id, machineId: machine.id, ...options }))).toEqual(shapeOf(await authenticated(token)));
  });

  it('are to an application what Clerk makes of a real one', async () => {
    const options = { clientId: 'client_1', scopes: ['profile'] };
    const { id, token } = await clerk.createOAuthToken({ user: ids.userId, ...options });
    expect(shapeOf(oauthToken({ id, userId: ids.userId, ...options }))).toEqual(shapeOf(await authenticated(token)));
    expect(oauthToken().scopes).toEqual((await clerk.createOAuthToken({ user: ids.userId })).scopes);
  });

  it('are shared and walked as those of a request are: frozen, their functions no serializer’s to call', () => {
    const claims = { metadata: { beta: true } };
    for (const auth of [signedIn({ claims }), signedOut(), apiKey({ claims }), m2mToken({ claims }), oauthToken()]) {
      expect(Object.isFrozen(auth)).toBe(true);
      expect(structuredClone(auth)).toEqual(JSON.parse(JSON.stringify(auth)));
      expect((auth.has as () => boolean)()).toBe(false);
    }
    // What was given is still the test's own.
    claims.metadata.beta = false;
  });

  it('refuse an API key of which Clerk could not tell whose it is', () => {
    const refusal = (() => {
      try {
        return apiKey({ subject: 'ada' });
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(ClerkTestingError);
    expect(refusal).toMatchObject({ name: 'ClerkTestingError', code: 'invalid-subject' });
  });

  it('give their token without asking anybody, for a template too', async () => {
    const token = randomUUID();
    const built = signedIn({ token });
    expect([await built.getToken(), await built.getToken({ template: 'hasura' })]).toEqual([token, token]);
    expect(await signedIn().getToken({ expiresInSeconds: 60 })).toBe('test_session_token');
    expect(await m2mToken().getToken()).toBe('test_m2m_token');
    expect(await signedOut().getToken()).toBeNull();
  });
});
