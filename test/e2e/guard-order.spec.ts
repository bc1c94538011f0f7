/**
 * Tests the order of global guards: ClerkGuard runs first, so that the application's own guards know the caller. Runs on
 * every supported version of Nest.
 */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
  type INestMicroservice,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, NestFactory, REQUEST } from '@nestjs/core';
import { MessagePattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { firstValueFrom, from, isObservable } from 'rxjs';

import { Auth, ClerkGuard, ClerkModule, getAuth, Public, type ClerkModuleOptions } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TestApp } from '../support/test-app.js';

/** A guard of the application that needs the caller: `@Staff()` handlers are only for the user "staff". */
const STAFF = 'staff-only';
const Staff = () => SetMetadata(STAFF, true);
@Injectable()
class StaffGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    if (!Reflect.getMetadata(STAFF, context.getHandler())) return true;
    return getAuth(context).userId === 'user_staff';
  }
}

/** The same, but it admits a call if it fails. */
@Injectable()
class LenientStaffGuard extends StaffGuard {
  override canActivate(context: ExecutionContext) {
    try {
      return super.canActivate(context);
    } catch {
      return true;
    }
  }
}
@Injectable({ scope: Scope.REQUEST })
class RequestScopedGuard extends LenientStaffGuard {}
@Injectable()
class RequestInjectingGuard extends LenientStaffGuard {
  constructor(@Inject(REQUEST) readonly request: object) {
    super();
  }
}

@Controller()
class Routes {
  @Get('any') any(@Auth('userId') userId: string) {
    return { userId };
  }
  @Get('staff') @Staff() staff() {
    return 'staff';
  }
  @Get('public') @Public() public() {
    return 'public';
  }
}

/** Calls message handlers in the same process. */
class InProcess extends Server implements CustomTransportStrategy {
  listen(done: () => void) {
    done();
  }
  close() {}
  on() {}
  unwrap(): never {
    throw new Error('there is nothing behind it');
  }
  async ask(pattern: string, token?: string): Promise<unknown> {
    const answer: unknown = await this.getHandlerByPattern(pattern)!({}, { token });
    return firstValueFrom(isObservable(answer) ? answer : from([answer]));
  }
}

function featureModule(...providers: Provider[]): Type {
  @Module({ providers })
  class Feature {}
  return Feature;
}

let clerk: LocalClerk;
let options: ClerkModuleOptions;
let staffToken: string;
let otherToken: string;

beforeAll(async () => {
  clerk = await LocalClerk.start();
  options = clerk.options;
  const [staff, other] = [clerk.createUser({ id: 'user_staff' }), clerk.createUser({ id: 'user_other' })];
  staffToken = await clerk.sessionToken({ user: staff });
  otherToken = await clerk.sessionToken({ user: other });
});
afterAll(() => clerk.stop());

/** The ways in which an application registers its own guards next to ClerkModule. */
const REGISTRATIONS: readonly (readonly [string, (clerkModule: DynamicModule) => ModuleMetadata])[] = [
  [
    'an APP_GUARD of AppModule by useClass',
    (ours) => ({ imports: [ours], providers: [{ provide: APP_GUARD, useClass: StaffGuard }] }),
  ],
  [
    'a lenient APP_GUARD of AppModule',
    (ours) => ({ imports: [ours], providers: [{ provide: APP_GUARD, useClass: LenientStaffGuard }] }),
  ],
  [
    'an APP_GUARD of AppModule by useExisting',
    (ours) => ({
      imports: [ours],
      providers: [LenientStaffGuard, { provide: APP_GUARD, useExisting: LenientStaffGuard }],
    }),
  ],
  [
    'an APP_GUARD of AppModule by useValue',
    (ours) => ({ imports: [ours], providers: [{ provide: APP_GUARD, useValue: new LenientStaffGuard() }] }),
  ],
  [
    'an APP_GUARD of AppModule by useFactory',
    (ours) => ({ imports: [ours], providers: [{ provide: APP_GUARD, useFactory: () => new LenientStaffGuard() }] }),
  ],
  [
    'an APP_GUARD of a module imported before ClerkModule',
    (ours) => ({ imports: [featureModule({ provide: APP_GUARD, useClass: LenientStaffGuard }), ours] }),
  ],
  [
    'an APP_GUARD of a module imported after ClerkModule',
    (ours) => ({ imports: [ours, featureModule({ provide: APP_GUARD, useClass: LenientStaffGuard })] }),
  ],
  [
    'a request-scoped APP_GUARD of AppModule',
    (ours) => ({ imports: [ours], providers: [{ provide: APP_GUARD, useClass: RequestScopedGuard }] }),
  ],
  [
    'a request-scoped APP_GUARD of a module imported before ClerkModule',
    (ours) => ({ imports: [featureModule({ provide: APP_GUARD, useClass: RequestScopedGuard }), ours] }),
  ],
  [
    'an APP_GUARD that injects the request',
    (ours) => ({
      imports: [ours],
      providers: [{ provide: APP_GUARD, useClass: RequestInjectingGuard, scope: Scope.REQUEST }],
    }),
  ],
];

describe.each(PLATFORMS)('ClerkGuard as a global guard on %s', (_, platform) => {
  let app: TestApp | undefined;
  let nest: INestApplication | INestMicroservice | undefined;
  afterEach(async () => {
    await app?.close();
    await nest?.close();
    app = nest = undefined;
  });

  const start = async ({ imports = [], providers = [] }: ModuleMetadata, before?: (nest: INestApplication) => void) => {
    app = await TestApp.on(platform)
      .imports(...imports)
      .providers(...providers)
      .controllers(Routes)
      .before(before ?? (() => undefined))
      .start();
    return app;
  };
  const expectStaffOnly = async (running: TestApp) => {
    expect((await running.withToken('/staff', staffToken)).status).toBe(200);
    expect((await running.withToken('/staff', otherToken)).status).toBe(403);
    expect((await running.send('/staff')).status).toBe(401);
    expect((await running.withToken('/any', otherToken)).body).toEqual({ userId: 'user_other' });
    expect((await running.send('/any')).status).toBe(401);
    expect((await running.send('/public')).status).toBe(200);
  };

  describe.each([
    ['forRoot()', () => ClerkModule.forRoot(options)],
    ['forRoot() with isGlobal: false', () => ClerkModule.forRoot({ ...options, isGlobal: false })],
    [
      'forRootAsync() with a slow factory',
      () =>
        ClerkModule.forRootAsync({
          useFactory: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            return options;
          },
        }),
    ],
  ])('with ClerkModule.%s', (_name, clerkModule) => {
    it.each(REGISTRATIONS)('shows the caller to %s', async (_registration, metadata) => {
      await expectStaffOnly(await start(metadata(clerkModule())));
    });

    it('shows the caller to a guard of app.useGlobalGuards()', async () => {
      const useGuards = (running: INestApplication) => running.useGlobalGuards(new LenientStaffGuard());
      await expectStaffOnly(await start({ imports: [clerkModule()] }, useGuards));
    });
  });

  it('shows the caller to an APP_GUARD that the application registers after a derived ClerkGuard with guard: false', async () => {
    @Injectable()
    class Derived extends ClerkGuard {}
    const metadata = {
      imports: [ClerkModule.forRoot({ ...options, guard: false })],
      providers: [
        { provide: APP_GUARD, useClass: Derived },
        { provide: APP_GUARD, useClass: LenientStaffGuard },
      ],
    };
    await expectStaffOnly(await start(metadata));
  });

  describe('with message handlers', () => {
    @Controller()
    class Messages {
      @MessagePattern('staff') @Staff() staff() {
        return 'staff';
      }
    }
    const rpc = {
      credentials: (context: ExecutionContext) => context.switchToRpc().getContext<{ token?: string }>().token,
    };
    const moduleWith = (providers: Provider[] = []) => {
      @Module({ imports: [ClerkModule.forRoot({ ...options, rpc })], controllers: [Messages, Routes], providers })
      class Root {}
      return Root;
    };
    const expectMessagesStaffOnly = async (messages: InProcess) => {
      expect(await messages.ask('staff', staffToken)).toBe('staff');
      await expect(messages.ask('staff', otherToken)).rejects.toMatchObject({ message: 'Forbidden resource' });
      await expect(messages.ask('staff')).rejects.toMatchObject({ statusCode: 401 });
    };

    it.each([
      ['an APP_GUARD', [{ provide: APP_GUARD, useClass: LenientStaffGuard }], []],
      ['a guard of app.useGlobalGuards()', [], [new LenientStaffGuard()]],
    ])('shows the caller to %s if a hybrid application inherits guards', async (_name, providers, guards) => {
      const logger = new RecordingLogger();
      const hybrid = await NestFactory.create<INestApplication>(moduleWith(providers), platform(), {
        logger,
        abortOnError: false,
      });
      nest = hybrid;
      hybrid.useGlobalGuards(...guards);
      const strategy = new InProcess();
      hybrid.connectMicroservice({ strategy }, { inheritAppConfig: true });
      await hybrid.startAllMicroservices();
      await hybrid.listen(0, '127.0.0.1');
      await expectMessagesStaffOnly(strategy);
    });

    it('shows the caller to an APP_GUARD in a standalone microservice', async () => {
      const strategy = new InProcess();
      nest = await NestFactory.createMicroservice(moduleWith([{ provide: APP_GUARD, useClass: LenientStaffGuard }]), {
        strategy,
        logger: false,
        abortOnError: false,
      });
      await nest.listen();
      await expectMessagesStaffOnly(strategy);
    });
  });

  it('does not prevent an application context without HTTP from booting', async () => {
    @Module({ imports: [ClerkModule.forRoot(options)] })
    class Root {}
    const context = await NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false });
    expect(context.get(ClerkGuard)).toBeInstanceOf(ClerkGuard);
    await context.close();
  });

  describe('with a guard that a library adds to ApplicationConfig while providers are created', () => {
    @Injectable()
    class EagerGuard extends LenientStaffGuard {
      constructor(@Inject(ApplicationConfig) config: ApplicationConfig) {
        super();
        config.addGlobalGuard(this);
      }
    }

    it('fails the boot if that guard would run before ClerkGuard, and the error names it and the fix', async () => {
      const imports = [featureModule(EagerGuard), ClerkModule.forRoot(options)];
      await expect(start({ imports })).rejects.toMatchObject({
        code: 'invalid-configuration',
        problems: [expect.stringMatching(/EagerGuard would run before ClerkGuard.*APP_GUARD.*guard: false/)],
      });
    });

    it('does not fail the boot if the application registers ClerkGuard itself', async () => {
      const providers = [{ provide: APP_GUARD, useClass: ClerkGuard }];
      const imports = [featureModule(EagerGuard), ClerkModule.forRoot({ ...options, guard: false })];
      await start({ imports, providers });
      expect((await app!.send('/any')).status).toBe(401);
      expect((await app!.withToken('/any', staffToken)).status).toBe(200);
    });
  });

  it('shows the caller to a guard of @UseGuards() on a handler', async () => {
    @Controller('own')
    class Own {
      @Get() @Staff() @UseGuards(LenientStaffGuard) list() {
        return 'listed';
      }
    }
    @Module({ controllers: [Own] })
    class OwnModule {}
    await start({ imports: [OwnModule, ClerkModule.forRoot(options)] });
    expect((await app!.withToken('/own', staffToken)).status).toBe(200);
    expect((await app!.withToken('/own', otherToken)).status).toBe(403);
    expect((await app!.send('/own')).status).toBe(401);
  });
});
