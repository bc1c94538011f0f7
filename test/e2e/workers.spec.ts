/** Workers and scripts: applications without a guard need no more than a secret key. */
import {
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type MiddlewareConsumer,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';

import {
  ClerkClientService,
  ClerkConfigurationError,
  ClerkGuard,
  ClerkMiddleware,
  ClerkModule,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TestApp } from '../support/test-app.js';

@Injectable()
class Report {
  constructor(private readonly clerk: ClerkClientService) {}

  async countUsers(): Promise<number> {
    return this.clerk.users.getCount();
  }
}

@Controller()
class Open {
  @Get('open') open() {
    return 'open';
  }
}
@Controller()
@UseGuards(ClerkGuard)
class Guarded {
  @Get('guarded') guarded() {
    return 'guarded';
  }
}

/** A guard of the application that calls ours, which cannot be detected at boot. */
@Injectable()
class Delegating implements CanActivate {
  constructor(private readonly clerk: ClerkGuard) {}

  canActivate(context: ExecutionContext) {
    return this.clerk.canActivate(context);
  }
}
@Controller()
@UseGuards(Delegating)
class Delegated {
  @Get('delegated') delegated() {
    return 'delegated';
  }
}

const NAMES_THE_KEY = expect.stringMatching(/publishableKey \(environment variable CLERK_PUBLISHABLE_KEY\)/);

describe('an application with only a secret key', () => {
  let clerk: LocalClerk;
  const variables = { ...process.env };
  const closing: { close(): Promise<unknown> }[] = [];
  beforeAll(async () => void (clerk = await LocalClerk.start()));
  beforeEach(() => void delete process.env.CLERK_PUBLISHABLE_KEY);
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
    process.env = { ...variables };
  });
  afterAll(() => clerk?.stop());

  const keys = (): ClerkModuleOptions => {
    const { secretKey, apiUrl, telemetry } = clerk.options;
    return { secretKey, apiUrl, telemetry };
  };

  async function startContext(imports: NonNullable<Parameters<typeof Module>[0]['imports']>) {
    @Module({ imports, providers: [Report] })
    class WorkerModule {}
    const logger = new RecordingLogger();
    const context = await NestFactory.createApplicationContext(WorkerModule, { logger, abortOnError: false });
    closing.push(context);
    return { context, logger };
  }

  it.each([
    ['forRoot()', () => ClerkModule.forRoot({ ...keys(), guard: false })],
    ['forRootAsync()', () => ClerkModule.forRootAsync({ useFactory: keys, guard: false })],
    ['an empty publishableKey', () => ClerkModule.forRoot({ ...keys(), publishableKey: '', guard: false })],
  ])('boots as a context without HTTP and calls Clerk, with %s', async (_, imported) => {
    clerk.createUser();
    const { context, logger } = await startContext([imported()]);
    expect(await context.get(Report).countUsers()).toBeGreaterThan(0);
    expect(logger.lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  });

  it.each<[string, () => Parameters<typeof ClerkModule.forRoot>[0]]>([
    ['guard is not given', () => keys()],
    ['guard is undefined', () => ({ ...keys(), guard: undefined })],
    ['guard is true', () => ({ ...keys(), guard: true })],
  ])('does not boot if %s', async (_, options) => {
    await expect(startContext([ClerkModule.forRoot(options())])).rejects.toMatchObject({ problems: [NAMES_THE_KEY] });
  });

  it('does not boot without a secret key, and the error names only that key', async () => {
    const { secretKey: _, ...rest } = keys();
    delete process.env.CLERK_SECRET_KEY;
    await expect(startContext([ClerkModule.forRoot({ ...rest, guard: false })])).rejects.toMatchObject({
      problems: [expect.stringMatching(/^secretKey \(environment variable CLERK_SECRET_KEY\) is missing/)],
    });
  });

  it('does not boot with an invalid publishable key', async () => {
    const options = { ...keys(), publishableKey: 'sk_test_x', guard: false };
    await expect(startContext([ClerkModule.forRoot(options)])).rejects.toBeInstanceOf(ClerkConfigurationError);
  });

  describe.each(PLATFORMS)('on %s', (_, platform) => {
    const start = (...controllers: Type[]) =>
      TestApp.on(platform)
        .imports(ClerkModule.forRoot({ ...keys(), guard: false }))
        .controllers(...controllers);

    it('returns 200 from a handler without a guard', async () => {
      const app = await start(Open).start();
      closing.push(app);
      expect((await app.send('/open')).status).toBe(200);
    });

    it('does not boot if @UseGuards(ClerkGuard) protects a handler, and the error names the key and the handler', async () => {
      const boot = start(Open, Guarded).start();
      await expect(boot).rejects.toMatchObject({ code: 'invalid-configuration', problems: [NAMES_THE_KEY] });
      await expect(boot).rejects.toThrow('Guarded.guarded');
    });

    it('does not boot if the application registers ClerkGuard itself', async () => {
      const boot = start(Open).providers({ provide: APP_GUARD, useExisting: ClerkGuard }).start();
      await expect(boot).rejects.toMatchObject({ problems: [NAMES_THE_KEY] });
    });

    it('does not boot if ClerkMiddleware is applied', async () => {
      @Module({})
      class WithMiddleware {
        configure(consumer: MiddlewareConsumer) {
          consumer.apply(ClerkMiddleware).forRoutes('*path');
        }
      }
      const boot = start(Open).imports(WithMiddleware).start();
      await expect(boot).rejects.toMatchObject({ problems: [NAMES_THE_KEY] });
    });

    it('returns 500 and logs the missing key if another guard calls ClerkGuard', async () => {
      const app = await start(Delegated).providers(Delegating).start();
      closing.push(app);
      const token = await clerk.sessionToken();
      expect(await app.withToken('/delegated', token)).toMatchObject({
        status: 500,
        body: { code: 'invalid-configuration' },
      });
      expect(app.logger.ofGuard('error')).toEqual([NAMES_THE_KEY]);
    });
  });
});
