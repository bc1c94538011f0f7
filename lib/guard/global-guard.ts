import type { CanActivate, FactoryProvider } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { ClerkGuard } from './clerk.guard.js';
import { differingOptions, findClerkModules, optionsOf, type NestModule } from './clerk-modules.js';

/** Injection token of the guard that ClerkModule registers; a registered symbol, so that two copies of this library agree. */
export const GLOBAL_GUARD = Symbol.for('nest-clerk:global-guard');

/**
 * Registers the guard for every handler, before all other global guards, so that these know the caller. Not as APP_GUARD:
 * Nest runs those of AppModule before those of the modules that it imports. While providers are made, none of them is
 * registered yet. A factory runs once the options, async ones too, are resolved.
 *
 * Of several modules with the same options, one registers its guard; the others share it.
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
