/**
 * Tests that the guard runs: whatever keeps Nest from running it, or keeps it from finding decorators, fails the boot or
 * has the call denied. Runs on the lowest and the highest supported versions of Nest.
 */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, REQUEST } from '@nestjs/core';
import { MessagePattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, from, isObservable } from 'rxjs';

import {
  AcceptsToken,
  Auth,
  ClerkGuard,
  ClerkMiddleware,
  ClerkModule,
  Public,
  Require,
  RequireAuth,
  RequirePermission,
  RequireThat,
  SkipAuth,
  type ClerkModuleOptions,
  type ClerkOptionsFactory,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TestApp } from '../support/test-app.js';

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

describe.each(PLATFORMS)('an application on %s', (_, platform: Platform) => {
  let clerk: LocalClerk;
  let options: ClerkModuleOptions;
  let app: TestApp | undefined;
  let nest: INestApplication | undefined;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    options = clerk.options;
  });
  afterEach(async () => {
    await app?.close();
    await nest?.close();
    app = nest = undefined;
  });
  afterAll(() => clerk.stop());

  const start = async (metadata: ModuleMetadata): Promise<TestApp> => {
    const { imports = [], controllers = [], providers = [] } = metadata;
    app = await TestApp.on(platform)
      .imports(...imports)
      .controllers(...controllers)
      .providers(...providers)
      .start();
    return app;
  };
  const withoutGlobalGuard = () => ClerkModule.forRoot({ ...options, guard: false });

  describe('with request-scoped providers', () => {
    @Controller()
    class Plain {
      @Get() list() {
        return 'in';
      }
    }
    @Controller()
    @UseGuards(ClerkGuard)
    class Guarded {
      @Get() list() {
        return 'in';
      }
    }

    @Injectable({ scope: Scope.REQUEST })
    class PerRequest implements ClerkOptionsFactory {
      createClerkOptions() {
        return options;
      }
    }
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends PerRequest {}
    @Injectable()
    class Implicit extends PerRequest {
      constructor(@Inject(REQUEST) readonly request: object) {
        super();
      }
    }
    @Module({ providers: [PerRequest, Durable, Implicit], exports: [PerRequest, Durable, Implicit] })
    class Services {}

    type AsyncOptions = Parameters<typeof ClerkModule.forRootAsync>[0];
    const useFactory = () => options;
    const SCOPED: readonly (readonly [string, () => AsyncOptions])[] = [
      ['a factory that injects the request', () => ({ inject: [REQUEST], useFactory })],
      [
        'a factory that injects a request-scoped service',
        () => ({ imports: [Services], inject: [PerRequest], useFactory }),
      ],
      ['a factory that injects a durable service', () => ({ imports: [Services], inject: [Durable], useFactory })],
      [
        'a factory that injects a service with the request',
        () => ({ imports: [Services], inject: [Implicit], useFactory }),
      ],
      ['a request-scoped class', () => ({ useClass: PerRequest })],
      ['a class that injects the request', () => ({ useClass: Implicit })],
      ['a request-scoped service', () => ({ imports: [Services], useExisting: PerRequest })],
    ];

    it.each(SCOPED)('fails to boot if the options come from %s', async (_name, describeOptions) => {
      await expect(
        start({ imports: [ClerkModule.forRootAsync(describeOptions())], controllers: [Plain] }),
      ).rejects.toThrow(/request-scoped/i);
    });

    it.each(SCOPED)('fails to boot if only a controller is guarded, with %s', async (_name, describeOptions) => {
      const clerkModule = ClerkModule.forRootAsync({ ...describeOptions(), guard: false } as AsyncOptions);
      await expect(start({ imports: [clerkModule], controllers: [Guarded] })).rejects.toThrow(/request-scoped/i);
    });

    it('is protected if the options come from a transient class', async () => {
      @Injectable({ scope: Scope.TRANSIENT })
      class Transient extends PerRequest {}
      await start({ imports: [ClerkModule.forRootAsync({ useClass: Transient })], controllers: [Plain] });
      expect((await app!.send('/')).status).toBe(401);
      expect((await app!.withToken('/', await clerk.sessionToken())).status).toBe(200);
    });

    it.each<[string, () => ModuleMetadata['providers']]>([
      [
        'a derived guard that injects the request, by useClass',
        () => {
          @Injectable()
          class Derived extends ClerkGuard {
            @Inject(REQUEST) readonly request!: object;
          }
          return [{ provide: APP_GUARD, useClass: Derived }];
        },
      ],
      [
        'a derived guard that injects the request, by useExisting',
        () => {
          @Injectable()
          class Derived extends ClerkGuard {
            @Inject(REQUEST) readonly request!: object;
          }
          return [Derived, { provide: APP_GUARD, useExisting: Derived }];
        },
      ],
      [
        'a guard that a factory creates for each request',
        () => [
          { provide: APP_GUARD, inject: [REQUEST, ClerkGuard], useFactory: (_request: object, own: ClerkGuard) => own },
        ],
      ],
      [
        'a request-scoped derived guard',
        () => {
          @Injectable({ scope: Scope.REQUEST })
          class Derived extends ClerkGuard {}
          return [{ provide: APP_GUARD, useClass: Derived }];
        },
      ],
    ])('fails to boot or is protected with %s', async (_name, providers) => {
      const outcome = await start({
        imports: [withoutGlobalGuard()],
        controllers: [Plain],
        providers: providers(),
      }).then(
        async (running) => (await running.send('/')).status,
        (error: unknown) => String(error),
      );
      // Old versions of Nest leave injected properties unset instead of making the guard request-scoped.
      expect([401, expect.stringMatching(/request-scoped/i)]).toContainEqual(outcome);
    });
  });

  describe('whose handlers have decorators', () => {
    const agrees = () => true;
    const CLOSING: readonly (readonly [string, ClassDecorator & MethodDecorator])[] = [
      ['@RequirePermission()', RequirePermission('org:invoices:create')],
      ['@Require()', Require({ role: 'org:admin' })],
      ['@RequireAuth()', RequireAuth()],
      ['@AcceptsToken()', AcceptsToken('api_key')],
      ['@RequireThat()', RequireThat(agrees)],
    ];

    it.each(CLOSING)(
      'fails to boot if no guard runs before a handler with %s, and the error names the handler',
      async (_name, decorator) => {
        @Controller()
        class Unguarded {
          @Get() @decorator list() {}
          @Get('other') other() {}
        }
        await expect(start({ imports: [withoutGlobalGuard()], controllers: [Unguarded] })).rejects.toMatchObject({
          code: 'invalid-policy',
          problems: [expect.stringMatching(/^Unguarded\.list: no guard runs before it.*@UseGuards\(ClerkGuard\)/)],
        });
      },
    );

    it.each(CLOSING)('fails to boot if no guard runs before a class with %s', async (_name, decorator) => {
      @decorator
      @Controller()
      class Unguarded {
        @Get() list() {}
        @Get('open') @Public() open() {}
        @Get('skipped') @SkipAuth() skipped() {}
      }
      await expect(start({ imports: [withoutGlobalGuard()], controllers: [Unguarded] })).rejects.toMatchObject({
        problems: [expect.stringMatching(/^Unguarded\.list: no guard runs before it/)],
      });
    });

    it.each(CLOSING)('enforces %s next to @UseGuards(ClerkGuard), in either order', async (_name, decorator) => {
      @Controller()
      class Guarded {
        @Get('before') @UseGuards(ClerkGuard) @decorator before() {}
        @Get('behind') @decorator @UseGuards(ClerkGuard) behind() {}
      }
      await start({ imports: [withoutGlobalGuard()], controllers: [Guarded] });
      expect((await app!.send('/before')).status).toBe(401);
      expect((await app!.send('/behind')).status).toBe(401);
    });

    it('enforces them if the guard of the application is derived from ClerkGuard', async () => {
      @Injectable()
      class Derived extends ClerkGuard {}
      @Controller()
      class Routes {
        @Get() @RequireAuth() list() {}
      }
      const providers = [{ provide: APP_GUARD, useClass: Derived }];
      await start({ imports: [withoutGlobalGuard()], controllers: [Routes], providers });
      expect((await app!.send('/')).status).toBe(401);
      expect((await app!.withToken('/', await clerk.sessionToken())).status).toBe(200);
    });

    it('boots without a guard if the decorators restrict nothing', async () => {
      @Controller()
      class Open {
        @Get('public') @Public() public() {
          return 'public';
        }
        @Get('skipped') @SkipAuth() skipped() {
          return 'skipped';
        }
        @Get('plain') plain(@Auth('userId') userId: string | null) {
          return { userId };
        }
      }
      @Module({ imports: [withoutGlobalGuard()], controllers: [Open] })
      class Root {
        configure(consumer: { apply(middleware: unknown): { forRoutes(type: Type): void } }) {
          consumer.apply(ClerkMiddleware).forRoutes(Open);
        }
      }
      await start({ imports: [Root] });
      expect((await app!.send('/public')).body).toBe('public');
      expect((await app!.send('/skipped')).body).toBe('skipped');
      expect((await app!.send('/plain')).body).toEqual({ userId: null });
    });

    it('fails to boot if only ClerkMiddleware runs before the handler', async () => {
      @Controller()
      class Closed {
        @Get() @RequireAuth() list() {}
      }
      @Module({ imports: [withoutGlobalGuard()], controllers: [Closed] })
      class Root {
        configure(consumer: { apply(middleware: unknown): { forRoutes(type: Type): void } }) {
          consumer.apply(ClerkMiddleware).forRoutes(Closed);
        }
      }
      await expect(start({ imports: [Root] })).rejects.toMatchObject({ code: 'invalid-policy' });
    });

    it('fails to boot if ClerkModule is not imported, and the error says how to import it', async () => {
      @Controller()
      class Closed {
        @Get() @RequirePermission('org:invoices:create') list() {}
      }
      await expect(start({ controllers: [Closed] })).rejects.toMatchObject({
        code: 'invalid-policy',
        message: expect.stringContaining('add ClerkModule.forRoot() to the imports of the root module'),
      });
    });

    it('can be unit-tested without ClerkModule', async () => {
      @Controller()
      class Closed {
        @Get() @RequirePermission('org:invoices:create') list() {
          return 'listed';
        }
      }
      const module = await Test.createTestingModule({ controllers: [Closed] }).compile();
      expect(module.get(Closed).list()).toBe('listed');
    });

    it('uses the guard that a test provides in place of ClerkGuard', async () => {
      @Controller()
      class Closed {
        @Get() @RequirePermission('org:invoices:create') list() {
          return 'listed';
        }
      }
      const module = await Test.createTestingModule({ imports: [ClerkModule.forRoot(options)], controllers: [Closed] })
        .overrideProvider(ClerkGuard)
        .useValue({ canActivate: () => true })
        .compile();
      nest = module.createNestApplication(platform());
      await nest.listen(0, '127.0.0.1');
      const answer = await fetch(`${(await nest.getUrl()).replace('[::1]', '127.0.0.1')}/`);
      expect([answer.status, await answer.text()]).toEqual([200, 'listed']);
    });
  });

  describe('with a microservice in the same process', () => {
    @Controller()
    class Messages {
      @MessagePattern('closed') @RequireAuth() closed() {
        return 'closed';
      }
      @MessagePattern('twice') @RequireAuth() @UseGuards(ClerkGuard) twice() {
        return 'twice';
      }
      @MessagePattern('public') @Public() public() {
        return 'public';
      }
    }
    const rpc = {
      credentials: (context: ExecutionContext) => context.switchToRpc().getContext<{ token?: string }>().token,
    };
    let logger: RecordingLogger;

    async function connect(inheritAppConfig: boolean): Promise<InProcess> {
      @Module({ imports: [ClerkModule.forRoot({ ...options, rpc })], controllers: [Messages] })
      class Root {}
      logger = new RecordingLogger();
      nest = await NestFactory.create<INestApplication>(Root, platform(), { logger, abortOnError: false });
      const strategy = new InProcess();
      nest.connectMicroservice({ strategy }, { inheritAppConfig });
      await nest.startAllMicroservices();
      await nest.listen(0, '127.0.0.1');
      return strategy;
    }

    it('protects message handlers if the microservice inherits the configuration', async () => {
      const messages = await connect(true);
      await expect(messages.ask('closed')).rejects.toMatchObject({ statusCode: 401 });
      expect(await messages.ask('closed', await clerk.sessionToken())).toBe('closed');
      expect(await messages.ask('twice', await clerk.sessionToken())).toBe('twice');
      expect(await messages.ask('public')).toBe('public');
    });

    it('denies restricted message handlers to everyone if it does not inherit it, and logs the fix once', async () => {
      const messages = await connect(false);
      await expect(messages.ask('closed')).rejects.toBeDefined();
      await expect(messages.ask('closed', await clerk.sessionToken())).rejects.toBeDefined();
      await expect(messages.ask('twice')).rejects.toMatchObject({ statusCode: 401 });
      expect(await messages.ask('twice', await clerk.sessionToken())).toBe('twice');
      expect(await messages.ask('public')).toBe('public');
      const logged = logger.ofGuard('error').filter((line) => line.includes('inheritAppConfig'));
      expect(logged).toEqual([expect.stringMatching(/^error Messages\.closed: denied 500: /)]);
    });
  });

  describe('with handlers that are not methods of their class', () => {
    abstract class Base {
      @Get() @RequirePermission('org:invoices:create') list(): unknown {
        return 'in';
      }
      @MessagePattern('list') @RequirePermission('org:invoices:create') message(): unknown {
        return 'in';
      }
    }
    const REPLACED: readonly (readonly [string, (scope?: Scope) => Type])[] = [
      [
        'a handler bound in the constructor',
        (scope) => {
          @Public()
          @Controller({ scope })
          class Routes extends Base {
            constructor() {
              super();
              this.list = this.list.bind(this);
            }
          }
          return Routes;
        },
      ],
      [
        'an arrow function that replaces an inherited handler',
        (scope) => {
          @Public()
          @Controller({ scope })
          class Routes extends Base {
            override list = () => 'in';
          }
          return Routes;
        },
      ],
      [
        'a Proxy of the instance',
        (scope) => {
          @Public()
          @Controller({ scope })
          class Routes extends Base {
            constructor() {
              super();
              const get = (target: object, name: string) =>
                name === 'list' ? () => 'in' : (Reflect.get(target, name) as unknown);
              return new Proxy<this>(this, { get });
            }
          }
          return Routes;
        },
      ],
    ];

    it.each(REPLACED)('fails to boot with %s', async (_name, define) => {
      await expect(start({ imports: [ClerkModule.forRoot(options)], controllers: [define()] })).rejects.toMatchObject({
        code: 'invalid-policy',
        problems: [expect.stringMatching(/^Routes\.list: Nest does not call this method but a replacement/)],
      });
    });

    it.each(REPLACED)('returns 500 to everyone for %s, if request-scoped', async (_name, define) => {
      await start({ imports: [ClerkModule.forRoot(options)], controllers: [define(Scope.REQUEST)] });
      const token = await clerk.sessionToken();
      for (const answer of [await app!.send('/'), await app!.withToken('/', token)]) {
        expect(answer.status).toBe(500);
        expect(answer.body).toMatchObject({ code: 'invalid-policy' });
      }
      expect(app!.logger.ofGuard('error').join()).toContain('is not a method of the class');
    });

    it('fails to boot with a message handler bound in the constructor', async () => {
      @Controller()
      class Messages extends Base {
        constructor() {
          super();
          this.message = this.message.bind(this);
        }
      }
      await expect(start({ imports: [ClerkModule.forRoot(options)], controllers: [Messages] })).rejects.toMatchObject({
        problems: [expect.stringMatching(/^Messages\.message: Nest does not call this method/)],
      });
    });

    it('fails to boot with a Proxy of the class', async () => {
      class Routes extends Base {}
      const Wrapped = new Proxy(Routes, {});
      RequirePermission('org:invoices:create')(Wrapped);
      Controller()(Wrapped);
      await expect(start({ imports: [ClerkModule.forRoot(options)], controllers: [Wrapped] })).rejects.toMatchObject({
        problems: [expect.stringMatching(/^Routes\.list, Routes\.message: Nest does not call this method/)],
      });
    });

    it('fails to boot with a prototype that has another constructor', async () => {
      @Controller()
      class Routes extends Base {}
      Object.defineProperty(Routes.prototype, 'constructor', { value: class Other {} });
      await expect(start({ imports: [ClerkModule.forRoot(options)], controllers: [Routes] })).rejects.toMatchObject({
        problems: [expect.stringMatching(/^Routes\.list, Routes\.message: Nest does not call this method/)],
      });
    });

    it('enforces inherited decorators if a decorator replaces the class with a derived one', async () => {
      const derive = ((type: new () => object) => class Derived extends type {}) as ClassDecorator;
      @derive
      @Controller()
      class Routes extends Base {}
      await start({ imports: [ClerkModule.forRoot(options)], controllers: [Routes] });
      expect((await app!.send('/')).status).toBe(401);
      expect((await app!.withToken('/', await clerk.sessionToken())).status).toBe(403);
    });
  });
});
