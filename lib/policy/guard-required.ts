import {
  Inject,
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
import { ClerkErrorCode } from '../errors/error-codes.js';
import { toHttpException } from '../errors/exceptions.js';

/** Tells whether a call is judged by ClerkGuard. */
export interface GuardPresence {
  /** Whether ClerkGuard has judged this call, or will before the handler runs. */
  judges(context: ExecutionContext): boolean;
  /** Refuses a call in the way of its transport; `undefined` where an exception of HTTP is right. */
  deny?(context: ExecutionContext, denial: Denial): Promise<never> | undefined;
}

/** Injection token of {@link GuardPresence}; registered, so that two copies of this library find each other's. */
export const GUARD_PRESENCE = Symbol.for('nest-clerk:guard-presence');

/**
 * Denies calls that no ClerkGuard judges. Every decorator that closes a handler puts it before that handler, so that the
 * decorator never goes unread: where ClerkModule isn't imported, or in a microservice that leaves out global guards.
 */
@Injectable()
export class GuardRequired implements CanActivate, OnModuleInit {
  private readonly logger = new Logger('ClerkGuard');
  private readonly reported = new WeakSet<object>();
  private found: GuardPresence | undefined;

  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /** @throws ClerkPolicyError where ClerkModule is not imported. */
  onModuleInit(): void {
    if (!this.presence) throw new ClerkPolicyError([NOT_IMPORTED]);
  }

  /** @throws ClerkInternalServerErrorException for a call that no ClerkGuard judges. */
  canActivate(context: ExecutionContext): boolean | Promise<never> {
    if (this.presence?.judges(context)) return true;
    const handler = context.getHandler();
    if (!this.reported.has(handler)) {
      this.reported.add(handler);
      const why = this.presence ? NOT_GUARDED : NOT_IMPORTED;
      this.logger.error(`${context.getClass().name}.${handler.name}: denied 500: ${why}`);
    }
    const denied = this.presence?.deny?.(context, MISCONFIGURED);
    if (denied) return denied;
    throw toHttpException(MISCONFIGURED);
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

/** Puts {@link GuardRequired} before a handler, or before all handlers of a class. */
export function requireGuard(target: object): void {
  const guards = Reflect.getMetadata('__guards__', target) as readonly unknown[] | undefined;
  // Called as a class decorator, UseGuards writes to whatever it is given, be it a class or a handler.
  if (!guards?.includes(GuardRequired)) UseGuards(GuardRequired)(target as never);
}

const MISCONFIGURED: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidPolicy,
  message: 'This route is misconfigured.',
};

const NOT_IMPORTED =
  'handlers carry decorators of nest-clerk, but ClerkModule is not imported: add ClerkModule.forRoot() to the imports of the root module.';

const NOT_GUARDED =
  'it carries decorators of nest-clerk, but no ClerkGuard runs before it. Connect microservices with ' +
  'connectMicroservice(options, { inheritAppConfig: true }), or add @UseGuards(ClerkGuard).';
