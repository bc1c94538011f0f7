import { createClerkClient } from '@clerk/backend';

import { LocalClerk, type InstanceType } from '../../../lib/testing/index.js';

const APP = 'http://127.0.0.1:4000';
const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

describe('the Frontend API of the local Clerk', () => {
  let clerk: LocalClerk;
  afterEach(() => clerk?.stop());

  const start = async (instanceType?: InstanceType) => (clerk = await LocalClerk.start({ instanceType }));

  const call = async (path: string, { form, ...init }: RequestInit & { form?: Record<string, string> } = {}) => {
    const answer = await fetch(new URL(path, clerk.url), {
      redirect: 'manual',
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
      ...init,
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined;
    const header = answer.headers.get('location');
    const location = header === null ? null : new URL(header);
    return { status: answer.status, headers: answer.headers, text, json, location };
  };
  const devBrowser = async (): Promise<string> => (await call('/v1/dev_browser', { method: 'POST' })).json.id;
  const signIn = (token: string, user: { id: string }, more: Record<string, string> = {}) =>
    call('/sign-in', { form: { __clerk_db_jwt: token, user: user.id, ...more } });
  const handshake = (token: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) => {
    const query = { redirect_url: `${APP}/page`, format: 'nonce', __clerk_db_jwt: token, ...more };
    return call(`/v1/client/handshake?${new URLSearchParams(query)}`, { headers });
  };
  /** The result of Clerk's SDK for a document navigation. */
  const navigate = (url: URL, cookie = '') =>
    createClerkClient(clerk.options).authenticateRequest(new Request(url, { headers: { ...NAVIGATION, cookie } }));
  const cookiesOf = (headers: Headers) =>
    headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');

  it('signs in a browser from its first visit through handshakes and the sign-in page', async () => {
    await start();
    const ada = clerk.createUser({ firstName: 'Ada' });
    const first = await navigate(new URL(`${APP}/page`));
    expect(first).toMatchObject({ status: 'handshake', reason: 'dev-browser-missing' });
    const handshakeUrl = first.headers.get('location')!;
    expect(handshakeUrl).toMatch(`${clerk.url}/v1/client/handshake?`);
    const back = await call(handshakeUrl);
    expect(back.status).toBe(307);
    const unknown = await navigate(back.location as URL);
    expect(unknown.toAuth()).toMatchObject({ isAuthenticated: false });
    const token = /__clerk_db_jwt=(\w+)/.exec(cookiesOf(unknown.headers))![1]!;

    const page = await call(
      `/sign-in?${new URLSearchParams({ redirect_url: `${APP}/page?x=1`, __clerk_db_jwt: token })}`,
    );
    expect(page.text).toContain(`value="${ada.id}">Ada<`);
    expect(page.text).toContain(`name="__clerk_db_jwt" value="${token}"`);
    const signedIn = await signIn(token, ada, { redirect_url: `${APP}/page?x=1` });
    expect([signedIn.status, signedIn.location!.href]).toEqual([303, `${APP}/page?x=1&__clerk_db_jwt=${token}`]);

    const synced = await navigate(signedIn.location as URL, cookiesOf(unknown.headers));
    expect(synced).toMatchObject({ status: 'handshake', reason: 'dev-browser-sync' });
    const known = await navigate((await call(synced.headers.get('location')!)).location as URL);
    expect(known.toAuth()).toMatchObject({ userId: ada.id, sessionClaims: { azp: APP } });
    const settled = await navigate(new URL(`${APP}/page?x=1`), cookiesOf(known.headers));
    expect(settled).toMatchObject({ status: 'signed-in' });
  });

  it('identifies browsers of a production instance by the cookie __client instead of __clerk_db_jwt', async () => {
    await start('production');
    const ada = clerk.createUser();
    expect(clerk.publishableKey).toMatch(/^pk_live_/);
    const signedIn = await signIn('', ada, { redirect_url: `${APP}/page` });
    expect(signedIn.location!.href).toBe(`${APP}/page`);
    const cookies = cookiesOf(signedIn.headers);
    expect(cookies).toMatch(/__client=\w+; __client_uat=\d+; __client_uat_[\w-]+=\d+/);

    const first = await navigate(new URL(`${APP}/page`), cookies);
    expect(first).toMatchObject({ status: 'handshake', reason: 'client-uat-but-no-session-token' });
    const back = await call(first.headers.get('location')!, { headers: { cookie: cookies } });
    expect(back.location!.href).toBe(`${APP}/page`);
    const known = await navigate(back.location as URL, `${cookies}; ${cookiesOf(back.headers)}`);
    expect(known.toAuth()).toMatchObject({ userId: ada.id });
    expect(known.headers.getSetCookie().join()).toContain('__clerk_handshake_nonce=; Path=/; SameSite=Lax; Max-Age=0');
    expect(known.headers.getSetCookie().join()).not.toContain('__clerk_db_jwt');
    expect(
      cookiesOf((await call('/sign-out', { form: { redirect_url: APP }, headers: { cookie: cookies } })).headers),
    ).toMatch(/__client_uat=0/);
  });

  it('redirects with a handshake token when format is token', async () => {
    await start();
    const { location } = await handshake(await devBrowser(), { format: 'token' });
    expect(location!.searchParams.get('__clerk_handshake')).toMatch(/^ey/);
  });

  it('activates the organization of a handshake, and none if the user is not a member', async () => {
    await start();
    const [ada, acme, globex] = [
      clerk.createUser(),
      clerk.createOrganization({ slug: 'acme' }),
      clerk.createOrganization({ slug: 'globex' }),
    ];
    for (const organization of [acme, globex]) clerk.addMember({ organization, user: ada });
    clerk.createOrganization({ slug: 'foreign' });
    const token = await devBrowser();
    await signIn(token, ada);
    const active = async (organization_id?: string) => {
      const { location } = await handshake(token, organization_id === undefined ? {} : { organization_id });
      return (await navigate(location as URL)).toAuth();
    };
    expect(await active()).toMatchObject({ orgSlug: 'acme' });
    expect(await active('globex')).toMatchObject({ orgSlug: 'globex' });
    expect(await active(acme.id)).toMatchObject({ orgSlug: 'acme' });
    for (const none of ['', 'foreign']) expect(await active(none)).toMatchObject({ userId: ada.id, orgId: undefined });
  });

  it('redirects satellites with __clerk_synced=true, and others without it', async () => {
    await start();
    const { location } = await handshake('', { __clerk_hs_reason: 'satellite-needs-syncing' });
    expect(location!.searchParams.get('__clerk_synced')).toBe('true');
    expect((await handshake('')).location!.searchParams.has('__clerk_synced')).toBe(false);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/relative', ''])(
    'returns 422 without a redirect for the redirect_url %j',
    async (redirect_url) => {
      await start();
      expect(await handshake('', { redirect_url })).toMatchObject({ status: 422, location: null });
      expect(await call(`/sign-in?${new URLSearchParams({ redirect_url })}`)).toMatchObject({
        status: 422,
        location: null,
      });
      const ada = clerk.createUser();
      if (redirect_url) expect(await signIn('', ada, { redirect_url })).toMatchObject({ status: 422, location: null });
    },
  );

  it('lets a page on another origin fetch tokens, switch organizations and sign out', async () => {
    await start();
    const ada = clerk.createUser();
    const acme = clerk.createOrganization({ slug: 'acme' });
    clerk.addMember({ organization: acme, user: ada });
    const token = await devBrowser();
    await signIn(token, ada);
    const origin = 'http://frontend.test';
    const ask = (path: string, init: Parameters<typeof call>[1] = {}) =>
      call(`/v1/client${path}?__clerk_db_jwt=${token}`, { headers: { origin }, ...init });

    const { headers, json } = await ask('');
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    const [session] = json.response.sessions;
    expect(session).toMatchObject({ status: 'active', user: { id: ada.id }, last_active_organization_id: acme.id });
    const { jwt } = (await ask(`/sessions/${session.id}/tokens`, { method: 'POST' })).json;
    const bearing = { headers: { authorization: `Bearer ${jwt}` } };
    const state = await createClerkClient(clerk.options).authenticateRequest(new Request(APP, bearing));
    expect(state.toAuth()).toMatchObject({ userId: ada.id, orgSlug: 'acme', sessionClaims: { azp: origin } });

    const personal = await ask(`/sessions/${session.id}/touch`, { form: { active_organization_id: '' } });
    expect(personal.json.response.last_active_organization_id).toBeUndefined();
    expect(await ask('/sessions/sess_other/tokens', { method: 'POST' })).toMatchObject({ status: 404 });
    expect((await ask(`/sessions/${session.id}/remove`, { method: 'POST' })).json.response.sessions).toEqual([]);
    expect(await ask(`/sessions/${session.id}/tokens`, { method: 'POST' })).toMatchObject({ status: 404 });
    expect((await ask('')).json.response).toMatchObject({ sessions: [], last_active_session_id: null });
    expect(await ask('/sessions', { method: 'DELETE' })).toMatchObject({ status: 200 });
    expect(await call('/v1/client')).toMatchObject({ status: 401 });
    expect(await call('/v1/client', { method: 'OPTIONS', headers: { origin } })).toMatchObject({ status: 204 });
  });

  it('signs up and signs out users, escapes names, and rejects banned and unknown users with 422', async () => {
    await start();
    const banned = clerk.createUser({ banned: true, firstName: 'Mallory' });
    expect((await call('/sign-in')).text).toContain('There are no users yet');
    for (const id of [banned.id, 'user_unknown']) expect(await signIn('', { id })).toMatchObject({ status: 422 });
    const token = await devBrowser();
    const up = await call('/sign-up', { form: { first_name: '<b>Eve</b>', __clerk_db_jwt: token } });
    expect(up.text).toContain('You are &#60;b&#62;Eve&#60;/b&#62;.');
    expect(await call('/sign-up', { form: { first_name: ' ' } })).toMatchObject({ status: 422 });
    expect((await call('/sign-out', { form: { __clerk_db_jwt: token } })).text).toContain('Signed out');
    expect((await call('/sign-up')).text).toContain('&#60;b&#62;Eve');
  });

  it('returns 401 for the Backend API without a key, 404 for unknown paths and 405 for wrong methods', async () => {
    await start();
    expect(await call('/v1/users')).toMatchObject({ status: 401 });
    expect(await call('/v1/client/unknown')).toMatchObject({ status: 404 });
    expect(await call('/v1/client/handshake', { method: 'PUT' })).toMatchObject({ status: 405 });
  });

  it('forgets browsers on reset()', async () => {
    await start();
    const token = await devBrowser();
    clerk.reset();
    expect(await call(`/v1/client?__clerk_db_jwt=${token}`)).toMatchObject({ status: 401 });
  });
});
