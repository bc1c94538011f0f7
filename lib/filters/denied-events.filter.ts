import { Catch, type ArgumentsHost, type ExceptionFilter, type FactoryProvider } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { of, throwError, type Observable } from 'rxjs';

import { isKafka, UnansweredDenial } from '../transports/rpc/unanswered.js';

/**
 * Handles a denied event, which has no response.
 *
 * Over Kafka, the event completes without an error. An error would make the broker deliver it again until the consumer
 * crashes. Nest 12 logs errors of events that no filter handles, so a caller could flood the log.
 */
@Catch(UnansweredDenial)
class DeniedEvents implements ExceptionFilter {
  catch(denial: Error & { getError?(): unknown }, host: ArgumentsHost): Observable<unknown> {
    // A client may still wait for a response of an event handler. Completing without an error would look like success.
    return isKafka(host) ? of(undefined) : throwError(() => denial.getError?.() ?? denial);
  }
}

/**
 * Registers the filter as the first global filter. Nest asks global filters in reverse order, so the application's
 * filters see denied events first. APP_FILTER is not used because Nest would register it after those of the root
 * module.
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
