import { Controller, Get, Post } from '@nestjs/common';

import { Auth, Public, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Pages {
  @Get('page') page(@Auth('userId') userId: string) {
    return { userId };
  }
  @Post('page') change(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
}

const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

describe.each(PLATFORMS)('a browser on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform).clerk(clerk.options).controllers(Pages).start();
  });
  afterEach(() => clerk.recover());
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  /** The cookies that a response sets, as the next request sends them. */
  const cookiesSetBy = (headers: Headers) => ({
    cookie: headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; '),
  });

  it('is signed in by its cookies without a call to Clerk', async () => {
    const user = clerk.createUser();
    await app.withToken('/page', await clerk.sessionToken());
    const before = clerk.countRequests();
    const { status, body } = await app.send('/page', { ...NAVIGATION, cookie: await clerk.browserCookies({ user }) });
    expect([status, body.userId, clerk.countRequests() - before]).toEqual([200, user.id, 0]);
  });

  it.each(['nonce', 'token'] as const)(
    'is signed in after a handshake by %s, and redirected to the URL without the handshake',
    async (by) => {
      const user = clerk.createUser();
      const handshake = await clerk.createHandshake({ user });
      const parameter = { nonce: '__clerk_handshake_nonce', token: '__clerk_handshake' }[by];
      const back = await app.send(`/page?x=1&${parameter}=${handshake[by]}`, {
        ...NAVIGATION,
        cookie: '__clerk_db_jwt=d',
      });
      expect([back.status, back.headers.get('location')]).toEqual([307, '/page?x=1']);
      expect(back.headers.getSetCookie().length).toBeGreaterThan(3);
      expect(back.headers.get('access-control-allow-origin')).toBeNull();
      expect((await app.send('/page?x=1', { ...NAVIGATION, ...cookiesSetBy(back.headers) })).body).toEqual({
        userId: user.id,
      });
    },
  );

  it('gets signed-out cookies after a handshake that found no session', async () => {
    const { nonce } = await clerk.createHandshake(null);
    const back = await app.send(`/page?__clerk_handshake_nonce=${nonce}`, {
      ...NAVIGATION,
      cookie: '__clerk_db_jwt=d',
    });
    expect([back.status, back.headers.getSetCookie().join()]).toEqual([307, expect.stringContaining('__client_uat=0')]);
  });

  it('is not signed in by a used nonce, an unknown nonce or a handshake token of another instance', async () => {
    const { nonce } = await clerk.createHandshake({});
    const navigate = (query: string) => app.send(`/page?${query}`, { ...NAVIGATION, cookie: '__clerk_db_jwt=d' });
    await navigate(`__clerk_handshake_nonce=${nonce}`);
    const other = await LocalClerk.start();
    const { token } = await other.createHandshake({});
    await other.stop();
    for (const query of [
      `__clerk_handshake_nonce=${nonce}`,
      '__clerk_handshake_nonce=made-up',
      `__clerk_handshake=${token}`,
    ]) {
      const { status, headers } = await navigate(query);
      expect(status).not.toBe(200);
      expect(headers.getSetCookie().join()).not.toMatch(/__session(_[\w-]+)?=ey/);
    }
  });

  it('gets the page and a fresh session token when its token has expired and its refresh token is valid', async () => {
    const user = clerk.createUser();
    const session = clerk.createSession({ user });
    const expired = { session, issuedAt: Math.floor(Date.now() / 1000) - 120 };
    const { status, headers, body } = await app.send('/page', {
      ...NAVIGATION,
      cookie: await clerk.browserCookies(expired),
    });
    expect([status, body.userId]).toEqual([200, user.id]);
    expect(headers.getSetCookie().filter((line) => /^__session(_[\w-]+)?=ey/.test(line))).toHaveLength(2);
    expect((await app.send('/page', { ...NAVIGATION, ...cookiesSetBy(headers) })).body).toEqual({ userId: user.id });
  });

  it('is redirected to a handshake when its token has expired and its session was revoked', async () => {
    const session = clerk.createSession({ user: clerk.createUser() });
    const cookie = await clerk.browserCookies({ session, issuedAt: Math.floor(Date.now() / 1000) - 120 });
    clerk.revoke(session);
    const { status, headers } = await app.send('/page', { ...NAVIGATION, cookie });
    expect([status, new URL(headers.get('location')!).pathname]).toEqual([307, '/v1/client/handshake']);
  });

  it('gets 401 for a POST with an expired token, which Clerk does not refresh', async () => {
    const cookie = await clerk.browserCookies({ issuedAt: Math.floor(Date.now() / 1000) - 120 });
    const { status, headers, body } = await app.send('/page', { ...NAVIGATION, cookie }, 'POST');
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'token-expired' });
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('is redirected to a handshake when its refresh token belongs to another session', async () => {
    const cookie = await clerk.browserCookies({ issuedAt: Math.floor(Date.now() / 1000) - 120 });
    const theirs = /__refresh_[\w-]+=\w+/.exec(await clerk.browserCookies({}))![0];
    const stolen = cookie.replace(/__refresh_[\w-]+=\w+/, theirs);
    expect((await app.send('/page', { ...NAVIGATION, cookie: stolen })).status).toBe(307);
  });
});
