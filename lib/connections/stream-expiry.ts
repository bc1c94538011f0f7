import type { CallHandler, ExecutionContext, FactoryProvider, NestInterceptor } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { takeUntil, timer, type Observable } from 'rxjs';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { sessionExpiryOf, timeUntil } from './session-expiry.js';

/** The metadata key of Nest's `@Sse()`. */
const IS_SSE = '__sse__';

/** Ends server-sent event streams when the session tokens that opened them expire. */
export class StreamExpiry implements NestInterceptor {
  constructor(private readonly instances: Pick<ClerkInstances, 'for'>) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<Observable<unknown>> {
    const expiry = Reflect.hasMetadata(IS_SSE, context.getHandler()) ? sessionExpiryOf(context) : undefined;
    return expiry === undefined ? next.handle() : this.endOnExpiry(expiry, context, next);
  }

  private async endOnExpiry(
    expiry: number,
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const remainingMs = await timeUntil(expiry, context, this.instances);
    // Nest unsubscribes when the client disconnects, which also clears the timer.
    return next.handle().pipe(takeUntil(timer(remainingMs)));
  }
}

/**
 * Registers the interceptor if the option is set. APP_INTERCEPTOR is not used because even an idle interceptor costs
 * every request more than the guard does, and the option is only known once the options are resolved.
 */
export const streamExpiry: FactoryProvider<StreamExpiry | undefined> = {
  provide: StreamExpiry,
  useFactory: (options: ResolvedClerkOptions, instances: ClerkInstances, config: ApplicationConfig) => {
    if (!options.endStreamsOnExpiry) return undefined;
    const interceptor = new StreamExpiry(instances);
    config.addGlobalInterceptor(interceptor);
    return interceptor;
  },
  inject: [CLERK_OPTIONS, ClerkInstances, ApplicationConfig],
};
