/**
 * Tests several ClerkModules in one application: with the same options they act as one, with different options the
 * boot fails. Runs on every supported version of Nest.
 */
import { Controller, Get, Module, type DynamicModule, type Type } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';

import { Auth, ClerkGuard, ClerkModule, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Routes {
  @Get() list(@Auth('userId') userId: string) {
    return { userId };
  }
}

describe.each(PLATFORMS)('several ClerkModules on %s', (_, platform) => {
  let first: LocalClerk;
  let second: LocalClerk;
  let app: TestApp | undefined;

  beforeAll(async () => {
    first = await LocalClerk.start();
    second = await LocalClerk.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(async () => {
    await first.stop();
    await second.stop();
  });

  const billing = (...imports: DynamicModule[]): Type => {
    @Module({ imports })
    class BillingModule {}
    return BillingModule;
  };
  const start = async (...imports: (DynamicModule | Type)[]) => {
    app = await TestApp.on(platform)
      .imports(...imports)
      .controllers(Routes)
      .start();
    return app;
  };
  const guardsOf = (running: TestApp) =>
    running
      .get(ApplicationConfig)
      .getGlobalGuards()
      .filter((guard) => guard instanceof ClerkGuard);
  const hostOf = ({ publishableKey }: ClerkModuleOptions) =>
    Buffer.from(publishableKey!.split('_')[2]!, 'base64').toString().slice(0, -1);

  describe('with different keys', () => {
    type Extras = { guard?: boolean; isGlobal?: boolean };
    it.each<[string, (options: ClerkModuleOptions) => DynamicModule]>([
      ['forRoot()', (options) => ClerkModule.forRoot(options)],
      ['forRootAsync()', (options) => ClerkModule.forRootAsync({ useFactory: async () => options })],
      ...[{ guard: false }, { isGlobal: false }, { guard: false, isGlobal: false }].map(
        (extras: Extras): [string, (options: ClerkModuleOptions) => DynamicModule] => [
          `forRoot(${JSON.stringify(extras)})`,
          (options) => ClerkModule.forRoot({ ...options, ...extras }),
        ],
      ),
    ])('fail the boot if one is from %s, and the error names both and the fix', async (_name, clerkModule) => {
      const boot = start(ClerkModule.forRoot(first.options), billing(clerkModule(second.options)));
      const error = await boot.then(
        () => undefined,
        (reason: unknown) => reason as Error & { problems: string[] },
      );
      expect(error).toMatchObject({ name: 'ClerkConfigurationError', problems: [expect.anything()] });
      const [problem] = error!.problems;
      expect(problem).toContain('different options');
      expect(problem).toContain('publishableKey, secretKey');
      expect(problem).toContain(`by AppModule for ${hostOf(first.options)}`);
      expect(problem).toContain(`by BillingModule for ${hostOf(second.options)}`);
      expect(problem).toContain('resolveOptions');
      for (const { publishableKey, secretKey } of [first.options, second.options]) {
        expect(error!.message).not.toContain(publishableKey);
        expect(error!.message).not.toContain(secretKey);
      }
    });
  });

  it('with the same keys but a different protection fail the boot, and the error names the option', async () => {
    const lax = ClerkModule.forRoot({ ...first.options, protection: 'lax' });
    await expect(start(ClerkModule.forRoot(first.options), billing(lax))).rejects.toMatchObject({
      problems: [expect.stringContaining('different options (protection)')],
    });
  });

  it('with a different onError function each fail the boot, and the error names the option', async () => {
    const clerkModule = () => ClerkModule.forRoot({ ...first.options, onError: () => undefined });
    await expect(start(clerkModule(), billing(clerkModule()))).rejects.toMatchObject({
      problems: [expect.stringContaining('different options (onError)')],
    });
  });

  it.each<[string, (options: ClerkModuleOptions) => DynamicModule[]]>([
    ['forRoot() twice', (options) => [ClerkModule.forRoot(options), ClerkModule.forRoot(options)]],
    [
      'forRoot() with copies of the options',
      (options) => [ClerkModule.forRoot({ ...options }), ClerkModule.forRoot(structuredClone(options))],
    ],
    [
      'forRoot() and forRootAsync()',
      (options) => [ClerkModule.forRootAsync({ useFactory: async () => options }), ClerkModule.forRoot(options)],
    ],
    [
      'forRootAsync() three times',
      (options) => [1, 2, 3].map(() => ClerkModule.forRootAsync({ useFactory: () => options })),
    ],
    [
      'forRoot() with and without a guard',
      (options) => [ClerkModule.forRoot({ ...options, guard: false }), ClerkModule.forRoot(options)],
    ],
  ])('with the same options register one guard: %s', async (_name, clerkModules) => {
    const [one, ...others] = clerkModules(first.options);
    const running = await start(one!, billing(...others));
    expect(guardsOf(running)).toHaveLength(1);
    expect((await running.send('/')).status).toBe(401);
    const ada = first.createUser();
    const token = await first.sessionToken({ user: ada });
    expect((await running.withToken('/', token)).body).toEqual({ userId: ada.id });
  });

  it('that are one dynamic module imported twice register one guard', async () => {
    const clerkModule = ClerkModule.forRoot(first.options);
    expect(guardsOf(await start(clerkModule, billing(clerkModule)))).toHaveLength(1);
  });

  it('in different applications of one process accept only tokens of their own instance', async () => {
    await start(ClerkModule.forRoot(first.options));
    const other = await TestApp.on(platform).clerk(second.options).controllers(Routes).start();
    try {
      const [ada, bob] = [first.createUser(), second.createUser()];
      const [adaToken, bobToken] = [await first.sessionToken({ user: ada }), await second.sessionToken({ user: bob })];
      expect((await app!.withToken('/', adaToken)).body).toEqual({ userId: ada.id });
      expect((await other.withToken('/', bobToken)).body).toEqual({ userId: bob.id });
      expect((await app!.withToken('/', bobToken)).status).toBe(401);
      expect((await other.withToken('/', adaToken)).status).toBe(401);
    } finally {
      await other.close();
    }
  });
});
