import { Catch, type ArgumentsHost, type ExceptionFilter, type FactoryProvider } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { of, throwError, type Observable } from 'rxjs';

import { isKafka, UnansweredDenial } from '../transports/rpc/unanswered.js';

/**
 * Ends a denied event, which nobody answers. Over Kafka it is done with, which would deliver it again until the consumer gives
 * up. Nest 12 logs the errors of events that no filter handles, so a caller could flood the log.
 */
@Catch(UnansweredDenial)
class DeniedEvents implements ExceptionFilter {
  catch(denial: Error & { getError?(): unknown }, host: ArgumentsHost): Observable<unknown> {
    // A client may wait for an answer of an event handler all the same: it must not take silence for a success.
    return isKafka(host) ? of(undefined) : throwError(() => denial.getError?.() ?? denial);
  }
}

/**
 * Registers it as the first global filter, since Nest asks them from the last to the first: filters of the application see
 * denied events before it does. Not as APP_FILTER, which Nest would add after those of the root module.
 */
export const deniedEvents: FactoryProvider<DeniedEvents> = {
  provide: DeniedEvents,
  useFactory: (config: ApplicationConfig) => {
    const filter = new DeniedEvents();
    config.addGlobalFilter(filter);
    return filter;
  },
  inject: [ApplicationConfig],
};
