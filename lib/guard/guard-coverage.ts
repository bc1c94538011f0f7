import { Inject, Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';

import type { HandlerTransport } from '../policy/handlers.explorer.js';
import type { Handler } from '../policy/policy.reader.js';
import { WebSocketPackage } from '../transports/websocket/websocket.package.js';
import { ClerkGuard } from './clerk.guard.js';
import { findClerkModules } from './clerk-modules.js';
import { clerkGuardsOf } from './guard-replacement.js';

/** Tells before which handlers Nest runs ClerkGuard. */
@Injectable()
export class GuardCoverage {
  constructor(
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(WebSocketPackage) private readonly websockets: WebSocketPackage,
  ) {}

  /** Whether `ClerkGuard`, or a class derived from it, runs before every handler that global guards reach. */
  get isGlobal(): boolean {
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    return [...this.config.getGlobalGuards(), ...perRequest].some(isClerkGuard) || this.isReplaced;
  }

  /** Whether a test has replaced our guard with one of its own, which then decides. */
  get isReplaced(): boolean {
    const guards = findClerkModules(this.modules).flatMap(clerkGuardsOf);
    return guards.some(({ instance }) => Boolean(instance) && !isClerkGuard(instance));
  }

  /**
   * Whether it runs before this handler. A microservice that was connected without `inheritAppConfig` leaves out global
   * guards, which cannot be told from here.
   */
  covers(type: Type, handler: Handler, transport: HandlerTransport): boolean {
    if (transport === 'graphql' && isFieldResolver(type, handler) && !this.coversFields()) return false;
    if (hasOwnGuard(type, handler)) return true;
    return this.isGlobal && (transport !== 'ws' || this.websockets.hasGlobalGuards());
  }

  /** Nest runs guards before GraphQL's field resolvers only where it is told to. */
  private coversFields(): boolean {
    try {
      const each = { strict: false, each: true } as const;
      const options = this.moduleRef.get<{ fieldResolverEnhancers?: readonly string[] }>('GqlModuleOptions', each);
      return options.every(({ fieldResolverEnhancers = [] }) => fieldResolverEnhancers.includes('guards'));
    } catch {
      return false;
    }
  }
}

/** Whether `@UseGuards()` puts it before this one. */
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

/** The root types; whatever else carries GraphQL's metadata resolves a field of some other type. */
const ROOT_TYPES: readonly unknown[] = ['Query', 'Mutation', 'Subscription'];

/** The type that a resolver of GraphQL resolves something of; its keys are those of @nestjs/graphql, spelt out. */
export function resolvedTypeOf(type: Type, handler: Handler): string | undefined {
  const key = 'graphql:resolver_type';
  return (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, type)) as string | undefined;
}

/** Whether a resolver of GraphQL resolves a field of a type, and no query, mutation or subscription. */
export function isFieldResolver(type: Type, handler: Handler): boolean {
  return !ROOT_TYPES.includes(resolvedTypeOf(type, handler));
}
