import { UseGuards, type CanActivate } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { Query, ResolveField, Resolver } from '@nestjs/graphql';

import { ClerkGuard } from '../../../lib/guard/clerk.guard.js';
import { GuardCoverage, hasOwnGuard } from '../../../lib/guard/guard-coverage.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';
import { builtInKind, type BuiltInTransport } from '../../../lib/transports/transport-kinds.js';
import { WebSocketPackage } from '../../../lib/transports/websocket/websocket.package.js';

class Derived extends ClerkGuard {}
class Other implements CanActivate {
  canActivate() {
    return true;
  }
}
const ours = Object.create(ClerkGuard.prototype) as ClerkGuard;
const derived = Object.create(Derived.prototype) as ClerkGuard;
const lookalike = { constructor: ClerkGuard, canActivate: () => true };

/** @param modules The modules of the application, by what each has under the name ClerkGuard. */
function coverageOf(
  config: ApplicationConfig,
  moduleRef = {},
  modules: ReadonlyMap<number, object> = new Map(),
): GuardCoverage {
  return new GuardCoverage(config, modules as never, moduleRef as never);
}

describe('GuardCoverage.isReplaced', () => {
  const named = (instance?: unknown) =>
    new Map<unknown, object>(instance === undefined ? [] : [[ClerkGuard, { instance }]]);
  const ofClerk = (provided?: unknown, injectable?: unknown) => ({
    providers: named(provided).set(CLERK_OPTIONS, { instance: {} }),
    injectables: named(injectable),
  });
  const ofApplication = (provided: unknown) => ({ providers: named(provided), injectables: named() });

  it.each<[string, object[], boolean]>([
    ['no ClerkModule', [], false],
    ['ClerkGuard itself', [ofClerk(ours, ours)], false],
    ['a subclass', [ofClerk(derived, derived)], false],
    ['a guard that is not created yet', [ofClerk(null, null)], false],
    ['another guard in place of the provider', [ofClerk(ours), ofClerk(new Other(), ours)], true],
    ['another guard in place of the guard of @UseGuards()', [ofClerk(ours, new Other())], true],
    [
      'another guard under the token ClerkGuard in a module of the application',
      [ofClerk(ours), ofApplication(new Other())],
      false,
    ],
  ])('detects, with %s, whether a test has replaced ClerkGuard', (_, modules, isReplaced) => {
    const coverage = coverageOf(new ApplicationConfig(), {}, new Map(modules.entries()));
    expect(coverage.isReplaced).toBe(isReplaced);
    expect(coverage.isGlobal).toBe(isReplaced);
  });
});

describe('GuardCoverage.isGlobal', () => {
  it.each<[string, CanActivate[], unknown[], boolean]>([
    ['no global guard', [], [], false],
    ['ClerkGuard', [ours], [], true],
    ['a subclass of ClerkGuard', [derived], [], true],
    ['ClerkGuard after another guard', [new Other(), ours], [], true],
    ['only another guard', [new Other()], [], false],
    ['a guard that only has the same name and methods', [lookalike], [], false],
    ['a request-scoped ClerkGuard', [], [ClerkGuard], true],
    ['a request-scoped subclass', [], [Other, Derived], true],
    ['only other request-scoped guards', [], [Other, undefined, () => true], false],
  ])('detects, with %s, whether ClerkGuard is a global guard', (_, guards, perRequest, guarded) => {
    const config = new ApplicationConfig();
    config.useGlobalGuards(...guards);
    for (const metatype of perRequest) config.addGlobalRequestGuard({ metatype } as never);
    expect(coverageOf(config).isGlobal).toBe(guarded);
  });
});

describe('hasOwnGuard()', () => {
  class Routes {
    bare() {}
    @UseGuards(ClerkGuard) own() {}
    @UseGuards(Other, derived) instance() {}
    @UseGuards(Other) other() {}
  }
  @UseGuards(Derived)
  class Guarded {
    bare() {}
  }

  it.each([
    [Routes, 'bare', false],
    [Routes, 'own', true],
    [Routes, 'instance', true],
    [Routes, 'other', false],
    [Guarded, 'bare', true],
  ] as const)('for %p.%s returns %s', (type, name, guarded) => {
    expect(hasOwnGuard(type, (type.prototype as Routes)[name as 'bare'])).toBe(guarded);
  });
});

describe('GuardCoverage.covers()', () => {
  class Handlers {
    bare() {}
    @UseGuards(ClerkGuard) own() {}
    @Query(() => String) query() {}
    @UseGuards(ClerkGuard) @Query(() => String) ownQuery() {}
  }
  @Resolver('Thing')
  class Fields {
    @ResolveField() field() {}
    @UseGuards(ClerkGuard) @ResolveField() ownField() {}
  }
  type Name = keyof Handlers | keyof Fields;

  function covers(
    name: Name,
    transport: BuiltInTransport,
    {
      isGlobal = true,
      reachesGateways = true,
      enhancers,
    }: { isGlobal?: boolean; reachesGateways?: boolean; enhancers?: unknown[] } = {},
  ): boolean {
    const config = new ApplicationConfig();
    if (isGlobal) config.useGlobalGuards(ours);
    const moduleRef = {
      get: (token: unknown) => {
        if (token === WebSocketPackage) return { hasGlobalGuards: () => reachesGateways };
        if (!enhancers) throw new Error('no GraphQLModule');
        return enhancers;
      },
    };
    const coverage = coverageOf(config, moduleRef);
    const type = name in Fields.prototype ? Fields : Handlers;
    return coverage.covers(type, Reflect.get(type.prototype, name), builtInKind(transport)!);
  }
  const GUARDED = { fieldResolverEnhancers: ['interceptors', 'guards'] };

  it.each<[Name, BuiltInTransport, Parameters<typeof covers>[2], boolean]>([
    ['bare', 'http', {}, true],
    ['bare', 'rpc', {}, true],
    ['bare', 'http', { isGlobal: false }, false],
    ['own', 'http', { isGlobal: false }, true],
    ['bare', 'ws', {}, true],
    ['bare', 'ws', { reachesGateways: false }, false],
    ['own', 'ws', { reachesGateways: false }, true],
    ['bare', 'ws', { isGlobal: false }, false],
    ['query', 'graphql', {}, true],
    ['query', 'graphql', { isGlobal: false }, false],
    ['ownQuery', 'graphql', { isGlobal: false }, true],
    ['field', 'graphql', {}, false],
    ['field', 'graphql', { enhancers: [{}] }, false],
    ['field', 'graphql', { enhancers: [GUARDED] }, true],
    ['field', 'graphql', { enhancers: [GUARDED, {}] }, false],
    ['field', 'graphql', { enhancers: [GUARDED], isGlobal: false }, false],
    ['ownField', 'graphql', {}, false],
    ['ownField', 'graphql', { enhancers: [GUARDED], isGlobal: false }, true],
  ])('of the handler %s over %s with %j is %p', (name, transport, setup, covered) => {
    expect(covers(name, transport, setup)).toBe(covered);
  });
});
