import { isClerkAPIResponseError, type ClerkAPIResponseError } from '@clerk/backend/errors';
import { Catch, type ArgumentsHost, type ExceptionFilter, type FactoryProvider } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import type { Observable } from 'rxjs';

import { retryTimes } from '../client/clerk-calls.js';
import type { Denial } from '../errors/denial.js';
import {
  CLERK_KEY_REJECTED,
  CLERK_REQUEST_REJECTED,
  CLERK_RESOURCE_NOT_FOUND,
  clerkApiUnavailable,
} from '../errors/denials.js';
import { ClerkCore } from '../guard/clerk-core.js';

/**
 * Matches, in `@Catch()` below, the errors of Clerk's Backend API that this filter answers.
 *
 * Nest selects filters with `instanceof`. Clerk's own class would miss errors from another copy of `@clerk/backend` (ES
 * module and CommonJS). Errors without a denial do not match, so Nest handles them as if this filter did not exist.
 */
abstract class HandledClerkError {
  static [Symbol.hasInstance](thrown: unknown): boolean {
    return thrown instanceof Error && isClerkAPIResponseError(thrown) && denialOf(thrown) !== undefined;
  }
}

/**
 * Answers errors of Clerk's Backend API that a handler does not catch:
 *
 * - 404 if the resource does not exist
 * - 422 if Clerk rejects the values
 * - 503 (with `Retry-After`) if Clerk limits the rate or is unreachable
 * - 500 if Clerk rejects the application's key
 *
 * Clients never see Clerk's messages. The log contains Clerk's error codes and trace id.
 *
 * ClerkModule registers this filter before every other global filter. Nest asks global filters in reverse order, so
 * each filter of the application, including a catch-all, comes first. Nest applies global filters neither to gateways
 * nor to microservices without `inheritAppConfig`: add the filter there yourself.
 *
 * @example
 * ```ts
 * @UseFilters(ClerkApiExceptionFilter)
 * @WebSocketGateway()
 * export class ChatGateway {}
 * ```
 */
@Catch(HandledClerkError)
export class ClerkApiExceptionFilter implements ExceptionFilter {
  constructor(private readonly core: ClerkCore) {}

  catch(error: ClerkAPIResponseError, host: ArgumentsHost): Observable<never> | void {
    const denial = denialOf(error) as Denial;
    this.log(error, denial);
    return this.core.transports.for(host).answer(host, denial);
  }

  /** Never logs a message of Clerk, which may contain user input. */
  private log({ status, errors, clerkTraceId }: ClerkAPIResponseError, denial: Denial): void {
    const codes = errors.map(({ code }) => code).filter(isLoggable);
    const details = [...new Set(codes), ...(isLoggable(clerkTraceId) ? [`trace id ${clerkTraceId}`] : [])].join(', ');
    const failed = `A handler called Clerk's Backend API, which returned ${status ?? 'no response'}`;
    const outcome = `responded with ${denial.status} (${denial.code})`;
    const hint = HINTS.get(status);
    const level = denial.status === 500 ? 'error' : denial.status === 503 ? 'warn' : 'debug';
    this.core.throttle.write(
      level,
      `${failed}: ${outcome}`,
      `${failed}${details && ` (${details})`}: ${outcome}${hint ? `. ${hint}` : ''}`,
    );
  }
}

/**
 * Registers the filter as the first global filter, which Nest asks last. It is created before the filters of
 * APP_FILTER.
 */
export const clerkApiExceptionFilter: FactoryProvider<ClerkApiExceptionFilter> = {
  provide: ClerkApiExceptionFilter,
  useFactory: (core: ClerkCore, config: ApplicationConfig) => {
    const filter = new ClerkApiExceptionFilter(core);
    config.addGlobalFilter(filter);
    return filter;
  },
  inject: [ClerkCore, ApplicationConfig],
};

/** What the operator should check, by the status of Clerk's response. */
const HINTS: ReadonlyMap<number, string> = new Map([
  [401, 'Check secretKey (environment variable CLERK_SECRET_KEY)'],
  [403, "Check what Clerk's plan and settings of the instance allow, and whether secretKey may do this"],
]);

/** Whether a value has the form of Clerk's codes and ids, which is safe in a log line. */
function isLoggable(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{1,64}$/.test(text);
}

/** Denials by the status of Clerk's response. */
const DENIALS: ReadonlyMap<number, Denial> = new Map([
  [400, CLERK_REQUEST_REJECTED],
  [409, CLERK_REQUEST_REJECTED],
  [422, CLERK_REQUEST_REJECTED],
  [404, CLERK_RESOURCE_NOT_FOUND],
  [410, CLERK_RESOURCE_NOT_FOUND],
  [401, CLERK_KEY_REJECTED],
  [403, CLERK_KEY_REJECTED],
]);

/** 408 Request Timeout, 425 Too Early, 429 Too Many Requests: a retry may succeed. */
const RETRYABLE_STATUSES = [408, 425, 429];

/**
 * The denial for an error of Clerk. `undefined` for errors that are bugs in the application, which Nest answers with
 * 500.
 */
function denialOf(error: ClerkAPIResponseError): Denial | undefined {
  const { retryAfter } = error;
  // There is no status if Clerk was unreachable or its response was unreadable.
  const status = error.status as number | undefined;
  const isOutage = status === undefined || status < 400 || RETRYABLE_STATUSES.includes(status) || status >= 500;
  return isOutage ? clerkApiUnavailable(retryTimes(status, retryAfter)) : DENIALS.get(status);
}
