import {
  Controller,
  Get,
  Injectable,
  Module,
  Scope,
  type INestApplicationContext,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, DiscoveryService } from '@nestjs/core';
import { Query } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import { anyOf, Auth, Public, RequireAuth, RequirePermission, RequireThat, SkipAuth } from '../../../lib/index.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';
import { GUARD_PRESENCE } from '../../../lib/policy/guard-required.js';
import { ClerkGuard } from '../../../lib/guard/clerk.guard.js';
import { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { PolicyAudit } from '../../../lib/guard/policy.audit.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';
import { PredicateInstances } from '../../../lib/policy/predicate-instances.js';
import { ApplicationTransports } from '../../../lib/transports/application-transports.js';
import { HandlersExplorer } from '../../../lib/transports/handlers.explorer.js';
import { TRANSPORT_KINDS } from '../../../lib/transports/transport-kinds.js';
import { WebSocketPackage } from '../../../lib/transports/websocket/websocket.package.js';
import { contextOf } from '../../support/application-context.js';

const CLERK = {
  provide: CLERK_OPTIONS,
  useValue: {
    ...{ protection: 'strict', treatPendingAsSignedOut: true, redirectToSignIn: false },
    ...{ explainDenials: false, machineOnly: false },
  },
};
const PRESENCE = { provide: GUARD_PRESENCE, useValue: { isGuarded: () => true } };
const UNROUTED =
  'is decorated, but Nest routes no calls to it: it is not a route of a controller, a resolver or a message handler, so no guard runs before it. Move the decorator to the handler, or remove it. If another framework calls it, register an adapter that names the metadata of its handlers: ClerkModule.forRoot({ transports: { type: { call, credentials, handlers } } }).';
const EMPTY = '@RequirePermission() requires nothing, so no caller could pass: name at least one right.';

/** The guard of the whole application. */
const GUARD = { provide: APP_GUARD, useValue: Object.create(ClerkGuard.prototype) as ClerkGuard };

/** Of Nest 12, whose global guards reach gateways. */
const WEBSOCKETS = { provide: WebSocketPackage, useValue: new WebSocketPackage(undefined, true) };

const TRANSPORTS = {
  provide: ApplicationTransports,
  useValue: new ApplicationTransports(TRANSPORT_KINDS, { transports: undefined }),
};

const AUDIT = [
  TRANSPORTS,
  PolicyAudit,
  HandlersExplorer,
  PolicyReader,
  PredicateInstances,
  GuardCoverage,
  WEBSOCKETS,
  GUARD,
];

class WithCheck {
  check() {
    return true;
  }
}
@Injectable()
class Unasked {
  constructor(readonly needed: WithCheck) {}
  check() {
    return true;
  }
}
@Controller('fine')
class Fine {
  @Get() @RequirePermission('org:a') @RequireThat(WithCheck) list() {}
  helper() {}
}

describe('PolicyAudit', () => {
  let context: INestApplicationContext | undefined;
  afterEach(async () => {
    await context?.close();
    context = undefined;
  });

  async function start({ providers = [], controllers = [] }: ModuleMetadata) {
    context = await contextOf({ providers: [...AUDIT, CLERK, PRESENCE, ...providers], controllers });
    return { instances: context.get(PredicateInstances) };
  }
  const findProblems = (metadata: ModuleMetadata) =>
    start(metadata).then(
      () => [],
      (error: { name: string; problems: string[] }) =>
        error.name === 'ClerkPolicyError' ? error.problems : [String(error)],
    );

  it('lets an application without problems start, and creates its predicates', async () => {
    class Service {
      list() {}
    }
    const { instances } = await start({ controllers: [Fine], providers: [Service] });
    expect(instances.of(Fine, WithCheck)).toBeInstanceOf(WithCheck);
  });

  it('reports decorators on classes and methods to which Nest routes no calls', async () => {
    @RequireAuth()
    class OnClass {
      list() {}
    }
    class OnMethod {
      @RequireAuth() list() {}
      @Public() open() {}
      helper() {}
    }
    @RequireAuth()
    class OnBoth {
      @RequireAuth() list() {}
    }
    class Derived extends OnClass {}
    @RequireAuth()
    @Controller('unrouted')
    class Helping {
      @Public() helper() {}
    }
    const places = 'OnBoth.list, OnBoth, OnClass, OnMethod.list, OnMethod.open, Helping.helper'.split(', ');
    const found = await findProblems({ providers: [OnBoth, OnClass, OnMethod, Derived], controllers: [Helping] });
    expect(found).toEqual([expect.stringMatching(/^[\w., ]+: is decorated, but /)]);
    const [told = '', problem] = found[0]!.split(': is decorated');
    expect(`is decorated${problem}`).toBe(UNROUTED);
    expect(told.split(', ').sort()).toEqual(places.sort());
  });

  it('accepts decorators on resolvers, gateways and controllers, even without routes', async () => {
    @RequireAuth()
    class Resolving {
      @Query(() => String) list() {}
      helper() {}
    }
    @RequireAuth()
    @WebSocketGateway()
    class Listening {
      @SubscribeMessage('list') list() {}
    }
    @RequireAuth()
    @Controller('empty')
    class Empty {}
    expect(await findProblems({ providers: [Resolving, Listening], controllers: [Empty] })).toEqual([]);
  });

  it('reports all problems at once, each with every handler that has it', async () => {
    @Controller('wrong')
    class Wrong {
      @Get('a') @RequirePermission(anyOf()) a() {}
      @Get('b') @RequirePermission(anyOf()) @RequireThat(Unasked) @RequireThat(WithCheck) b() {}
      @Public() helper() {}
    }
    expect(await findProblems({ controllers: [Fine, Wrong] })).toEqual([
      `Wrong.a, Wrong.b: ${EMPTY}`,
      expect.stringMatching(/^Wrong\.b: @RequireThat\(Unasked\) cannot be created: .* in the module of Wrong\.$/),
      `Wrong.helper: ${UNROUTED}`,
    ]);
  });

  describe('for @SkipAuth() on a method that Nest does not route', () => {
    @Injectable()
    class Consumer {
      @SkipAuth() consume() {}
      helper() {}
    }
    @SkipAuth()
    @Injectable()
    class OpenConsumer {
      consume() {}
    }
    @Injectable()
    class Contradictory {
      @SkipAuth() @RequirePermission('org:a') consume() {}
    }
    @Injectable()
    class Expecting {
      @SkipAuth() consume(@Auth() _auth: object) {}
    }
    @SkipAuth()
    @Injectable()
    class Narrowed {
      @RequirePermission('org:a') consume() {}
    }
    @Controller()
    class Routed {
      @Get() list() {}
      @SkipAuth() helper() {}
    }

    it('boots if the method or its class is a provider, which another framework may call', async () => {
      expect(await findProblems({ providers: [Consumer, OpenConsumer] })).toEqual([]);
    });

    it('fails the boot if Nest routes other methods of the class', async () => {
      expect(await findProblems({ controllers: [Routed] })).toEqual([`Routed.helper: ${UNROUTED}`]);
    });

    it('fails the boot if another decorator restricts the method', async () => {
      expect(await findProblems({ providers: [Contradictory] })).toEqual([`Contradictory.consume: ${UNROUTED}`]);
      expect(await findProblems({ providers: [Narrowed] })).toEqual([`Narrowed.consume, Narrowed: ${UNROUTED}`]);
    });

    it('fails the boot if the method has @Auth()', async () => {
      expect(await findProblems({ providers: [Expecting] })).toEqual([
        expect.stringMatching(/^Expecting\.consume: @Auth\(\) is always empty on a @SkipAuth\(\) handler/),
      ]);
    });
  });

  describe('if Nest calls a replacement instead of the decorated method', () => {
    abstract class Base {
      @Get() @RequirePermission('org:a') list(): unknown {
        return undefined;
      }
    }
    /** A class decorator that replaces the class. */
    const wrap = (replace: (type: any) => unknown) => replace as ClassDecorator;

    it.each<[string, () => Type]>([
      [
        'a bound copy of the method',
        () => {
          @Controller('a')
          class Replaced extends Base {
            override list = super.list.bind(this);
          }
          return Replaced;
        },
      ],
      [
        'an arrow function over an inherited method',
        () => {
          @Controller('a')
          class Replaced extends Base {
            override list = () => undefined;
          }
          return Replaced;
        },
      ],
      [
        'a method of a proxy that the constructor returns',
        () => {
          @Controller('a')
          class Replaced extends Base {
            constructor() {
              super();
              const get = (target: object, name: string) =>
                name === 'list' ? () => undefined : (Reflect.get(target, name) as unknown);
              return new Proxy<this>(this, { get });
            }
          }
          return Replaced;
        },
      ],
      [
        'the method of another class, if the constructor returns an instance of it',
        () => {
          class Other extends Base {}
          @Controller('a')
          class Replaced extends Base {
            constructor() {
              super();
              return new Other();
            }
          }
          return Replaced;
        },
      ],
      [
        'a method of a class behind a proxy',
        () => {
          @wrap((type) => new Proxy(type, {}))
          @Controller('a')
          class Replaced extends Base {}
          Controller('a')(Replaced);
          return Replaced;
        },
      ],
      [
        'a method of a wrapper that shares the prototype of the class',
        () => {
          @Controller('a')
          class Replaced extends Base {}
          function Wrapper() {
            return new Replaced();
          }
          Wrapper.prototype = Replaced.prototype;
          Controller('a')(Wrapper);
          Object.defineProperty(Wrapper, 'name', { value: 'Replaced' });
          return Wrapper as never;
        },
      ],
      [
        'a method of a class whose prototype names another constructor',
        () => {
          @Controller('a')
          class Replaced extends Base {}
          Object.defineProperty(Replaced.prototype, 'constructor', { value: class Other {} });
          return Replaced;
        },
      ],
    ])('reports %s', async (_, define) => {
      const found = await findProblems({ controllers: [define()] });
      expect(found).toEqual([
        expect.stringMatching(/^Replaced\.list: Nest does not call this method but a replacement on the instance/),
      ]);
    });

    it('reports a replacement on an instance in a second module', async () => {
      let made = 0;
      @Controller('a')
      class Twice extends Base {
        constructor() {
          super();
          made += 1;
          if (made === 2) this.list = () => undefined;
        }
      }
      @Module({ controllers: [Twice] })
      class Second {}
      const controllers = [Twice];
      const providers = [...AUDIT, CLERK, PRESENCE];
      await expect(contextOf({ controllers, providers, imports: [Second] })).rejects.toMatchObject({
        problems: [expect.stringMatching(/^Twice\.list: Nest does not call/)],
      });
    });

    it('does not report a bound copy of a message handler, whose method Nest calls directly', async () => {
      @WebSocketGateway()
      class Gateway {
        constructor() {
          this.message = this.message.bind(this);
        }
        @SubscribeMessage('list') @RequirePermission('org:a') message() {}
      }
      expect(await findProblems({ providers: [Gateway] })).toEqual([]);
    });

    it('does not report a method overridden in a subclass, nor a request-scoped class', async () => {
      @Controller({ path: 'a', scope: Scope.REQUEST })
      class Requested extends Base {}
      @Controller('b')
      class Derived extends Base {
        override list() {
          return undefined;
        }
      }
      expect(await findProblems({ controllers: [Requested, Derived] })).toEqual([]);
    });
  });

  it('does not create the predicates of a class that belongs to no module, so that its calls are denied', async () => {
    const discovery = { getControllers: () => [{ metatype: Fine }], getProviders: () => [] };
    const { instances } = await start({ providers: [{ provide: DiscoveryService, useValue: discovery }] });
    expect(instances.of(Fine, WithCheck)).toBeUndefined();
  });
});
