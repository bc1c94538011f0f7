import { Inject, Injectable, UseGuards, type CanActivate, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { ClerkGuard } from './clerk.guard.js';
import { findClerkModules, type NestModule } from './clerk-modules.js';

/**
 * Lets a test replace ClerkGuard everywhere in one way. For Nest, the global guard is a provider, which
 * `overrideProvider()` replaces, and a guard of `@UseGuards()` is none, which `overrideGuard()` replaces: whichever a test
 * calls, the guards that it leaves in place hand each call to the replacement.
 *
 * It is guarded itself, so that `overrideGuard(ClerkGuard)` leaves a trace in every application.
 */
@Injectable()
@UseGuards(ClerkGuard)
export class GuardReplacement implements OnModuleInit {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  onModuleInit(): void {
    const [replacement] = findClerkModules(this.modules)
      .flatMap(clerkGuardsOf)
      .filter(({ metatype }) => metatype !== ClerkGuard)
      .map(({ instance }) => instance);
    if (!replacement) return;
    const inPlace = [...this.modules.values()].flatMap(clerkGuardsOf).filter(({ metatype }) => metatype === ClerkGuard);
    for (const { instance } of inPlace) instance.canActivate = (context) => replacement.canActivate(context);
  }
}

interface GuardWrapper {
  readonly metatype: unknown;
  readonly instance: CanActivate;
}

/** What a module has under the name ClerkGuard: as a provider, and for `@UseGuards()`. */
export function clerkGuardsOf({ providers, injectables }: NestModule): GuardWrapper[] {
  const wrappers = [providers.get(ClerkGuard), injectables.get(ClerkGuard)];
  return wrappers.filter((one) => one !== undefined) as GuardWrapper[];
}
