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

describe.each(PLATFORMS)('@CurrentUser() on %s', (_, platform) => {
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

  it('asks Clerk once for requests that follow each other, and shows each the whole user', async () => {
    const app = await start();
    const { user, token, countLoads } = await signIn();
    const first = await app.withToken('/me', token);
    expect(first).toMatchObject({ status: 200, body: { id: user.id, name: 'Ada Lovelace', tier: 'gold' } });
    expect((await app.withToken('/me', token)).body).toEqual(first.body);
    expect(countLoads()).toBe(1);
  });

  it('asks Clerk once for many concurrent requests of one user', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.withToken('/me', token)));
    expect(answers.map(({ body }) => body.name)).toEqual(Array(20).fill('Ada Lovelace'));
    expect(countLoads()).toBe(1);
  });

  it('loads the user anew after ten seconds', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    await app.withToken('/me', token);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_000);
    await app.withToken('/me', token);
    expect(countLoads()).toBe(2);
  });

  it('loads the user for every request where currentUserCache is false', async () => {
    const app = await start({ currentUserCache: false });
    const { token, countLoads } = await signIn();
    await Promise.all([app.withToken('/me', token), app.withToken('/me', token)]);
    await app.withToken('/me', token);
    expect(countLoads()).toBe(3);
  });

  it('remembers no more users than maxEntries', async () => {
    const app = await start({ currentUserCache: { maxEntries: 1 } });
    const [one, other] = [await signIn(), await signIn()];
    for (const { token } of [one, other, one]) await app.withToken('/me', token);
    expect([one.countLoads(), other.countLoads()]).toEqual([2, 1]);
  });

  it('shows no request what another one changed in its user', async () => {
    const app = await start();
    const { token } = await signIn();
    const before = await app.withToken('/me', token);
    for (const path of ['/spoil', '/spoil']) await app.withToken(path, token);
    expect((await app.withToken('/me', token)).body).toEqual(before.body);
  });

  it('shows none of concurrent requests what another one changed in its user', async () => {
    const app = await start();
    const { token } = await signIn();
    const [, , seen] = await Promise.all(['/spoil', '/spoil', '/me'].map((path) => app.withToken(path, token)));
    expect(seen!.body).toMatchObject({ name: 'Ada Lovelace', tier: 'gold' });
  });

  it('shows a user of one tenant to no other tenant', async () => {
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

  it('does not let a remembered user in whose session is no longer valid', async () => {
    const app = await start();
    const { user, token } = await signIn();
    await app.withToken('/me', token);
    const expired = await clerk.sessionToken({ user, issuedAt: Math.floor(Date.now() / 1000) - 120 });
    expect((await app.withToken('/me', expired)).status).toBe(401);
  });

  it('answers 404 for a user who does not exist, and does not remember it', async () => {
    const app = await start();
    const { user, token, countLoads } = await signIn();
    clerk.outage({ status: 404 }, `/v1/users/${user.id}`);
    expect((await app.withToken('/me', token)).body.code).toBe('user-not-found');
    clerk.recover();
    expect((await app.withToken('/me', token)).status).toBe(200);
    expect(countLoads()).toBe(2);
  });

  it.each([{}, { currentUserCache: false }])(
    'answers 503 with the Retry-After of a 429 of Clerk, and asks again once it has passed: %j',
    async (options) => {
      const app = await start(options);
      const [{ token, countLoads }, other] = await Promise.all([signIn(), signIn()]);
      const now = Date.now();
      const at = jest.spyOn(Date, 'now').mockReturnValue(now);
      clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
      const { status, headers, body } = await app.withToken('/me', token);
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'clerk-unavailable', '7']);
      clerk.recover();

      at.mockReturnValue(now + 5_500);
      for (const caller of [token, other.token]) {
        const held = await app.withToken('/me', caller);
        expect([held.status, held.body.code, held.headers.get('retry-after')]).toEqual([503, 'clerk-unavailable', '2']);
      }
      expect([countLoads(), other.countLoads()]).toEqual([1, 0]);

      at.mockReturnValue(now + 7_000);
      expect((await app.withToken('/me', token)).status).toBe(200);
      expect(countLoads()).toBe(2);
    },
  );

  it('asks for no user in the ten seconds after a 429 of Clerk that has no Retry-After', async () => {
    const app = await start();
    const [{ token, countLoads }, other] = await Promise.all([signIn(), signIn()]);
    const now = Date.now();
    const at = jest.spyOn(Date, 'now').mockReturnValue(now);
    clerk.outage({ status: 429 }, '/v1/users');
    expect((await app.withToken('/me', token)).headers.get('retry-after')).toBe('10');
    clerk.recover();

    at.mockReturnValue(now + 9_500);
    for (const caller of [token, other.token]) {
      const { status, headers } = await app.withToken('/me', caller);
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    }
    expect([countLoads(), other.countLoads()]).toEqual([1, 0]);

    at.mockReturnValue(now + 10_000);
    expect((await app.withToken('/me', token)).status).toBe(200);
  });

  it('waits a minute at most, whatever the Retry-After of a 429 of Clerk', async () => {
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

  it('asks a Clerk that answers 429 once for many concurrent requests', async () => {
    const app = await start();
    const { token, countLoads } = await signIn();
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.withToken('/me', token)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 503));
    expect(countLoads()).toBe(1);
  });

  it.each<[string, number | undefined, string]>([
    ['more than an hour is cut to an hour', 86_400, '3600'],
    ['none is taken for ten seconds', undefined, '10'],
    ['a negative one is taken for ten seconds', -5, '10'],
  ])('answers 503 after a 429 of Clerk whose Retry-After is odd: %s', async (_name, retryAfter, expected) => {
    const app = await start();
    const { token } = await signIn();
    clerk.outage({ status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) }, '/v1/users');
    expect((await app.withToken('/me', token)).headers.get('retry-after')).toBe(expected);
  });

  it('serves a remembered user while Clerk answers 429', async () => {
    const app = await start();
    const { token } = await signIn();
    await app.withToken('/me', token);
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/users');
    expect((await app.withToken('/me', token)).status).toBe(200);
  });

  it('answers 503 with Retry-After where Clerk answers 429 to the request for its keys', async () => {
    const app = await start();
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/jwks');
    const { status, headers } = await app.withToken('/strict', await clerk.sessionToken());
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
  });

  it('answers 503 with Retry-After where Clerk answers 429 to the verification of an API key', async () => {
    const app = await start();
    const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
    clerk.outage({ status: 429, retryAfter: 7 }, '/api_keys');
    const { status, headers } = await app.withToken('/api-key', secret);
    // Clerk's client does not hand on what Clerk said: the ten seconds of its windows.
    expect([status, headers.get('retry-after')]).toEqual([503, '10']);
  });

  it('answers 503 without Retry-After where Clerk does not answer', async () => {
    const app = await start({ maxRetries: 0 });
    const { token } = await signIn();
    clerk.outage('refuse', '/v1/users');
    const { status, headers } = await app.withToken('/me', token);
    expect([status, headers.get('retry-after')]).toEqual([503, null]);
  });

  it('keeps the Retry-After where onError answers 503 as well', async () => {
    const app = await start({ onError: () => Object.assign(new Error('busy'), { statusCode: 503 }) });
    clerk.outage({ status: 429, retryAfter: 7 }, '/v1/jwks');
    const { status, headers } = await app.withToken('/strict', await clerk.sessionToken());
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
  });
});
