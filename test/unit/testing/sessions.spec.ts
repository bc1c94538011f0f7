import { verifyToken, type ClerkClient } from '@clerk/backend';
import type { SignedInAuthObject } from '@clerk/backend/internal';

import { LocalClerk } from '../../../lib/testing/index.js';
import { bearing, call, clerkError, decoded, sdkOf } from './support.js';

describe('sessions of the local Clerk', () => {
  let clerk: LocalClerk;
  let sdk: ClerkClient;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    sdk = sdkOf(clerk);
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const notFound = clerkError(404, 'resource_not_found');

  it('are returned without internal fields of the local Clerk', async () => {
    const session = clerk.createSession({ user: clerk.createUser(), actor: { sub: 'user_2' }, features: ['x'] });
    const got = await sdk.sessions.getSession(session.id);
    expect(got).toMatchObject({ id: session.id, status: 'active', actor: { sub: 'user_2' } });
    expect(got.expireAt).toBeGreaterThan(Date.now());
    expect((await call(clerk, `/v1/sessions/${session.id}`)).json).not.toHaveProperty('claimed');
  });

  it('are listed newest first, and filtered by user, client and status', async () => {
    const user = clerk.createUser();
    const first = clerk.createSession({ user });
    const ended = clerk.createSession({ user, status: 'ended' });
    const other = clerk.createSession({ user: clerk.createUser() });
    const listed = async (params?: object) => (await sdk.sessions.getSessionList(params)).data.map(({ id }) => id);
    expect(await listed()).toEqual([other.id, ended.id, first.id]);
    expect(await listed({ userId: user.id })).toEqual([ended.id, first.id]);
    expect(await listed({ userId: user.id, status: 'active' })).toEqual([first.id]);
    expect(await listed({ clientId: other.client_id })).toEqual([other.id]);
    expect(await sdk.sessions.getSessionList({ limit: 1 })).toMatchObject({ totalCount: 3 });
    expect((await call(clerk, '/v1/sessions?limit=2')).json).toHaveLength(2);
  });

  it('can be created over HTTP, and not without a user or with unknown IDs', async () => {
    const { id: userId } = clerk.createUser();
    expect(await sdk.sessions.createSession({ userId })).toMatchObject({ userId, status: 'active' });
    const make = (body: object) => call(clerk, '/v1/sessions', { method: 'POST', body: JSON.stringify(body) });
    const { id } = clerk.createOrganization();
    const active = await make({ user_id: userId, active_organization_id: id });
    expect(active.json.last_active_organization_id).toBe(id);
    expect((await make({})).status).toBe(422);
    expect((await make({ user_id: 'user_x' })).status).toBe(404);
    expect((await make({ user_id: userId, active_organization_id: 'org_x' })).status).toBe(404);
  });

  it('issue tokens until they are revoked', async () => {
    const user = clerk.createUser();
    const organization = clerk.createOrganization();
    clerk.addMember({ organization, user, role: 'org:admin', permissions: ['org:a:b'] });
    const { id } = clerk.createSession({ user, organization });
    const { jwt } = await sdk.sessions.getToken(id);
    // Only a frontend has an origin: `authorizedParties` denies such a token, as Clerk does.
    expect(decoded(jwt).claims).not.toHaveProperty('azp');
    const state = await sdk.authenticateRequest(bearing(jwt));
    expect(state.toAuth()).toMatchObject({ userId: user.id, sessionId: id, orgRole: 'org:admin' });
    const { claims } = decoded((await sdk.sessions.getToken(id, undefined, 300)).jwt);
    expect(claims.exp).toBe(claims.iat + 300);

    expect((await sdk.sessions.revokeSession(id)).status).toBe('revoked');
    await expect(sdk.sessions.getToken(id)).rejects.toEqual(notFound);
    await expect(sdk.sessions.revokeSession(id)).rejects.toEqual(notFound);
    await expect(sdk.sessions.getSession('sess_x')).rejects.toEqual(notFound);

    const second = clerk.createSession({ user });
    clerk.revoke(second);
    await expect(sdk.sessions.getToken(second.id)).rejects.toEqual(notFound);
  });

  it.each([0, -60, 1, 29, 30.5, 315_360_001])('reject a token lifetime of %d seconds with 422', async (seconds) => {
    const session = clerk.createSession({ user: clerk.createUser() });
    clerk.createJwtTemplate({ name: 'supabase' });
    const malformed = clerkError(422, 'form_param_format_invalid');
    const body = JSON.stringify({ expires_in_seconds: seconds });
    for (const path of ['tokens', 'tokens/supabase']) {
      const answer = await call(clerk, `/v1/sessions/${session.id}/${path}`, { method: 'POST', body });
      expect(answer).toMatchObject({ status: 422, json: { errors: [{ code: 'form_param_format_invalid' }] } });
    }
    await expect(sdk.sessions.getToken(session.id, undefined, seconds)).rejects.toEqual(malformed);
  });

  it('accept a token lifetime of 30 seconds', async () => {
    const { id } = clerk.createSession({ user: clerk.createUser() });
    const { claims } = decoded((await sdk.sessions.getToken(id, undefined, 30)).jwt);
    expect(claims.exp - claims.iat).toBe(30);
  });

  it('issue tokens of a JWT template, also through auth.getToken(), until they are revoked', async () => {
    const user = clerk.createUser();
    const session = clerk.createSession({ user });
    clerk.createJwtTemplate({ name: 'supabase', claims: { role: 'authenticated' }, lifetime: 120 });
    const state = await sdk.authenticateRequest(bearing(await clerk.sessionToken({ session })));
    const { getToken } = state.toAuth() as SignedInAuthObject;
    const jwt = await getToken({ template: 'supabase' });
    expect(decoded(jwt!).claims).toMatchObject({ sub: user.id, role: 'authenticated' });
    await expect(verifyToken(jwt!, { jwtKey: clerk.jwtKey })).resolves.toBeDefined();
    const { claims } = decoded((await sdk.sessions.getToken(session.id, 'supabase', 60)).jwt);
    expect(claims.exp).toBe(claims.iat + 60);
    await expect(getToken({ template: 'firebase' })).rejects.toEqual(notFound);
    clerk.revoke(session);
    await expect(getToken({ template: 'supabase' })).rejects.toEqual(notFound);
  });

  it('use JWT templates that can be listed and read', async () => {
    const template = clerk.createJwtTemplate({ name: 'supabase', claims: { role: 'x' } });
    clerk.createJwtTemplate({ name: 'hasura' });
    expect(await sdk.jwtTemplates.list()).toMatchObject({
      totalCount: 2,
      data: [{ name: 'supabase' }, { name: 'hasura' }],
    });
    expect(await sdk.jwtTemplates.get(template.id)).toMatchObject({ claims: { role: 'x' }, lifetime: 60 });
    await expect(sdk.jwtTemplates.get('jtmp_x')).rejects.toEqual(notFound);
  });
});
