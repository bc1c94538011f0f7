import type { CallHandler, ExecutionContext, FactoryProvider, NestInterceptor } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { takeUntil, timer, type Observable } from 'rxjs';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { sessionExpiryOf, timeUntil } from './session-expiry.js';

/** What `@Sse()` of Nest writes on handlers. */
const IS_SSE = '__sse__';

/** Ends the streams of server-sent events once the session tokens that opened them have expired. */
export class StreamExpiry implements NestInterceptor {
  constructor(private readonly instances: Pick<ClerkInstances, 'for'>) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<Observable<unknown>> {
    const expiry = Reflect.hasMetadata(IS_SSE, context.getHandler()) ? sessionExpiryOf(context) : undefined;
    return expiry === undefined ? next.handle() : this.until(expiry, context, next);
  }

  private async until(expiry: number, context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const left = await timeUntil(expiry, context, this.instances);
    // Nest unsubscribes when the client leaves, which clears the timer as well.
    return next.handle().pipe(takeUntil(timer(left)));
  }
}

/**
 * Registers it where the option asks for it. Not as APP_INTERCEPTOR: one interceptor, even an idle one, costs every request
 * of the application more than the guard does, and whether it is wanted is only known once the options are settled.
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
