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
    ['the guard is there', [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [ours], [], []],
    ['it runs before others', [[], [OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [ours, new Other()], [], []],
    ['another runs before it', [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [new Other(), ours], [], [EARLIER]],
    ['another runs before one that none was wanted of', [[OPTIONS]], [new Other(), ours], [], []],
    [
      'another copy of this library runs its own before it',
      [
        [OPTIONS, [GLOBAL_GUARD, wrapper('copy')]],
        [OPTIONS, [GLOBAL_GUARD, wrapper(ours)]],
      ],
      ['copy', ours],
      [],
      [],
    ],
    ['none is wanted', [[OPTIONS]], [], [], []],
    ['a test has put another in its place', [[OPTIONS, [GLOBAL_GUARD, wrapper('mock')]]], ['mock'], [], []],
    ['it was not made', [[OPTIONS, [GLOBAL_GUARD, wrapper(undefined)]]], [undefined], [], [NOT_REGISTERED]],
    ['it was not registered', [[OPTIONS, [GLOBAL_GUARD, wrapper(ours)]]], [], [], [NOT_REGISTERED]],
    [
      'one of two was not registered',
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
      'both, twice',
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
    ['ours is made for each request', [[OPTIONS]], [], [ClerkGuard], [SCOPED_GUARD]],
    ['another is made for each request', [[OPTIONS]], [], [Other], []],
    [
      'ours was dropped',
      [[OPTIONS], [[OF_APPLICATION, wrapper({}, false, { metatype: ClerkGuard })]]],
      [],
      [],
      [SCOPED_GUARD],
    ],
    ['another was dropped', [[OPTIONS], [[OF_APPLICATION, wrapper({}, false, { metatype: Other })]]], [], [], []],
    [
      'one was dropped that a factory makes',
      [[OPTIONS], [[OF_APPLICATION, wrapper(undefined, false, { metatype: () => ours, inject: [] })]]],
      [],
      [],
      [SCOPED_GUARD],
    ],
    ['something else is request-scoped', [[OPTIONS, ['THING', wrapper(undefined, false, { inject: [] })]]], [], [], []],
    [
      'something else has a symbol for a name',
      [[OPTIONS, [Symbol('APP_GUARD'), wrapper(undefined, false)]]],
      [],
      [],
      [],
    ],
  ])('when the application boots and %s', (_name, modules, guards, perRequest, problems) => {
    expect(problemsOf(modules, guards, perRequest)).toEqual(problems);
  });

  describe('isGuarded', () => {
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

    it('calls that the guard has looked at, with or without looking who is calling', () => {
      attachIdentity(request, identity, { load: () => Promise.reject(new Error('not asked for')) });
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(true);
      attachIdentity(request, undefined, { load: () => Promise.reject(new Error('not asked for')) });
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(true);
    });

    it('no calls that nothing but ClerkMiddleware has looked at, or nothing at all', () => {
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(false);
      attachIdentity(request, identity);
      expect(presence([[OPTIONS]]).isGuarded(contextOf('bare'))).toBe(false);
    });

    it('calls that its own @UseGuards() will look at', () => {
      expect(presence([[OPTIONS]]).isGuarded(contextOf('own'))).toBe(true);
    });

    it('calls of an application whose test has put another guard in the place of ours', () => {
      const replaced = presence([[OPTIONS, [ClerkGuard, wrapper(new Other())]]]);
      expect(replaced.isGuarded(contextOf('bare'))).toBe(true);
    });
  });
});
