import { isClerkAPIResponseError, type ClerkAPIResponseError } from '@clerk/backend/errors';
import {
  Catch,
  Inject,
  type ArgumentsHost,
  type ExceptionFilter,
  type ExecutionContext,
  type FactoryProvider,
} from '@nestjs/common';
import { ApplicationConfig, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';

import { retryTimes } from '../client/clerk-calls.js';
import { KEY_REFUSED, type Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { bodyOf, toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { grpcCallOf, grpcErrorOf } from '../transports/rpc/grpc.call.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { WebSocketPackage } from '../transports/websocket/websocket.package.js';

/**
 * What `@Catch()` below matches. Nest tells exceptions by `instanceof`, which knows one copy of Clerk's class: an error of a
 * client from another copy (ES module and CommonJS) would be missed. What is not to be answered here never reaches the
 * filter, so Nest handles it as if there were none.
 */
abstract class AnswerableClerkError {
  static [Symbol.hasInstance](thrown: unknown): boolean {
    return thrown instanceof Error && isClerkAPIResponseError(thrown) && denialOf(thrown) !== undefined;
  }
}

/**
 * Answers errors of Clerk's Backend API that a handler does not catch: 404 for what does not exist, 422 for what Clerk
 * rejects, 503 (with `Retry-After`) while it limits the rate or cannot be reached, 500 where it refuses the application's
 * key. Clients see none of Clerk's messages; the log has Clerk's codes and trace id.
 *
 * ClerkModule registers it before every other global filter, so that each filter of the application comes first, a
 * catch-all too. Nest applies no global filter to gateways, nor to microservices without `inheritAppConfig`: add it there.
 *
 * @example
 * ```ts
 * @UseFilters(ClerkApiExceptionFilter)
 * @WebSocketGateway()
 * export class ChatGateway {}
 * ```
 */
@Catch(AnswerableClerkError)
export class ClerkApiExceptionFilter implements ExceptionFilter {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(TransportsRegistry) private readonly transports: TransportsRegistry,
    @Inject(WebSocketPackage) private readonly websockets: WebSocketPackage,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  catch(error: ClerkAPIResponseError, host: ArgumentsHost): Observable<never> | void {
    const denial = denialOf(error) as Denial;
    this.log(error, denial);
    switch (host.getType<string>()) {
      case 'http':
        return this.answerHttp(denial, host);
      case 'ws':
        return this.websockets.answer(bodyOf(denial), host);
      case 'rpc':
        return throwError(() => rpcAnswer(denial, host));
      default:
        // GraphQL and other frameworks answer with what is thrown here.
        throw this.refusal(denial, host);
    }
  }

  private answerHttp(denial: Denial, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const hasBegun = httpAdapter.isHeadersSent(host.switchToHttp().getResponse());
    new BaseExceptionFilter(httpAdapter).catch(hasBegun ? toHttpException(denial) : this.refusal(denial, host), host);
  }

  private refusal(denial: Denial, host: ArgumentsHost): Error {
    // Nest hands filters the very object that is an ExecutionContext elsewhere; handler and class are not asked for.
    const context = host as ExecutionContext;
    return this.transports.for(context).deny(context, denial);
  }

  /** Never a message of Clerk, which may repeat what a user entered. */
  private log({ status, errors, clerkTraceId }: ClerkAPIResponseError, denial: Denial): void {
    const codes = errors.map(({ code }) => code).filter(isWord);
    const details = [...new Set(codes), ...(isWord(clerkTraceId) ? [`trace id ${clerkTraceId}`] : [])].join(', ');
    const failed = `A handler called Clerk's Backend API, which answered ${status ?? 'nothing'}`;
    const outcome = `answered ${denial.status} (${denial.code})`;
    const cure = CURES.get(status);
    const level = denial.status === 500 ? 'error' : denial.status === 503 ? 'warn' : 'debug';
    this.throttle.write(
      level,
      `${failed}: ${outcome}`,
      `${failed}${details && ` (${details})`}: ${outcome}${cure ? `. ${cure}` : ''}`,
    );
  }
}

/** Registers it at the front of the global filters, which Nest asks last: it is made before those of APP_FILTER are. */
export const clerkApiExceptionFilter: FactoryProvider<ClerkApiExceptionFilter> = {
  provide: ClerkApiExceptionFilter,
  useFactory: (
    adapterHost: HttpAdapterHost,
    transports: TransportsRegistry,
    websockets: WebSocketPackage,
    throttle: LogThrottle,
    config: ApplicationConfig,
  ) => {
    const filter = new ClerkApiExceptionFilter(adapterHost, transports, websockets, throttle);
    config.addGlobalFilter(filter);
    return filter;
  },
  inject: [HttpAdapterHost, TransportsRegistry, WebSocketPackage, LogThrottle, ApplicationConfig],
};

/** What a client of a microservice reads: over gRPC an error with a status of gRPC. */
function rpcAnswer(denial: Denial, host: ArgumentsHost): object {
  const call = grpcCallOf(host.getArgs<unknown[]>());
  return call ? grpcErrorOf(bodyOf(denial), call) : bodyOf(denial);
}

/** What to check, by the status of Clerk's answer. */
const CURES: ReadonlyMap<number, string> = new Map([
  [401, 'Check secretKey (environment variable CLERK_SECRET_KEY)'],
  [403, "Check what Clerk's plan and settings of the instance allow, and whether secretKey may do this"],
]);

/** A code or id as Clerk makes them, fit for a log line. */
function isWord(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{1,64}$/.test(text);
}

const NOT_FOUND: Denial = {
  status: 404,
  code: ClerkErrorCode.ClerkResourceNotFound,
  message: 'The resource does not exist.',
};
const REJECTED: Denial = {
  status: 422,
  code: ClerkErrorCode.ClerkRequestRejected,
  message: 'The request cannot be processed with these values.',
};
const UNAVAILABLE: Denial = {
  status: 503,
  code: ClerkErrorCode.ClerkUnavailable,
  message: 'The service is unavailable at the moment. Try again.',
};

/** By the status of Clerk's answer. */
const DENIALS: ReadonlyMap<number, Denial> = new Map([
  [400, REJECTED],
  [409, REJECTED],
  [422, REJECTED],
  [404, NOT_FOUND],
  [410, NOT_FOUND],
  [401, KEY_REFUSED],
  [403, KEY_REFUSED],
]);

/** Timeout, too early, too many: the same call may succeed later. */
const TRY_AGAIN = [408, 425, 429];

/** How an error of Clerk is answered; `undefined` where it is a mistake of the application like any other (Nest's 500). */
function denialOf(error: ClerkAPIResponseError): Denial | undefined {
  const { retryAfter } = error;
  // Without status: Clerk was not reached, or what it answered could not be read.
  const status = error.status as number | undefined;
  const isOutage = status === undefined || status < 400 || TRY_AGAIN.includes(status) || status >= 500;
  if (!isOutage) return DENIALS.get(status);
  const { retryAfterInSeconds } = retryTimes(status, retryAfter);
  return { ...UNAVAILABLE, ...(retryAfterInSeconds === undefined ? {} : { retryAfterInSeconds }) };
}
