import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig } from '@nestjs/core';

import { ClerkGuard } from '../../../lib/guard/clerk.guard.js';
import { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { ClerkGuardPresence } from '../../../lib/guard/guard-presence.js';
import { GLOBAL_GUARD } from '../../../lib/guard/global-guard.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';
import { attachIdentity } from '../../../lib/transports/attachment.js';

const ours = Object.create(ClerkGuard.prototype) as ClerkGuard;
class Other implements CanActivate {
  canActivate() {
    return true;
  }
}
const OF_APPLICATION = `${APP_GUARD} (UUID: 1)`;

/** What Nest keeps of a provider. */
const wrapper = (instance: unknown, isStatic = true, more: object = {}) => ({
  instance,
  isDependencyTreeStatic: () => isStatic,
  ...more,
});
const OPTIONS = [CLERK_OPTIONS, wrapper({})] as const;

type Providers = readonly (readonly [token: unknown, provider: object])[];

/** An application with these modules, and global guards. */
function presence(modules: readonly Providers[], guards: readonly unknown[] = [], perRequest: readonly unknown[] = []) {
  const config = new ApplicationConfig();
  config.getGlobalGuards = () => guards as CanActivate[];
  for (const metatype of perRequest) config.addGlobalRequestGuard({ metatype } as never);
  const container = new Map(
    modules.map((providers, index) => [index, { providers: new Map(providers), injectables: new Map() }]),
  );
  const coverage = new GuardCoverage(config, container as never, {} as never);
  return new ClerkGuardPresence(container as never, config, coverage);
}
const problemsOf = (...application: Parameters<typeof presence>): readonly string[] => {
  try {
    presence(...application).onModuleInit();
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-configuration' });
    return (error as { problems: string[] }).problems;
  }
};

const SCOPED_OPTIONS = expect.stringMatching(
  /^the options of ClerkModule\.forRootAsync\(\) are request-scoped/,
) as string;
const NOT_REGISTERED = expect.stringMatching(/^the guard that ClerkModule brings was not registered/) as string;
const EARLIER = expect.stringMatching(/^the global guard Other would run before ClerkGuard/) as string;
const SCOPED_GUARD = expect.stringMatching(/^a guard registered as APP_GUARD .* is request-scoped/) as string;

describe('ClerkGuardPresence', () => {
  it.each<[string, readonly Providers[], unknown[], unknown[], string[]]>([
    ['ClerkGuard is registered', [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [ours], [], []],
    [
      'ClerkGuard is the first of several global guards',
      [[], [OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]],
      [ours, new Other()],
      [],
      [],
    ],
    [
      'another global guard runs before ClerkGuard',
      [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]],
      [new Other(), ours],
      [],
      [EARLIER],
    ],
    [
      'another guard runs before ClerkGuard, and the module does not register the guard itself',
      [[OPTIONS]],
      [new Other(), ours],
      [],
      [],
    ],
    [
      'the guard of another copy of this library runs before it',
      [
        [OPTIONS, [GLOBAL_GUARD, wrapper('copy')]],
        [OPTIONS, [GLOBAL_GUARD, wrapper(ours)]],
      ],
      ['copy', ours],
      [],
      [],
    ],
    ['the module registers no guard', [[OPTIONS]], [], [], []],
    ['a test has replaced the guard', [[OPTIONS, [GLOBAL_GUARD, wrapper('mock')]]], ['mock'], [], []],
    ['the guard was not created', [[OPTIONS, [GLOBAL_GUARD, wrapper(undefined)]]], [undefined], [], [NOT_REGISTERED]],
    ['the guard was created but not registered', [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [], [], [NOT_REGISTERED]],
    [
      'one of two guards was not registered',
      [
        [OPTIONS, [GLOBAL_GUARD, wrapper(ours)]],
        [OPTIONS, [GLOBAL_GUARD, wrapper(undefined)]],
      ],
      [ours],
      [],
      [NOT_REGISTERED],
    ],
    ['options are request-scoped', [[[CLERK_OPTIONS, wrapper(undefined, false)]]], [], [], [SCOPED_OPTIONS]],
    [
      'options are request-scoped in two modules, and the guard was not registered',
      [
        [
          [CLERK_OPTIONS, wrapper(undefined, false)],
          [GLOBAL_GUARD, wrapper(undefined)],
        ],
        [[CLERK_OPTIONS, wrapper(undefined, false)]],
      ],
      [],
      [],
      [SCOPED_OPTIONS, NOT_REGISTERED],
    ],
    ['ClerkGuard is a request-scoped global guard', [[OPTIONS]], [], [ClerkGuard], [SCOPED_GUARD]],
    ['another guard is a request-scoped global guard', [[OPTIONS]], [], [Other], []],
    [
      'a request-scoped ClerkGuard under APP_GUARD was dropped by Nest',
      [[OPTIONS], [[OF_APPLICATION, wrapper({}, false, { metatype: ClerkGuard })]]],
      [],
      [],
      [SCOPED_GUARD],
    ],
    [
      'another request-scoped guard under APP_GUARD was dropped by Nest',
      [[OPTIONS], [[OF_APPLICATION, wrapper({}, false, { metatype: Other })]]],
      [],
      [],
      [],
    ],
    [
      'a request-scoped guard made by a factory was dropped by Nest',
      [[OPTIONS], [[OF_APPLICATION, wrapper(undefined, false, { metatype: () => ours, inject: [] })]]],
      [],
      [],
      [SCOPED_GUARD],
    ],
    [
      'a provider that is not a guard is request-scoped',
      [[OPTIONS, ['THING', wrapper(undefined, false, { inject: [] })]]],
      [],
      [],
      [],
    ],
    [
      'a request-scoped provider has a symbol as its token',
      [[OPTIONS, [Symbol('APP_GUARD'), wrapper(undefined, false)]]],
      [],
      [],
      [],
    ],
  ])('reports exactly the expected problems at boot if %s', (_name, modules, guards, perRequest, problems) => {
    expect(problemsOf(modules, guards, perRequest)).toEqual(problems);
  });

  describe('isGuarded()', () => {
    class Routes {
      bare() {}
      @UseGuards(ClerkGuard) own() {}
    }
    const request = { headers: {}, url: '/' };
    const contextOf = (name: keyof Routes) =>
      ({
        getType: () => 'http',
        getArgs: () => [request],
        switchToHttp: () => ({ getRequest: () => request }),
        getClass: () => Routes,
        getHandler: () => Routes.prototype[name],
      }) as unknown as ExecutionContext;
    const identity = {} as never;
    beforeEach(() =>
      Reflect.ownKeys(request)
        .filter((key) => typeof key === 'symbol')
        .forEach((key) => Reflect.deleteProperty(request, key)),
    );

    it('returns true if ClerkGuard has run, with or without authenticating the caller', () => {
      attachIdentity(request, identity, { load: () => Promise.reject(new Error('not asked for')) });
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(true);
      attachIdentity(request, undefined, { load: () => Promise.reject(new Error('not asked for')) });
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(true);
    });

    it('returns false if nothing or only ClerkMiddleware has run', () => {
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(false);
      attachIdentity(request, identity);
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(false);
    });

    it('returns true if the handler has @UseGuards(ClerkGuard)', () => {
      expect(presence([[OPTIONS]]).isGuarded(contextOf('own'))).toBe(true);
    });

    it('returns true if a test has replaced ClerkGuard', () => {
      const replaced = presence([[OPTIONS, [ClerkGuard, wrapper(new Other())]]]);
      expect(replaced.isGuarded(contextOf('bare'))).toBe(true);
    });
  });
});
