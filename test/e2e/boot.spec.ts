import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Controller, Get, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';

import { MODULE_OPTIONS_TOKEN } from '../../lib/clerk.module-definition.js';
import {
  AcceptsToken,
  Auth,
  ClerkClientService,
  ClerkModule,
  Public,
  RequireAuth,
  RequirePermission,
  SkipAuth,
  type ClerkConfigurationError,
  type ClerkModuleOptions,
  type ClerkOptionsFactory,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Closed {
  @Get('closed') closed() {
    return 'in';
  }
  @Get('open') @Public() open() {
    return 'open';
  }
}

@Module({ imports: [ClerkModule] })
class Feature {}

const ENV = ['CLERK_PUBLISHABLE_KEY', 'CLERK_SECRET_KEY', 'CLERK_API_URL', 'CLERK_TELEMETRY_DISABLED'];

describe.each(PLATFORMS)('an application on %s', (_, platform) => {
  let clerk: LocalClerk;
  let options: ClerkModuleOptions;
  let app: TestApp | undefined;
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    options = clerk.options;
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    process.env = { ...environment };
  });
  afterAll(() => clerk.stop());

  /** Expects 401 without a token and 200 with one; without a token, 200 only on the @Public() handler. */
  async function expectProtected(running: TestApp): Promise<void> {
    expect((await running.send('/closed')).status).toBe(401);
    expect((await running.send('/open')).status).toBe(200);
    expect((await running.withToken('/closed', await clerk.sessionToken())).status).toBe(200);
  }

  describe('is protected with options from', () => {
    it('environment variables that are set after forRoot() was called', async () => {
      const builder = TestApp.on(platform).clerk().controllers(Closed);
      Object.assign(process.env, clerk.env);
      app = await builder.start();
      await expectProtected(app);
    });

    it('forRoot(), without environment variables', async () => {
      for (const name of ENV) delete process.env[name];
      app = await TestApp.on(platform).clerk(options).controllers(Closed).start();
      await expectProtected(app);
    });

    it('an async useFactory of forRootAsync()', async () => {
      const useFactory = async () => {
        await new Promise(setImmediate);
        return options;
      };
      app = await TestApp.on(platform).imports(ClerkModule.forRootAsync({ useFactory })).controllers(Closed).start();
      await expectProtected(app);
    });

    it('useClass of forRootAsync()', async () => {
      @Injectable()
      class Config implements ClerkOptionsFactory {
        createClerkOptions() {
          return options;
        }
      }
      app = await TestApp.on(platform)
        .imports(ClerkModule.forRootAsync({ useClass: Config }))
        .controllers(Closed)
        .start();
      await expectProtected(app);
    });

    it('useExisting of forRootAsync()', async () => {
      @Injectable()
      class Config implements ClerkOptionsFactory {
        createClerkOptions() {
          return options;
        }
      }
      @Module({ providers: [Config], exports: [Config] })
      class ConfigModule {}
      app = await TestApp.on(platform)
        .imports(ClerkModule.forRootAsync({ imports: [ConfigModule], useExisting: Config }))
        .controllers(Closed)
        .start();
      await expectProtected(app);
    });
  });

  it('is protected, with a global client, if isGlobal and guard are undefined', async () => {
    @Controller()
    class UsingTheClient {
      constructor(readonly client: ClerkClientService) {}
      @Get('closed') closed() {
        return 'in';
      }
      @Get('open') @Public() open() {
        return 'open';
      }
    }
    // A module that does not import ClerkModule.
    @Module({ controllers: [UsingTheClient] })
    class Other {}
    const undefinedExtras = { isGlobal: undefined, guard: undefined };
    const ways = [
      ClerkModule.forRoot({ ...options, ...undefinedExtras }),
      ClerkModule.forRootAsync({ ...undefinedExtras, useFactory: () => options }),
    ];
    for (const way of ways) {
      app = await TestApp.on(platform).imports(way, Other).start();
      await expectProtected(app);
      await app.close();
    }
    app = undefined;
  });

  describe('fails to boot', () => {
    it('without keys, and names the option and environment variable of each', async () => {
      for (const name of ENV) delete process.env[name];
      await expect(TestApp.on(platform).clerk().controllers(Closed).start()).rejects.toMatchObject({
        name: 'ClerkConfigurationError',
        code: 'invalid-configuration',
        message: expect.stringMatching(
          /publishableKey \(environment variable CLERK_PUBLISHABLE_KEY\)[\s\S]*secretKey \(environment/,
        ),
      });
    });

    describe('without keys, and the error', () => {
      let directory: string;
      beforeEach(() => {
        directory = mkdtempSync(join(tmpdir(), 'nest-clerk-env-'));
        jest.spyOn(process, 'cwd').mockReturnValue(directory);
        for (const name of ENV) delete process.env[name];
      });
      afterEach(() => {
        jest.restoreAllMocks();
        rmSync(directory, { recursive: true });
      });

      it.each([
        ['.env', 'CLERK_PUBLISHABLE_KEY=pk_test_a\nCLERK_SECRET_KEY=sk_test_b\n'],
        ['.env.local', ' export CLERK_PUBLISHABLE_KEY = "pk_test_a"\r\nCLERK_SECRET_KEY=\'sk_test_b\''],
      ])('says that %s sets them but is not loaded, without repeating its values', async (file, text) => {
        writeFileSync(join(directory, file), text);
        const error = await TestApp.on(platform)
          .clerk()
          .start()
          .catch((thrown: ClerkConfigurationError) => thrown);
        expect(error).toMatchObject({
          code: 'invalid-configuration',
          message: expect.stringContaining(
            `CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY: set in ${file}, but that file is not loaded. ` +
              `Start Node with --env-file=${file}`,
          ),
        });
        expect((error as Error).message).not.toMatch(/pk_test_a|sk_test_b/);
      });

      it.each([
        [
          'in which they are empty or commented out',
          'CLERK_PUBLISHABLE_KEY=\nCLERK_SECRET_KEY= # later\n#CLERK_SECRET_KEY=a',
        ],
        ['with other variables only', 'CLERK_DOMAIN=example.com\nNEXT_CLERK_SECRET_KEY=a'],
        ['that is a folder', undefined],
      ])('does not mention an env file %s', async (_case, text) => {
        if (text === undefined) mkdirSync(join(directory, '.env'));
        else writeFileSync(join(directory, '.env'), text);
        await expect(TestApp.on(platform).clerk().start()).rejects.toMatchObject({
          problems: [expect.stringMatching(/^publishableKey/), expect.stringMatching(/^secretKey/)],
        });
      });
    });

    it('if an async factory returns no keys', async () => {
      for (const name of ENV) delete process.env[name];
      const imports = ClerkModule.forRootAsync({ useFactory: () => ({}) });
      await expect(TestApp.on(platform).imports(imports).start()).rejects.toMatchObject({
        code: 'invalid-configuration',
      });
    });

    it.each<[string, () => (Type | DynamicModule)[]]>([
      ['alone', () => [ClerkModule]],
      ['after forRoot()', () => [ClerkModule.forRoot(options), ClerkModule]],
      ['in a feature module before forRoot()', () => [Feature, ClerkModule.forRoot(options)]],
    ])('if ClerkModule is imported without forRoot(), %s, and says to import forRoot()', async (_where, imports) => {
      await expect(
        TestApp.on(platform)
          .imports(...imports())
          .start(),
      ).rejects.toMatchObject({
        name: 'ClerkConfigurationError',
        code: 'invalid-configuration',
        problems: [expect.stringContaining('import ClerkModule.forRoot() or ClerkModule.forRootAsync() in the root')],
      });
    });

    it('with an unknown option, and names it', async () => {
      const given = { ...options, protections: 'strict' } as ClerkModuleOptions;
      await expect(TestApp.on(platform).clerk(given).start()).rejects.toThrow('"protections" is not an option');
    });

    it('with mistakes in several controllers, and names every affected handler in one error', async () => {
      @Controller('a')
      class First {
        @Get('1') @Public() @RequirePermission('org:a') contradiction() {}
        @Get('2') @SkipAuth() skipped(@Auth() _auth: object) {}
        @Get('3') @AcceptsToken('apikey' as 'api_key') misspelt() {}
        @Get('fine') fine() {}
      }
      @Controller('b')
      @AcceptsToken('api_key')
      class Second {
        @Get('1') @RequirePermission('org:a') unfulfillable() {}
        @Get('2') @AcceptsToken('session_token') @RequirePermission('org:sys_memberships:read') system() {}
      }
      @Controller('c')
      @Public()
      @RequireAuth()
      class Third {
        @Get('1') one() {}
        @Get('2') two() {}
      }
      const boot = TestApp.on(platform).clerk(options).controllers(First, Second, Third).start();
      const { problems, code } = await boot.then(
        () => ({ problems: [] as string[], code: 'booted' }),
        (error: { problems: string[]; code: string }) => error,
      );
      expect(code).toBe('invalid-policy');
      expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
        'First.contradiction',
        'First.skipped',
        'First.misspelt',
        'Second.unfulfillable',
        'Second.system',
        'Third.one, Third.two',
      ]);
    });
  });

  it('denies calls to a lazily loaded handler with contradictory decorators, and logs why', async () => {
    @Controller('late')
    class Late {
      @Get() @Public() @RequirePermission('org:a') handler() {
        return 'in';
      }
    }
    @Module({ controllers: [Late] })
    class LateModule {}
    app = await TestApp.on(platform).clerk(options).controllers(Closed).start();
    await app.nest.get(LazyModuleLoader).load(() => LateModule);
    // Nest itself registers no routes of lazy modules; an application that does so must still be safe.
    const { ClerkGuard } = await import('../../lib/index.js');
    const context = {
      getType: () => 'http',
      getClass: () => Late,
      getHandler: () => Late.prototype.handler,
      switchToHttp: () => ({
        getRequest: () => ({ url: '/', headers: {} }),
        getResponse: () => new Proxy({}, { get: () => () => undefined }),
      }),
    };
    await expect(app.get(ClerkGuard).canActivate(context as never)).rejects.toMatchObject({
      code: 'invalid-policy',
      status: 500,
    });
    expect(app.logger.ofGuard('error').at(-1)).toContain(
      'Late.handler: denied 500 (invalid-policy): @Public() and @RequirePermission() contradict',
    );
  });

  describe('with the extras', () => {
    it('guard: false in forRoot() is unprotected', async () => {
      app = await TestApp.on(platform)
        .clerk({ ...options, guard: false })
        .controllers(Closed)
        .start();
      expect((await app.send('/closed')).status).toBe(200);
    });

    it.each([undefined, null, 0, ''])('guard: %p, which is falsy but not false, is protected', async (guard) => {
      app = await TestApp.on(platform)
        .clerk({ ...options, guard: guard as unknown as boolean })
        .controllers(Closed)
        .start();
      await expectProtected(app);
    });

    it('guard: false in forRootAsync() is unprotected', async () => {
      app = await TestApp.on(platform)
        .imports(ClerkModule.forRootAsync({ guard: false, useFactory: () => options }))
        .controllers(Closed)
        .start();
      expect((await app.send('/closed')).status).toBe(200);
    });

    it.each([{}, { isGlobal: true }, { isGlobal: false }])(
      '%j lets other modules inject the client, unless isGlobal is false',
      async (given) => {
        @Injectable()
        class Members {
          constructor(readonly clerk: ClerkClientService) {}
        }
        @Module({ providers: [Members] })
        class MembersModule {}
        const start = TestApp.on(platform)
          .clerk({ ...options, ...given })
          .imports(MembersModule as Type)
          .controllers(Closed)
          .start();
        if (given.isGlobal === false) return expect(start).rejects.toThrow(/ClerkClientService/);
        app = await start;
        expect(app.get(Members).clerk.users).toBeDefined();
        return undefined;
      },
    );
  });

  it('provides its Clerk options under the token CLERK_MODULE_OPTIONS, which Nest names in its errors', () => {
    expect(MODULE_OPTIONS_TOKEN).toBe('CLERK_MODULE_OPTIONS');
  });

  it("with protection: 'lax' admits signed-out callers by default, but not where @RequireAuth() or a right is required", async () => {
    @Controller('lax')
    class Lax {
      @Get('open') open(@Auth('userId') userId: string | null) {
        return { userId };
      }
      @Get('closed') @RequireAuth() closed() {}
      @Get('permission') @RequirePermission('org:a:b') permission() {}
    }
    app = await TestApp.on(platform)
      .clerk({ ...options, protection: 'lax' })
      .controllers(Lax)
      .start();
    expect(await app.send('/lax/open')).toMatchObject({ status: 200, body: { userId: null } });
    expect((await app.send('/lax/closed')).status).toBe(401);
    expect((await app.send('/lax/permission')).status).toBe(401);
    expect((await app.withToken('/lax/permission', await clerk.sessionToken())).status).toBe(403);
  });
});
