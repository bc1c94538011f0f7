import { createClerkClient } from '@clerk/backend';

import { LocalClerk } from '../../../lib/testing/index.js';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

describe('the local Clerk with browser sessions', () => {
  let clerk: LocalClerk;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());

  const client = () => createClerkClient(clerk.options);
  const ask = (headers: Record<string, string>, query = '') =>
    client().authenticateRequest(new Request(`http://localhost/page${query}`, { headers }));

  it('has cookies with which Clerk’s SDK signs in the given user, except for a pending session', async () => {
    const user = clerk.createUser();
    const organization = clerk.createOrganization({ slug: 'acme' });
    const state = await ask({ ...NAVIGATION, cookie: await clerk.browserCookies({ user, organization }) });
    expect(state.toAuth()).toMatchObject({ isAuthenticated: true, userId: user.id, orgSlug: 'acme' });
    expect((await ask({ cookie: await clerk.browserCookies() })).isAuthenticated).toBe(true);
    const pending = await ask({ cookie: await clerk.browserCookies({ sessionStatus: 'pending' }) });
    expect(pending.toAuth()).toMatchObject({ isAuthenticated: false, sessionStatus: 'pending' });
  });

  it('sets __client_uat to issuedAt', async () => {
    for (const issuedAt of [new Date('2020-01-01'), 1_577_836_800]) {
      expect(await clerk.browserCookies({ issuedAt })).toContain('__client_uat=1577836800');
    }
  });

  it.each(['nonce', 'token'] as const)('creates handshakes that Clerk’s SDK resolves by %s', async (by) => {
    const user = clerk.createUser();
    const parameter = { nonce: '__clerk_handshake_nonce', token: '__clerk_handshake' }[by];
    const { [by]: value } = await clerk.createHandshake({ user });
    const state = await ask({ ...NAVIGATION, cookie: '__clerk_db_jwt=d' }, `?${parameter}=${value}`);
    expect(state.toAuth()).toMatchObject({ userId: user.id });
    expect(state.headers.getSetCookie().join()).toContain('__session=ey');
  });

  it('accepts a handshake nonce once, and rejects an empty one with 422', async () => {
    const { nonce } = await clerk.createHandshake();
    expect(await client().clients.getHandshakePayload({ nonce })).toMatchObject({ directives: expect.any(Array) });
    await expect(client().clients.getHandshakePayload({ nonce })).rejects.toMatchObject({ status: 404 });
    await expect(client().clients.getHandshakePayload({ nonce: '' })).rejects.toMatchObject({ status: 422 });
  });

  it('creates handshakes without a session that remove the session cookies', async () => {
    const { nonce } = await clerk.createHandshake(null);
    const { directives } = await client().clients.getHandshakePayload({ nonce });
    expect(directives.join()).toMatch(/__session=; Path=\/; SameSite=Lax; Max-Age=0.*__client_uat=0/);
  });

  it('refreshes an active session only with its own refresh token, otherwise returns 401', async () => {
    const session = clerk.createSession({ user: clerk.createUser() });
    const refreshToken = /__refresh_[\w-]+=(\w+)/.exec(await clerk.browserCookies({ session }))![1]!;
    const refresh = (id: string, refresh_token: string) =>
      client().sessions.refreshSession(id, {
        format: 'cookie',
        refresh_token,
        expired_token: 'x',
        request_origin: 'http://localhost',
      });
    expect((await refresh(session.id, refreshToken)).cookies.join()).toContain('__session=ey');
    await expect(refresh(session.id, 'made-up')).rejects.toMatchObject({ status: 401 });
    await expect(refresh('sess_unknown', refreshToken)).rejects.toMatchObject({ status: 401 });
    clerk.revoke(session);
    await expect(refresh(session.id, refreshToken)).rejects.toMatchObject({ status: 401 });
    clerk.reset();
    await expect(refresh(session.id, refreshToken)).rejects.toMatchObject({ status: 401 });
  });
});
