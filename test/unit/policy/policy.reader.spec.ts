import 'reflect-metadata';

import { SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import {
  AcceptsToken,
  AllowPendingSession,
  anyOf,
  Auth,
  CurrentUser,
  Public,
  RedirectToSignIn,
  RequireAuth,
  RequirePermission,
  SkipAuth,
} from '../../../lib/index.js';
import { PolicyReader } from '../../../lib/policy/policy.reader.js';

const reader = (protection: 'strict' | 'lax' = 'strict') =>
  new PolicyReader(new Reflector(), {
    protection,
    treatPendingAsSignedOut: true,
    redirectToSignIn: false,
    explainDenials: false,
    machineOnly: false,
  });
const read = (controller: new () => object, handler: string, protection?: 'strict' | 'lax') =>
  reader(protection).read(controller, (controller.prototype as any)[handler]);

const permissionsOf = (policy: ReturnType<typeof read>) =>
  policy.requirements.map((one) => ('condition' in one ? one.condition : one));

describe('PolicyReader', () => {
  it('uses the default protection of the application for a handler without decorators', () => {
    class Bare {
      handler() {}
    }
    expect(read(Bare, 'handler')).toMatchObject({
      name: 'Bare.handler',
      protection: 'strict',
      acceptsToken: 'session_token',
    });
    expect(read(Bare, 'handler', 'lax').protection).toBe('lax');
  });

  it('reads the decorators of class and handler', () => {
    @AcceptsToken('api_key')
    @SkipAuth()
    class Decorated {
      skipped() {}
      @Public() open(@Auth() _auth: object, @Auth('userId') _id: string) {}
      @RequireAuth() closed() {}
      @AcceptsToken('session_token')
      @RequirePermission('org:a', anyOf('org:b', 'org:c'))
      @RequirePermission('org:d')
      demanding() {}
    }
    expect(read(Decorated, 'skipped')).toMatchObject({ protection: 'skip', problems: [] });
    expect(read(Decorated, 'open')).toMatchObject({
      protection: 'lax',
      acceptsToken: 'api_key',
      problems: [],
    });
    expect(read(Decorated, 'closed')).toMatchObject({
      protection: 'strict',
      acceptsToken: 'api_key',
      problems: [],
    });
    const demanding = read(Decorated, 'demanding');
    expect(demanding).toMatchObject({
      protection: 'strict',
      acceptsToken: 'session_token',
      problems: [],
    });
    expect(permissionsOf(demanding)).toEqual([
      { has: { permission: 'org:d' } },
      {
        allOf: [
          { has: { permission: 'org:a' } },
          { anyOf: [{ has: { permission: 'org:b' } }, { has: { permission: 'org:c' } }] },
        ],
      },
    ]);
  });

  it('applies the decorators of the subclass to an inherited handler, and adds up requirements of both classes', () => {
    @RequirePermission('org:base')
    abstract class Base {
      list() {}
      @Public() open() {}
    }
    @RequirePermission('org:derived')
    class Derived extends Base {}
    class Plain extends Base {}
    @Public()
    class Opened extends Base {
      @RequireAuth() closed() {}
    }
    const permission = (name: string) => ({ has: { permission: name } });
    expect(permissionsOf(read(Derived, 'list'))).toEqual([permission('org:base'), permission('org:derived')]);
    expect(permissionsOf(read(Plain, 'list'))).toEqual([permission('org:base')]);
    expect(read(Derived, 'open')).toMatchObject({
      name: 'Derived.open',
      protection: 'lax',
      requirements: [],
    });
    expect(read(Opened, 'list')).toMatchObject({ protection: 'lax', requirements: [] });
    expect(read(Opened, 'closed')).toMatchObject({ protection: 'strict', requirements: [] });
  });

  it('lets a decorator of the subclass override that of its base class without a problem', () => {
    @Public()
    class Base {
      list() {}
    }
    @SkipAuth()
    class Derived extends Base {}
    expect(read(Derived, 'list')).toMatchObject({ protection: 'skip', problems: [] });
    expect(read(Base, 'list')).toMatchObject({ protection: 'lax', problems: [] });
  });

  it('keeps the policies of two classes made by one mixin apart', () => {
    const mixin = (permission: string) => {
      @RequirePermission(permission)
      class Mixed {
        list() {}
      }
      return Mixed;
    };
    const [A, B] = [mixin('org:a'), mixin('org:b')];
    expect(permissionsOf(read(A, 'list'))).not.toEqual(permissionsOf(read(B, 'list')));
  });

  describe('on a method that another decorator wraps', () => {
    const Trace = (): MethodDecorator => (_target, _name, descriptor: PropertyDescriptor) => {
      const original = descriptor.value;
      descriptor.value = function traced(...args: unknown[]) {
        return original.apply(this, args);
      };
    };

    it('reads decorators below, above and between wrapping decorators', () => {
      class Wrapped {
        @Trace() @RequirePermission('org:a') below() {}
        @RequirePermission('org:b') @Trace() @RequirePermission('org:a') between() {}
        @RequirePermission('org:a') @Trace() above() {}
        @Trace() @AcceptsToken('api_key') @Public() open(@Auth() _auth: object) {}
        @Trace() @SkipAuth() skipped(@Auth() _auth: object) {}
      }
      expect(read(Wrapped, 'below').requirements).toHaveLength(1);
      expect(read(Wrapped, 'between').requirements).toHaveLength(2);
      expect(read(Wrapped, 'above').requirements).toHaveLength(1);
      expect(read(Wrapped, 'open')).toMatchObject({ name: 'Wrapped.open', protection: 'lax', acceptsToken: 'api_key' });
      expect(read(Wrapped, 'skipped').problems).toEqual([
        expect.stringContaining('@Auth() is always empty on a @SkipAuth() handler'),
      ]);
    });

    it('reads decorators of a base class, but not those of an overridden method', () => {
      class Base {
        @Trace() @RequirePermission('org:a') kept() {}
        @RequirePermission('org:a') replaced() {}
      }
      class Derived extends Base {
        override replaced() {}
      }
      expect(read(Derived, 'kept').requirements).toHaveLength(1);
      expect(read(Derived, 'replaced').requirements).toHaveLength(0);
    });
  });

  it('is strict and reports a problem for protection metadata that this version does not know', () => {
    class Newer {
      handler() {}
    }
    Reflect.defineMetadata('nest-clerk:protection', ['require-org'], Newer.prototype.handler);
    expect(read(Newer, 'handler', 'lax')).toMatchObject({
      protection: 'strict',
      problems: [expect.stringContaining('unknown protection metadata: two versions of nest-clerk are loaded')],
    });
  });

  it('compiles each handler once for each class', () => {
    class Base {
      list() {}
    }
    class Derived extends Base {}
    const policies = reader();
    const handler = Base.prototype.list;
    expect(policies.read(Base, handler)).toBe(policies.read(Base, handler));
    expect(policies.read(Derived, handler)).not.toBe(policies.read(Base, handler));
  });

  it('names a handler by its property, or by its own name if it is not a method of the class', () => {
    class C {
      list() {}
    }
    Object.defineProperty(C.prototype, 'renamed', { value: function original() {} });
    Object.defineProperty(C.prototype, Symbol('of'), { value: C.prototype.list });
    expect(read(C, 'list').name).toBe('C.list');
    expect(read(C, 'renamed').name).toBe('C.renamed');
    expect(reader().read(C, function loose() {}).name).toBe('C.loose');
  });

  it('reports a contradiction on a handler without naming the class', () => {
    class C {
      @Public() @RequireAuth() list() {}
    }
    expect(read(C, 'list').problems).toEqual([expect.stringMatching(/^@RequireAuth\(\) and @Public\(\) contradict/)]);
  });

  it('reads a class whose prototype is null', () => {
    @Public()
    class Alone {
      list() {}
    }
    Object.setPrototypeOf(Alone, null);
    expect(read(Alone, 'list').protection).toBe('lax');
  });

  it.each<[onFunction: string[] | undefined, atPlace: string[] | undefined, read: 'strict' | 'lax' | 'skip']>([
    [undefined, undefined, 'strict'],
    [['lax'], undefined, 'lax'],
    [undefined, ['lax'], 'lax'],
    [[], ['lax'], 'lax'],
    [['lax'], [], 'lax'],
    [['lax'], ['skip'], 'lax'],
    [['lax'], ['skip', 'skip'], 'skip'],
    [['lax', 'lax'], ['skip'], 'lax'],
  ])(
    'with the metadata %j on the function and %j on the property, reads the longer list: %s',
    (onFunction, atPlace, protection) => {
      class C {
        list() {}
      }
      if (onFunction) Reflect.defineMetadata('nest-clerk:protection', onFunction, C.prototype.list);
      if (atPlace) Reflect.defineMetadata('nest-clerk:protection', atPlace, C.prototype, 'list');
      expect(read(C, 'list').protection).toBe(protection);
    },
  );

  describe('isDecorated()', () => {
    class Base {
      @Public() open() {}
      taking(@Auth() _auth: object) {}
      user(@CurrentUser() _user: object) {}
      @AllowPendingSession() pending() {}
      @RedirectToSignIn() redirecting() {}
      @AcceptsToken('api_key') accepting() {}
      @RequirePermission('org:a') requiring() {}
      plain() {}
    }
    @RequireAuth()
    class Decorated extends Base {}
    class Derived extends Decorated {}

    it.each<[string, boolean]>([
      ['open', true],
      ['taking', true],
      ['user', true],
      ['pending', true],
      ['redirecting', true],
      ['accepting', true],
      ['requiring', true],
      ['plain', false],
    ])('for the method %s returns %p', (name, decorated) => {
      const handler = Reflect.get(Base.prototype, name) as () => void;
      expect(reader().isDecorated(Base, handler)).toBe(decorated);
      // Decorators of the class do not count for the method.
      expect(reader().isDecorated(Derived, handler)).toBe(decorated);
    });

    it.each<[string, new () => object, boolean]>([
      ['a class without decorators', Base, false],
      ['a decorated class', Decorated, true],
      ['a class that only has a decorated base class', Derived, false],
    ])('for %s returns %p', (_, type, decorated) => {
      expect(reader().isDecorated(type)).toBe(decorated);
    });

    it('returns true for a method that another decorator has wrapped', () => {
      class Wrapped {
        @RequireAuth() list() {}
      }
      Wrapped.prototype.list = function traced() {};
      expect(reader().isDecorated(Wrapped, Wrapped.prototype.list)).toBe(true);
    });
  });

  it('throws a TypeError for protection metadata that is not a list', () => {
    class Broken {
      handler() {}
    }
    Reflect.defineMetadata('nest-clerk:protection', { public: true }, Broken.prototype.handler);
    expect(() => read(Broken, 'handler')).toThrow(TypeError);
  });

  it('reads metadata written by another copy of this library', () => {
    class Foreign {
      handler() {}
    }
    Reflect.defineMetadata('nest-clerk:protection', ['skip'], Foreign.prototype.handler);
    expect(read(Foreign, 'handler').protection).toBe('skip');
  });

  it('reports invalid arguments of decorators, which do not throw', () => {
    class Wrong {
      @AcceptsToken(...([] as unknown as ['any'])) none() {}
      @RequirePermission(...([] as unknown as ['x'])) nothing() {}
      @RequirePermission(null as never) nil() {}
      @RequirePermission(anyOf()) empty() {}
    }
    for (const handler of ['none', 'nothing', 'nil', 'empty']) {
      expect(read(Wrong, handler)).toMatchObject({ name: `Wrong.${handler}`, problems: [expect.any(String)] });
    }
  });

  describe('for a function that is not a method of the class', () => {
    class Decorated {
      @Public() open() {}
      bare() {}
    }
    class Derived extends Decorated {
      own() {}
    }
    class Bare {
      list() {}
      get value(): never {
        throw new Error('not to be read');
      }
    }
    const LOST = expect.stringMatching(/^Nest calls a function that is not a method of the class/) as string;

    it.each<[string, new () => object, (...args: never[]) => unknown]>([
      ['a bound copy', Decorated, Decorated.prototype.open.bind(undefined)],
      ['a function of the same name', Bare, function list() {}],
      ['a method of another class', Bare, Decorated.prototype.open],
    ])('reports %s', (_name, type, handler) => {
      const policies = reader();
      expect(policies.read(type, handler).problems).toEqual([LOST]);
      expect(policies.read(type, handler).problems).toEqual([LOST]);
    });

    it('accepts copies that another framework calls, unless a method has decorators that would be lost', () => {
      const policies = reader();
      const copy = Bare.prototype.list.bind(undefined);
      expect(policies.readForeign(Bare, copy)).toMatchObject({ protection: 'strict', problems: [] });
      expect(policies.readForeign(Bare, copy)).toBe(policies.readForeign(Bare, copy));
      // The result for another framework is not reused for Nest.
      expect(policies.read(Bare, copy).problems).toEqual([LOST]);
      expect(policies.readForeign(Decorated, Decorated.prototype.bare.bind(undefined)).problems).toEqual([LOST]);
      expect(policies.readForeign(Derived, Derived.prototype.own.bind(undefined)).problems).toEqual([LOST]);
      expect(policies.readForeign(Decorated, Decorated.prototype.open)).toBe(
        policies.read(Decorated, Decorated.prototype.open),
      );
    });

    describe('of copies that a framework makes together with their metadata', () => {
      const Marks = (value: object) => SetMetadata('framework', value);
      class Consumer {
        @Marks({}) @RequirePermission('org:a') restricted() {}
        @Marks({}) @SkipAuth() open() {}
        @Marks({}) bare() {}
      }
      const shared = {};
      class Ambiguous {
        @Marks(shared) one() {}
        @Marks(shared) two() {}
        @Public() open() {}
      }
      /** As @golevelup/nestjs-rabbitmq does it. */
      const copyOf = (method: () => void) => {
        const copy = method.bind(undefined);
        for (const key of Reflect.getMetadataKeys(method)) {
          Reflect.defineMetadata(key, Reflect.getMetadata(key, method), copy);
        }
        return copy;
      };

      it.each(['restricted', 'open', 'bare'] as const)('is that of the method: %s', (name) => {
        const policies = reader();
        const method = Consumer.prototype[name];
        expect(policies.readForeign(Consumer, copyOf(method))).toBe(policies.read(Consumer, method));
      });

      it('has a problem if the metadata differs from that of the method', () => {
        const copy = copyOf(Consumer.prototype.open);
        Reflect.defineMetadata('framework', {}, copy);
        expect(reader().readForeign(Consumer, copy).problems).toEqual([LOST]);
      });

      it('has a problem if the copy lacks metadata of the method', () => {
        const copy = Consumer.prototype.restricted.bind(undefined);
        Reflect.defineMetadata('framework', Reflect.getMetadata('framework', Consumer.prototype.restricted), copy);
        expect(reader().readForeign(Consumer, copy).problems).toEqual([LOST]);
      });

      it('has a problem if several methods have the metadata', () => {
        expect(reader().readForeign(Ambiguous, copyOf(Ambiguous.prototype.one)).problems).toEqual([LOST]);
      });
    });

    describe('of calls that carry no credentials', () => {
      class Handlers {
        bare() {}
        @Public() open() {}
        @SkipAuth() skipped() {}
        @RequirePermission('org:a') restricted() {}
        @RequireAuth() strict() {}
        @AcceptsToken('m2m_token') machine() {}
        expecting(@Auth() _auth: object) {}
      }
      @RequireAuth()
      class Strict {
        bare() {}
        @SkipAuth() skipped() {}
      }
      const readSkipped = (type: new () => object, name: string) =>
        reader().readForeign(type, (type.prototype as Record<string, () => void>)[name]!, true);

      it.each<[new () => object, string]>([
        [Handlers, 'bare'],
        [Handlers, 'open'],
        [Handlers, 'skipped'],
        [Strict, 'skipped'],
      ])('skips authentication: %p %s', (type, name) => {
        expect(readSkipped(type, name)).toMatchObject({ protection: 'skip', problems: [] });
      });

      it.each<[new () => object, string]>([
        [Handlers, 'restricted'],
        [Handlers, 'strict'],
        [Handlers, 'machine'],
        [Strict, 'bare'],
      ])('has a problem if a decorator restricts the handler: %p %s', (type, name) => {
        const { protection, problems } = readSkipped(type, name);
        expect(protection).toBe('strict');
        expect(problems).toEqual([expect.stringContaining("transports is 'skip' for this type of calls")]);
      });

      it('has a problem if the handler has @Auth()', () => {
        expect(readSkipped(Handlers, 'expecting').problems).toEqual([
          expect.stringContaining('@Auth() is always empty'),
        ]);
      });

      it('does not change the policy of calls with credentials', () => {
        const policies = reader();
        policies.readForeign(Handlers, Handlers.prototype.bare, true);
        expect(policies.readForeign(Handlers, Handlers.prototype.bare).protection).toBe('strict');
        expect(policies.read(Handlers, Handlers.prototype.bare).protection).toBe('strict');
      });

      it('has a problem for a copy of a handler whose decorators may be lost', () => {
        const copy = Handlers.prototype.restricted.bind(undefined);
        expect(reader().readForeign(Handlers, copy, true).problems).toEqual([LOST]);
      });
    });
  });
});
