import { Controller, Get, Injectable, Module, type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { Mutation, Query, ResolveField, ResolveReference, Resolver, Subscription } from '@nestjs/graphql';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import { TRANSPORT_KINDS, builtInKind } from '../../../lib/transports/transport-kinds.js';
import { ApplicationTransports } from '../../../lib/transports/application-transports.js';
import { HandlersExplorer } from '../../../lib/transports/handlers.explorer.js';
import { contextOf } from '../../support/application-context.js';

/** A class with a method of each kind that Nest's packages know. */
function everyKind() {
  class Kinds {
    @Get() route() {}
    @MessagePattern('m') message() {}
    @EventPattern('e') event(_data: unknown) {}
    @SubscribeMessage('s') subscribed() {}
    @Query(() => String) query() {}
    @Mutation(() => String) mutation() {}
    @Subscription(() => String) subscription() {}
    @ResolveField(() => String) field() {}
    @ResolveReference() reference() {}
    plain() {}
  }
  return Kinds;
}

class Service {
  list() {}
}

const APPLICATION = {
  provide: ApplicationTransports,
  useValue: new ApplicationTransports(TRANSPORT_KINDS, { transports: undefined }),
};

describe('HandlersExplorer', () => {
  let context: INestApplicationContext | undefined;
  afterEach(async () => {
    await context?.close();
    context = undefined;
  });

  async function explore({ providers = [], ...more }: ModuleMetadata) {
    context = await contextOf({ providers: [HandlersExplorer, APPLICATION, ...providers], ...more });
    return context.get(HandlersExplorer).explore();
  }
  const ofType = async (type: object, metadata: ModuleMetadata) =>
    (await explore(metadata)).filter((explored) => explored.type === type);

  const GRAPHQL = { query: 'graphql', mutation: 'graphql', subscription: 'graphql', field: 'graphql' };
  it.each<[string, ClassDecorator, keyof ModuleMetadata, Record<string, string>]>([
    ['controller', Controller(), 'controllers', { route: 'http', message: 'rpc', event: 'rpc' }],
    ['gateway', WebSocketGateway(), 'providers', { subscribed: 'ws' }],
    ['resolver', Resolver('Thing'), 'providers', {}],
    ['service', Injectable(), 'providers', {}],
  ])('returns the transports that Nest routes to each method of a %s', async (kind, decorate, list, routed) => {
    const Kinds = everyKind();
    decorate(Kinds);
    const [found, ...others] = await ofType(Kinds, { [list]: [Kinds] });
    expect(others).toEqual([]);
    expect(found!.isController).toBe(kind === 'controller');
    // A resolver is known by its methods alone.
    const transportOf: Record<string, string> = { ...GRAPHQL, reference: 'graphql', ...routed };
    const names = Object.getOwnPropertyNames(Kinds.prototype).filter((name) => name !== 'constructor');
    expect(found!.methods).toEqual(
      names.map((name) => ({
        name,
        handler: Reflect.get(Kinds.prototype, name),
        transports: transportOf[name] ? [builtInKind(transportOf[name])] : [],
      })),
    );
  });

  it('returns inherited methods, and the overriding one of overridden methods', async () => {
    class Derived extends Service {
      own() {}
    }
    class Overriding extends Service {
      override list() {}
    }
    const methodsOf = async (type: object) =>
      (await ofType(type, { providers: [Derived, Overriding] }))[0]!.methods.map(({ name, handler }) => [
        name,
        handler,
      ]);
    expect(await methodsOf(Derived)).toEqual([
      ['own', Derived.prototype.own],
      ['list', Service.prototype.list],
    ]);
    expect(await methodsOf(Overriding)).toEqual([['list', Overriding.prototype.list]]);
  });

  const made = (useFactory: () => unknown) => ({ provide: 'token', useFactory });
  it.each([
    ['finds a class', Service, true],
    ['finds a class under a token', { provide: 'token', useClass: Service }, true],
    ['finds the class of an instance that a factory returns', made(() => new Service()), true],
    ['finds the class of an instance that an async factory returns', made(async () => new Service()), true],
    ['ignores a value, which Nest does not create', { provide: 'token', useValue: new Service() }, false],
    ['ignores a class that a factory returns', made(() => Service), false],
  ])('%s', async (_, provider, found) => {
    expect(await ofType(Service, { providers: [provider] })).toHaveLength(found ? 1 : 0);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a plain object', () => ({ list() {} })],
    ['an object without prototype', () => Object.create(null)],
    ['an object whose constructor is an arrow function', () => ({ constructor: () => undefined })],
    ['an object whose constructor is not a function', () => ({ constructor: { prototype: {} } })],
  ])('ignores %s returned by a factory', async (_, useFactory) => {
    const found = await explore({ providers: [made(useFactory), Service] });
    expect(found.map(({ type }) => type)).toContain(Service);
    expect(found.every(({ type }) => /^class /.test(String(type)))).toBe(true);
  });

  it('returns a class once, with all of its modules and the ModuleRef of the first', async () => {
    const metadata = { providers: [Service, { provide: 'again', useExisting: Service }] };
    @Injectable()
    class OfOne {}
    @Module({ providers: [...metadata.providers, OfOne] })
    class One {}
    @Module(metadata)
    class Other {}
    const [found, ...others] = await ofType(Service, { imports: [One, Other] });
    expect(others).toEqual([]);
    expect(found!.modules).toEqual([One, Other]);
    expect(found!.moduleRef!.get(OfOne, { strict: true })).toBeInstanceOf(OfOne);
  });

  it('returns a controller that another module provides as a controller', async () => {
    @Controller()
    class Both {}
    @Module({ providers: [Both] })
    class Elsewhere {}
    const found = await ofType(Both, { imports: [Elsewhere], controllers: [Both] });
    expect(found).toMatchObject([{ isController: true }]);
    expect(found[0]!.modules).toHaveLength(2);
    expect(found[0]!.modules).toContain(Elsewhere);
  });

  it('returns no module and no ModuleRef if Nest’s wrapper has none', () => {
    const wrappers = { getControllers: () => [], getProviders: () => [{ metatype: Service }, { metatype: Service }] };
    const explorer = new HandlersExplorer(wrappers as unknown as DiscoveryService, new MetadataScanner(), {
      kinds: TRANSPORT_KINDS,
    });
    const [found, ...others] = explorer.explore();
    expect([found!.type, found!.moduleRef, found!.modules, others]).toStrictEqual([Service, undefined, [], []]);
  });
});
