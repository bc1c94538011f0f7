import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';

import type { HandlerTransport } from '../policy/handlers.explorer.js';
import type { Handler } from '../policy/policy.reader.js';
import { WebSocketPackage } from '../transports/websocket/websocket.package.js';
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
    private readonly websockets: WebSocketPackage,
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
  covers(type: Type, handler: Handler, transport: HandlerTransport): boolean {
    if (transport === 'graphql' && isFieldResolver(type, handler) && !this.coversFields()) return false;
    if (hasOwnGuard(type, handler)) return true;
    return this.isGlobal && (transport !== 'ws' || this.websockets.hasGlobalGuards());
  }

  /** Nest runs guards before GraphQL field resolvers only if `fieldResolverEnhancers` includes `guards`. */
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

/** The root types. Handlers with GraphQL metadata for any other type are field resolvers. */
const ROOT_TYPES: readonly unknown[] = ['Query', 'Mutation', 'Subscription'];

/** The GraphQL type that a resolver belongs to. Literal metadata keys, because @nestjs/graphql is an optional peer. */
export function resolvedTypeOf(type: Type, handler: Handler): string | undefined {
  const key = 'graphql:resolver_type';
  return (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, type)) as string | undefined;
}

/** Whether a GraphQL resolver resolves a field, and not a query, mutation or subscription. */
export function isFieldResolver(type: Type, handler: Handler): boolean {
  return !ROOT_TYPES.includes(resolvedTypeOf(type, handler));
}
