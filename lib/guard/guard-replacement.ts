import { Injectable, UseGuards, type CanActivate, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import { ClerkGuard } from './clerk.guard.js';
import { findClerkModules, type NestModule } from './clerk-modules.js';

/**
 * Makes `overrideProvider(ClerkGuard)` and `overrideGuard(ClerkGuard)` each replace the guard everywhere.
 *
 * To Nest, the global guard is a provider, which `overrideProvider()` replaces. A guard of `@UseGuards()` is an
 * injectable, which `overrideGuard()` replaces. Whichever a test calls, the remaining ClerkGuard instances delegate to
 * the replacement.
 *
 * `@UseGuards(ClerkGuard)` on this class makes `overrideGuard(ClerkGuard)` detectable in every application.
 */
@Injectable()
@UseGuards(ClerkGuard)
export class GuardReplacement implements OnModuleInit {
  constructor(private readonly modules: ModulesContainer) {}

  onModuleInit(): void {
    const [replacement] = findClerkModules(this.modules)
      .flatMap(clerkGuardsOf)
      .filter(({ metatype }) => metatype !== ClerkGuard)
      .map(({ instance }) => instance);
    if (!replacement) return;
    const remaining = [...this.modules.values()]
      .flatMap(clerkGuardsOf)
      .filter(({ metatype }) => metatype === ClerkGuard);
    for (const { instance } of remaining) instance.canActivate = (context) => replacement.canActivate(context);
  }
}

interface GuardWrapper {
  readonly metatype: unknown;
  readonly instance: CanActivate;
}

/** The ClerkGuard entries of a module: as a provider, and as an injectable of `@UseGuards()`. */
export function clerkGuardsOf({ providers, injectables }: NestModule): GuardWrapper[] {
  const wrappers = [providers.get(ClerkGuard), injectables.get(ClerkGuard)];
  return wrappers.filter((one) => one !== undefined) as GuardWrapper[];
}
