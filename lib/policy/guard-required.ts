import {
  Injectable,
  Logger,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import type { Denial } from '../errors/denial.js';
import { INVALID_POLICY } from '../errors/denials.js';
import { toHttpException } from '../errors/exceptions.js';

/** Tells whether ClerkGuard runs for a call. */
export interface GuardPresence {
  /** Whether ClerkGuard has run for this call, or will before the handler runs. */
  isGuarded(context: ExecutionContext): boolean;
  /** Denies a call in the way of its transport; `undefined` where an HTTP exception is right. */
  deny?(context: ExecutionContext, denial: Denial): Promise<never> | undefined;
}

/** Injection token of {@link GuardPresence}; a registered symbol, so that two copies of this library share it. */
export const GUARD_PRESENCE = Symbol.for('nest-clerk:guard-presence');

/**
 * Denies calls for which no ClerkGuard runs. Every decorator that restricts a handler adds it, so that the decorator is
 * never ignored: where ClerkModule is not imported, or in a microservice without global guards.
 */
@Injectable()
export class GuardRequired implements CanActivate, OnModuleInit {
  private readonly logger = new Logger('ClerkGuard');
  private readonly reported = new WeakSet<object>();
  private found: GuardPresence | undefined;

  constructor(private readonly moduleRef: ModuleRef) {}

  /** @throws ClerkPolicyError if ClerkModule is not imported. */
  onModuleInit(): void {
    if (!this.presence) throw new ClerkPolicyError([NOT_IMPORTED]);
  }

  /** @throws ClerkInternalServerErrorException for a call for which no ClerkGuard runs. */
  canActivate(context: ExecutionContext): boolean | Promise<never> {
    if (this.presence?.isGuarded(context)) return true;
    const handler = context.getHandler();
    if (!this.reported.has(handler)) {
      this.reported.add(handler);
      const why = this.presence ? NOT_GUARDED : NOT_IMPORTED;
      this.logger.error(`${context.getClass().name}.${handler.name}: denied 500: ${why}`);
    }
    const denied = this.presence?.deny?.(context, INVALID_POLICY);
    if (denied) return denied;
    throw toHttpException(INVALID_POLICY);
  }

  private get presence(): GuardPresence | undefined {
    return (this.found ??= this.findPresence());
  }

  private findPresence(): GuardPresence | undefined {
    try {
      return this.moduleRef.get<GuardPresence>(GUARD_PRESENCE, { strict: false });
    } catch {
      return undefined;
    }
  }
}

/** Adds {@link GuardRequired} to a handler, or to all handlers of a class. */
export function requireGuard(target: object): void {
  const guards = Reflect.getMetadata('__guards__', target) as readonly unknown[] | undefined;
  // Called as a class decorator, UseGuards writes to its target, whether class or handler.
  if (!guards?.includes(GuardRequired)) UseGuards(GuardRequired)(target as never);
}

const NOT_IMPORTED =
  'handlers have decorators of nest-clerk, but ClerkModule is not imported: add ClerkModule.forRoot() to the imports of the root module.';

const NOT_GUARDED =
  'it has decorators of nest-clerk, but no ClerkGuard runs before it. Connect microservices with ' +
  'connectMicroservice(options, { inheritAppConfig: true }), or add @UseGuards(ClerkGuard).';
