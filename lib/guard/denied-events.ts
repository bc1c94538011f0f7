import { Catch, type ExceptionFilter, type FactoryProvider } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { of, type Observable } from 'rxjs';

import { UnansweredDenial } from '../transports/unanswered.js';

/**
 * Ends a denied event, which nobody answers: the handler did not run, and the message is done with. Otherwise Kafka would
 * deliver it again until the consumer gives up, and Nest would log each one.
 */
@Catch(UnansweredDenial)
export class DeniedEvents implements ExceptionFilter {
  catch(): Observable<undefined> {
    return of(undefined);
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
