import type { User } from '@clerk/backend';
import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, ClerkModule, CurrentUser, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('me') me(@CurrentUser() user: User) {
    return {
      id: user.id,
      name: user.fullName,
      email: user.primaryEmailAddress?.emailAddress,
      tier: user.publicMetadata.tier,
    };
  }
  @Get('spoil') spoil(@CurrentUser() user: User) {
    (user as { firstName: string | null }).firstName = 'Mallory';
    user.publicMetadata.tier = 'stolen';
    user.emailAddresses.length = 0;
    (user.raw as { first_name: string }).first_name = 'Mallory';
    return {};
  }
  @Get('strict') strict() {}
  @Get('api-key') @AcceptsToken('api_key') apiKey() {}
}

describe.each(PLATFORMS)('an application with @CurrentUser() on %s', (_, platform) => {
  let clerk: LocalClerk;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    clerk.recover();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
  afterAll(() => clerk?.stop());

  async function start(options: ClerkModuleOptions = {}): Promise<TestApp> {
    const app = await TestApp.on(platform)
      .clerk({ ...clerk.options, ...options })
      .controllers(Routes)
      .start();
    apps.push(app);
    return app;
  }
  async function signIn() {
    const user = clerk.createUser({ firstName: 'Ada', lastName: 'Lovelace', publicMetadata: { tier: 'gold' } });
    const countLoads = () => clerk.countRequests(`/v1/users/${user.id}`);
    return { user, countLoads, token: await clerk.sessionToken({ user }) };
  }

  it('loads the user once for consecutive requests, and passes the whole user to each', async () => {
    const app = await start();
    const { user, token, countLoads } = await signIn();
    const first = await app.withToken('/me', token);
    expect(first).toMatchObject({ status: 200, body: { id: user.id, name: 'Ada Lovelace', tier: 'gold' } });
    expect((await app.withToken('/me', token)).body).toEqual(first.body);
    expect(countLoads()).toBe(1);
  });

  it('loads the user once for many concurrent requests', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.withToken('/me', token)));
    expect(answers.map(({ body }) => body.name)).toEqual(Array(20).fill('Ada Lovelace'));
    expect(countLoads()).toBe(1);
  });

  it('loads the user again after ten seconds', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    await app.withToken('/me', token);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
    await app.withToken('/me', token);
    expect(countLoads()).toBe(2);
  });

  it('loads the user for every request if currentUserCache is false', async () => {
    const app = await start({ currentUserCache: false });
    const { token, countLoads } = await signIn();
    await Promise.all([app.withToken('/me', token), app.withToken('/me', token)]);
    await app.withToken('/me', token);
    expect(countLoads()).toBe(3);
  });

  it('caches no more users than maxEntries', async () => {
    const app = await start({ currentUserCache: { maxEntries: 1 } });
    const [one, other] = [await signIn(), await signIn()];
    for (const { token } of [one, other, one]) await app.withToken('/me', token);
    expect([one.countLoads(), other.countLoads()]).toEqual([2, 1]);
  });

  it('does not show a request what earlier requests changed in their user objects', async () => {
    const app = await start();
    const { token } = await signIn();
    const before = await app.withToken('/me', token);
    for (const path of ['/spoil', '/spoil']) await app.withToken(path, token);
    expect((await app.withToken('/me', token)).body).toEqual(before.body);
  });

  it('does not show a request what concurrent requests change in their user objects', async () => {
    const app = await start();
    const { token } = await signIn();
    const [, , seen] = await Promise.all(['/spoil', '/spoil', '/me'].map((path) => app.withToken(path, token)));
    expect(seen!.body).toMatchObject({ name: 'Ada Lovelace', tier: 'gold' });
  });

  it('does not show a cached user of one tenant to another tenant with a user of the same id', async () => {
    const other = await LocalClerk.start();
    try {
      const id = 'user_2abcdefghijklmnopqrstuvwxyz';
      const tenants = [clerk, other];
      for (const [index, { createUser }] of tenants.entries())
        createUser.call(tenants[index], { id, firstName: `Ada ${index}` });
      const resolveOptions = ({ headers }: { headers: Record<string, string> }) =>
        tenants[Number(headers['x-tenant'])]!.options;
      const app = await TestApp.on(platform)
        .imports(ClerkModule.forRoot({ resolveOptions }))
        .controllers(Routes)
        .start();
      apps.push(app);
      for (const index of [0, 1, 0, 1]) {
        const token = await tenants[index]!.sessionToken({ user: id });
        const { body } = await app.withToken('/me', token, { 'x-tenant': String(index) });
        expect([index, body.name]).toEqual([index, `Ada ${index}`]);
      }
    } finally {
      await other.stop();
    }
  });

  it('returns 401 for an expired session of a cached user', async () => {
    const app = await start();
    const { user, token } = await signIn();
    await app.withToken('/me', token);
    const expired = await clerk.sessionToken({ user, issuedAt: Math.floor(Date.now() / 1000) - 120 });
    expect((await app.withToken('/me', expired)).status).toBe(401);
  });

  it('returns 404 for a user that does not exist, and does not cache that', async () => {
    const app = await start();
    const { user, token, countLoads } = await signIn();
    clerk.outage({ status: 404 }, `/v1/users/${user.id}`);
    expect((await app.withToken('/me', token)).body.code).toBe('user-not-found');
    clerk.recover();
    expect((await app.withToken('/me', token)).status).toBe(200);
    expect(countLoads()).toBe(2);
  });

  it.each([{}, { currentUserCache: false }])(
    'returns 503 with the Retry-After of Clerk’s 429, and loads no users until it has passed (options %j)',
    async (options) => {
      const app = await start(options);
      const [{ token, countLoads }, other] = await Promise.all([signIn(), signIn()]);
      const now = Date.now();
      const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
      clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
      const { status, headers, body } = await app.withToken('/me', token);
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'clerk-unavailable', '7']);
      clerk.recover();

      clock.mockReturnValue(now + 5_500);
      for (const caller of [token, other.token]) {
        const held = await app.withToken('/me', caller);
        expect([held.status, held.body.code, held.headers.get('retry-after')]).toEqual([503, 'clerk-unavailable', '2']);
      }
      expect([countLoads(), other.countLoads()]).toEqual([1, 0]);

      clock.mockReturnValue(now + 7_000);
      expect((await app.withToken('/me', token)).status).toBe(200);
      expect(countLoads()).toBe(2);
    },
  );

  it('returns 503 and loads no users for ten seconds after a 429 of Clerk without Retry-After', async () => {
    const app = await start();
    const [{ token, countLoads }, other] = await Promise.all([signIn(), signIn()]);
    const now = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
    clerk.outage({ status: 429 }, '/v1/users');
    expect((await app.withToken('/me', token)).headers.get('retry-after')).toBe('10');
    clerk.recover();

    clock.mockReturnValue(now + 9_500);
    for (const caller of [token, other.token]) {
      const { status, headers } = await app.withToken('/me', caller);
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    }
    expect([countLoads(), other.countLoads()]).toEqual([1, 0]);

    clock.mockReturnValue(now + 10_000);
    expect((await app.withToken('/me', token)).status).toBe(200);
  });

  it('loads users again after one minute if a 429 of Clerk has a longer Retry-After', async () => {
    const app = await start();
    const { user, token } = await signIn();
    const now = Date.now();
    clerk.outage({ status: 429, retryAfter: 3_600 }, '/v1/users');
    expect((await app.withToken('/me', token)).headers.get('retry-after')).toBe('3600');
    clerk.recover();
    const later = now + 61_000;
    jest.spyOn(Date, 'now').mockReturnValue(later);
    const fresh = await clerk.sessionToken({ user, issuedAt: Math.floor(later / 1000) });
    expect((await app.withToken('/me', fresh)).status).toBe(200);
  });

  it('calls Clerk once for many concurrent requests if Clerk responds with 429', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.withToken('/me', token)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503));
    expect(countLoads()).toBe(1);
  });

  it.each<[string, number | undefined, string]>([
    ['one hour instead of more', 86_400, '3600'],
    ['ten seconds instead of none', undefined, '10'],
    ['ten seconds instead of a negative number', -5, '10'],
  ])('corrects an unusual Retry-After of Clerk’s 429: %s', async (_name, retryAfter, expected) => {
    const app = await start();
    const { token } = await signIn();
    clerk.outage({ status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) }, '/v1/users');
    expect((await app.withToken('/me', token)).headers.get('retry-after')).toBe(expected);
  });

  it('returns a cached user while Clerk responds with 429', async () => {
    const app = await start();
    const { token } = await signIn();
    await app.withToken('/me', token);
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
    expect((await app.withToken('/me', token)).status).toBe(200);
  });

  it('returns 503 with Retry-After if Clerk responds to the key fetch with 429', async () => {
    const app = await start();
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/jwks');
    const { status, headers } = await app.withToken('/strict', await clerk.sessionToken());
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
  });

  it('returns 503 with Retry-After if Clerk responds to the verification of an API key with 429', async () => {
    const app = await start();
    const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
    clerk.outage({ status: 429, retryAfter: 7 }, '/api_keys');
    const { status, headers } = await app.withToken('/api-key', secret);
    // Clerk's client does not pass on the header, so these are the ten seconds of Clerk's rate limit windows.
    expect([status, headers.get('retry-after')]).toEqual([503, '10']);
  });

  it('returns 503 without Retry-After if Clerk cannot be reached', async () => {
    const app = await start({ maxRetries: 0 });
    const { token } = await signIn();
    clerk.outage('refuse', '/v1/users');
    const { status, headers } = await app.withToken('/me', token);
    expect([status, headers.get('retry-after')]).toEqual([503, null]);
  });

  it('keeps Retry-After if onError returns an error with status 503', async () => {
    const app = await start({ onError: () => Object.assign(new Error('busy'), { statusCode: 503 }) });
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/jwks');
    const { status, headers } = await app.withToken('/strict', await clerk.sessionToken());
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
  });
});
