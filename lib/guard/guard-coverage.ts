import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';

import type { Handler } from '../policy/policy.reader.js';
import type { TransportKind } from '../transports/transport-kind.js';
import { ClerkGuard } from './clerk.guard.js';
import { findClerkModules } from './clerk-modules.js';
import { clerkGuardsOf } from './guard-replacement.js';

/** Detects which handlers ClerkGuard protects. */
@Injectable()
export class GuardCoverage {
  constructor(
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Whether `ClerkGuard`, or a subclass, is a global guard. */
  get isGlobal(): boolean {
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    return [...this.config.getGlobalGuards(), ...perRequest].some(isClerkGuard) || this.isReplaced;
  }

  /** Whether a test has replaced ClerkGuard with a guard of its own. */
  get isReplaced(): boolean {
    const guards = findClerkModules(this.modules).flatMap(clerkGuardsOf);
    return guards.some(({ instance }) => Boolean(instance) && !isClerkGuard(instance));
  }

  /**
   * Whether ClerkGuard runs before this handler. Does not detect microservices connected without `inheritAppConfig`, to
   * which global guards do not apply.
   */
  covers(type: Type, handler: Handler, { guards }: Pick<TransportKind, 'guards'>): boolean {
    if (guards?.reaches?.(type, handler, this.moduleRef) === false) return false;
    if (hasOwnGuard(type, handler)) return true;
    return this.isGlobal && (guards?.reachesGlobally?.(this.moduleRef) ?? true);
  }

  /**
   * Whether a handler needs a guard of its own although ClerkGuard is global, because Nest runs no global guard before
   * the handlers of this transport.
   */
  needsOwnGuard({ guards }: Pick<TransportKind, 'guards'>): boolean {
    return this.isGlobal && guards?.reachesGlobally?.(this.moduleRef) === false;
  }
}

/** Whether `@UseGuards()` on the class or handler includes ClerkGuard. */
export function hasOwnGuard(type: Type, handler: Handler): boolean {
  const guards = [type, handler].flatMap(
    (target) => Reflect.getMetadata('__guards__', target) as unknown[] | undefined,
  );
  return guards.some(isClerkGuard);
}

export function isClerkGuard(guard: unknown): boolean {
  if (guard instanceof ClerkGuard || guard === ClerkGuard) return true;
  return typeof guard === 'function' && guard.prototype instanceof ClerkGuard;
}
