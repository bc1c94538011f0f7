import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk, type Outage } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get('api-key') @AcceptsToken('api_key') apiKey() {
    return 'in';
  }
  @Get('any') @AcceptsToken('any') any() {
    return 'in';
  }
}

/** Tokens with the prefix of an opaque token that Clerk cannot have issued. */
const IMPOSSIBLE = [
  'ak_',
  'ak_/../../v1/users',
  'ak_x?secret=y',
  'ak_x%00',
  'ak_x=',
  'ak_x.y',
  'oat_x.y.z.w',
  'mt_x+y',
  'mt_"x"',
  'oat_x\u00e9',
  `ak_${'x'.repeat(513)}`,
];

describe.each(PLATFORMS)('an opaque token on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  const start = (options: ClerkModuleOptions = {}) =>
    TestApp.on(platform)
      .clerk({ ...clerk.options, ...options })
      .controllers(Routes)
      .start();

  beforeEach(async () => {
    clerk = await LocalClerk.start();
    app = await start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all([app.close(), clerk.stop()]);
  });

  const outcomeOf = ({ status, headers, body }: Awaited<ReturnType<TestApp['send']>>) => ({
    ...{ status, body, reason: headers.get('x-clerk-auth-reason'), auth: headers.get('x-clerk-auth-status') },
    challenge: headers.get('www-authenticate'),
  });

  it.each(IMPOSSIBLE)(
    'that Clerk cannot have issued gets the 401 of an unknown token without a call to Clerk: %j',
    async (token) => {
      const unknown = outcomeOf(await app.withToken('/any', `${token.split('_')[0]}_unknown`));
      expect(unknown).toMatchObject({ status: 401, reason: 'token-invalid' });
      expect(clerk.countRequests()).toBe(1);
      expect(outcomeOf(await app.withToken('/any', token))).toEqual(unknown);
      expect(clerk.countRequests()).toBe(1);
    },
  );

  it('of the maximum length is verified with Clerk', async () => {
    await app.withToken('/api-key', `ak_${'x'.repeat(512)}`);
    await app.withToken('/api-key', 'ak_-_x');
    expect(clerk.countRequests('/api_keys')).toBe(2);
  });

  it.each<[string, ClerkModuleOptions]>([
    ['by default', {}],
    ['with verificationCache: false', { verificationCache: false }],
  ])('that Clerk rejected gets 401 for 5 seconds without another call, %s', async (_name, options) => {
    const own = await start(options);
    try {
      const now = Date.now();
      jest.spyOn(Date, 'now').mockImplementation(() => now);
      const first = outcomeOf(await own.withToken('/any', 'ak_unknown'));
      for (let time = 0; time < 20; time++) expect(outcomeOf(await own.withToken('/any', 'ak_unknown'))).toEqual(first);
      expect((await own.withToken('/api-key', 'ak_unknown')).status).toBe(401);
      expect(clerk.countRequests()).toBe(1);
      jest.mocked(Date.now).mockReturnValue(now + 4_999);
      await own.withToken('/any', 'ak_unknown');
      expect(clerk.countRequests()).toBe(1);
      jest.mocked(Date.now).mockReturnValue(now + 5_000);
      await own.withToken('/any', 'ak_unknown');
      expect(clerk.countRequests()).toBe(2);
      // Setting the clock back invalidates the cache entry.
      jest.mocked(Date.now).mockReturnValue(now);
      await own.withToken('/any', 'ak_unknown');
      expect(clerk.countRequests()).toBe(3);
    } finally {
      await own.close();
    }
  });

  it('that was revoked gets 401 at once and stays denied', async () => {
    const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
    expect((await app.withToken('/api-key', secret)).status).toBe(200);
    clerk.revoke(secret);
    for (let time = 0; time < 3; time++) expect((await app.withToken('/api-key', secret)).status).toBe(401);
    expect(clerk.countRequests()).toBe(2);
  });

  it.each<[string, Outage, boolean]>([
    ['a 400 (cached)', { status: 400 }, true],
    ['a 404 (cached)', { status: 404 }, true],
    ['a 410 (cached)', { status: 410 }, true],
    ['a 422 (cached)', { status: 422 }, true],
    ['a 401 (not cached)', { status: 401 }, false],
    ['a 403 (not cached)', { status: 403 }, false],
    ['a 408 (not cached)', { status: 408 }, false],
    ['a 429 (not cached)', { status: 429 }, false],
    ['a 500 (not cached)', { status: 500 }, false],
    ['a 503 (not cached)', { status: 503 }, false],
    ['an HTML page (not cached)', { body: '<h1>Welcome</h1>', contentType: 'text/html' }, false],
    ['a refused connection (not cached)', 'refuse', false],
  ])('is cached as rejected only after a definite answer of Clerk: %s', async (_name, outage, isCached) => {
    const { secret } = clerk.createApiKey({ subject: clerk.createUser() });
    clerk.outage(outage);
    const { status } = await app.withToken('/api-key', secret);
    expect(status === 401).toBe(isCached);
    clerk.recover();
    expect((await app.withToken('/api-key', secret)).status).toBe(isCached ? 401 : 200);
  });
});
