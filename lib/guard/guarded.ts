import type { Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';

import { ClerkGuard } from './clerk.guard.js';
import type { Handler } from '../policy/policy.reader.js';

/** Whether `ClerkGuard`, or a class derived from it, runs before every handler. */
export function hasGlobalGuard(config: ApplicationConfig): boolean {
  const perRequest = config.getGlobalRequestGuards().map(({ metatype }) => metatype);
  return [...config.getGlobalGuards(), ...perRequest].some(isClerkGuard);
}

/** Whether `@UseGuards()` puts it before this one. */
export function hasOwnGuard(type: Type, handler: Handler): boolean {
  const guards = [type, handler].flatMap(
    (target) => Reflect.getMetadata('__guards__', target) as unknown[] | undefined,
  );
  return guards.some(isClerkGuard);
}

function isClerkGuard(guard: unknown): boolean {
  if (guard instanceof ClerkGuard || guard === ClerkGuard) return true;
  return typeof guard === 'function' && guard.prototype instanceof ClerkGuard;
}
