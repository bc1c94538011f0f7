import type { CanActivate, FactoryProvider } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { ClerkGuard } from './clerk.guard.js';
import { differingOptions, findClerkModules, optionsOf, type NestModule } from './clerk-modules.js';

/**
 * Injection token of the guard that ClerkModule registers. A registered symbol, shared by all copies of this library.
 */
export const GLOBAL_GUARD = Symbol.for('nest-clerk:global-guard');

/**
 * Registers the guard for every handler, before all other global guards, so that they can read the caller.
 *
 * APP_GUARD is not used because Nest runs AppModule's guards before those of imported modules. This factory runs while
 * providers are created, when no APP_GUARD is registered yet, and after the options are resolved, async ones too.
 *
 * If several modules have the same options, one registers its guard and the others share it.
 */
export const globalGuard: FactoryProvider<CanActivate> = {
  provide: GLOBAL_GUARD,
  useFactory: (
    guard: CanActivate,
    options: ResolvedClerkOptions,
    modules: ModulesContainer,
    config: ApplicationConfig,
  ) => {
    const equal = findClerkModules(modules).filter((one) => hasOptions(one, options));
    const registered = equal
      .map(({ providers }) => providers.get(ClerkGuard)?.instance as CanActivate)
      .find((one) => config.getGlobalGuards().includes(one));
    if (!registered) config.addGlobalGuard(guard);
    return registered ?? guard;
  },
  inject: [ClerkGuard, CLERK_OPTIONS, ModulesContainer, ApplicationConfig],
};

function hasOptions(clerkModule: NestModule, options: ResolvedClerkOptions): boolean {
  const own = optionsOf(clerkModule);
  return own !== undefined && differingOptions(own, options).length === 0;
}
