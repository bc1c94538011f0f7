/**
 * Tests that both functions of Nest's testing module replace ClerkGuard everywhere. Runs on every supported version of
 * Nest.
 */
import {
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';

import {
  Auth,
  ClerkGuard,
  ClerkModule,
  getAuth,
  RequirePermission,
  tryGetAuth,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk, signedIn, TestCaller } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';

@Controller()
class Routes {
  @Get('plain') plain() {
    return 'plain';
  }
  @Get('decorated') @RequirePermission('org:invoices:read') decorated() {
    return 'decorated';
  }
  @Get('own') @UseGuards(ClerkGuard) own() {
    return 'own';
  }
  @Get('auth') auth(@Auth('userId') userId: string) {
    return { userId };
  }
}
@Controller('class')
@UseGuards(ClerkGuard)
class GuardedRoutes {
  @Get() list() {
    return 'listed';
  }
  @Get('decorated') @RequirePermission('org:invoices:read') decorated() {
    return 'decorated';
  }
}
const PATHS = ['/plain', '/decorated', '/own', '/class', '/class/decorated'];

@Injectable()
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-open'] === 'yes';
  }
}
@Injectable()
class OpenGuard extends ClerkGuard {
  override canActivate() {
    return true;
  }
}

describe.each(PLATFORMS)('a test that replaces ClerkGuard on %s', (_, platform) => {
  let clerk: LocalClerk;
  let nest: INestApplication | undefined;
  let url: string;
  let logger: RecordingLogger;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    await nest?.close();
    nest = undefined;
  });
  afterAll(() => clerk.stop());

  type Extras = { guard?: boolean; isGlobal?: boolean };
  const build = (extras: ClerkModuleOptions & Extras = {}) => {
    @Module({ controllers: [GuardedRoutes] })
    class FeatureModule {}
    @Module({ imports: [ClerkModule.forRoot({ ...clerk.options, ...extras }), FeatureModule], controllers: [Routes] })
    class AppModule {}
    return Test.createTestingModule({ imports: [AppModule] });
  };
  const start = async (builder: TestingModuleBuilder) => {
    logger = new RecordingLogger();
    const module = await builder.setLogger(logger).compile();
    nest = module.createNestApplication(platform(), { logger });
    await nest.listen(0, '127.0.0.1');
    url = await nest.getUrl();
  };
  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${url}${path}`, { headers })).status;

  describe.each([
    ['overrideGuard()', (builder: TestingModuleBuilder) => builder.overrideGuard(ClerkGuard)],
    ['overrideProvider()', (builder: TestingModuleBuilder) => builder.overrideProvider(ClerkGuard)],
  ])('with %s', (_name, override) => {
    it.each(PATHS)('gets 200 on %s from a value that allows every call', async (path) => {
      await start(override(build()).useValue({ canActivate: () => true }));
      expect(await statusOf(path)).toBe(200);
    });

    it.each(PATHS)('gets 403 on %s for a signed-in caller from a value that denies every call', async (path) => {
      await start(override(build()).useValue({ canActivate: () => false }));
      expect(await statusOf(path, { authorization: `Bearer ${await clerk.sessionToken()}` })).toBe(403);
    });

    it.each(PATHS)('gets 200 or 403 on %s as a class decides', async (path) => {
      await start(override(build()).useClass(HeaderGuard));
      expect(await statusOf(path)).toBe(403);
      expect(await statusOf(path, { 'x-open': 'yes' })).toBe(200);
    });

    it.each(PATHS)('gets 200 or 403 on %s as the result of a factory decides', async (path) => {
      await start(override(build()).useFactory({ factory: () => new HeaderGuard() }));
      expect(await statusOf(path)).toBe(403);
      expect(await statusOf(path, { 'x-open': 'yes' })).toBe(200);
    });

    it.each(['/plain', '/own', '/class'])(
      'gets 200 on %s from a class derived from ClerkGuard that allows every call',
      async (path) => {
        await start(override(build()).useClass(OpenGuard));
        expect(await statusOf(path)).toBe(200);
      },
    );

    it('replaces the guard of @UseGuards() if there is no global guard', async () => {
      await start(override(build({ guard: false })).useValue({ canActivate: () => true }));
      expect(await statusOf('/own')).toBe(200);
      expect(await statusOf('/class')).toBe(200);
    });

    it('gets 500 from a handler with @Auth(), and the log names TestCaller', async () => {
      await start(override(build()).useValue({ canActivate: () => true }));
      expect(await statusOf('/auth')).toBe(500);
      expect(logger.lines.join('\n')).toContain('A test has replaced ClerkGuard');
      expect(logger.lines.join('\n')).toContain('TestCaller of nest-clerk/testing');
    });

    it('keeps the application’s own guards, which do not know the caller', async () => {
      const known: unknown[] = [];
      const own = {
        canActivate: (context: ExecutionContext) => {
          known.push(tryGetAuth(context));
          return context.switchToHttp().getRequest<{ url: string }>().url !== '/plain';
        },
      };
      @Module({ providers: [{ provide: APP_GUARD, useValue: own }] })
      class OwnModule {}
      const builder = Test.createTestingModule({
        imports: [ClerkModule.forRoot(clerk.options), OwnModule],
        controllers: [Routes],
      });
      await start(override(builder).useValue({ canActivate: () => true }));
      expect(await statusOf('/plain')).toBe(403);
      expect(await statusOf('/own')).toBe(200);
      expect(known).toEqual([undefined, undefined]);
    });
  });

  it('gets 401 if only a module of the application provides a guard under the same token', async () => {
    @Module({ providers: [{ provide: ClerkGuard, useValue: { canActivate: () => true } }], exports: [ClerkGuard] })
    class Elsewhere {}
    const builder = Test.createTestingModule({
      imports: [ClerkModule.forRoot(clerk.options), Elsewhere],
      controllers: [Routes, GuardedRoutes],
    });
    await start(builder);
    for (const path of PATHS) expect([path, await statusOf(path)]).toEqual([path, 401]);
  });

  it('can use TestCaller instead, which sets the caller and keeps the guard', async () => {
    const caller = new TestCaller();
    const known: unknown[] = [];
    const own = { canActivate: (context: ExecutionContext) => known.push(getAuth(context).userId) > 0 };
    @Module({ providers: [{ provide: APP_GUARD, useValue: own }] })
    class OwnModule {}
    const imports = [OwnModule, ClerkModule.forRoot()];
    await start(caller.override(Test.createTestingModule({ imports, controllers: [Routes] })));
    caller.is(signedIn({ userId: 'user_ada' }));
    expect(await (await fetch(`${url}/auth`)).json()).toEqual({ userId: 'user_ada' });
    expect(await statusOf('/decorated')).toBe(403);
    expect(known).toEqual(['user_ada']);
  });
});
