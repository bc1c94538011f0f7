import { ClerkErrorCode } from './error-codes.js';

/** Base class of all errors of this library that are not HTTP exceptions. */
export abstract class ClerkError extends Error {
  abstract readonly code: ClerkErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Lists all problems in one message, so that they can be fixed in one go. */
function enumerate(headline: string, problems: readonly string[]): string {
  return [headline, ...problems.map((problem) => `  - ${problem}`)].join('\n');
}

/** Thrown at boot: one or more options are missing, malformed or unknown. */
export class ClerkConfigurationError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidConfiguration;
  constructor(readonly problems: readonly string[]) {
    super(enumerate('nest-clerk cannot start with these options:', problems));
  }
}

/** Thrown at boot: the decorators of one or more handlers contradict each other or can never be fulfilled. */
export class ClerkPolicyError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidPolicy;
  constructor(readonly problems: readonly string[]) {
    super(enumerate('nest-clerk cannot protect these handlers as they are decorated:', problems));
  }
}

/** Thrown for a call over a transport without an adapter. The call is denied. */
export class ClerkTransportError extends ClerkError {
  readonly code = ClerkErrorCode.UnknownTransport;
  constructor(
    contextType: string,
    problem = `there is no transport adapter for it. Register one with the option ` +
      `transports: ClerkModule.forRoot({ transports: { ${JSON.stringify(contextType)}: { call, credentials } } })`,
  ) {
    super(`A call of the execution context type "${contextType}" was denied: ${problem}.`);
  }
}

/** Thrown by `getAuth()` for a request whose credentials no Clerk guard has checked. */
export class ClerkAuthNotPopulatedError extends ClerkError {
  readonly code = ClerkErrorCode.AuthNotPopulated;
  constructor() {
    super(
      enumerate('There is no Clerk identity on this request. The usual causes:', [
        'Another guard calls it before ClerkGuard has run. With ClerkModule.forRoot({ guard: false }), list ' +
          '{ provide: APP_GUARD, useClass: ClerkGuard } before that guard, or @UseGuards(ClerkGuard, …) first. A microservice of a ' +
          'hybrid application runs ClerkGuard before its own guards with connectMicroservice(options, { inheritAppConfig: true }).',
        'A test has replaced ClerkGuard (overrideGuard, overrideProvider), so the caller is unknown. Keep the guard, and ' +
          'set the caller with TestCaller of nest-clerk/testing.',
        'The handler has @SkipAuth(). Use @Public() to check credentials without requiring them.',
        'No ClerkGuard runs before the handler. Import ClerkModule.forRoot() in the root module, or add @UseGuards(ClerkGuard) ' +
          'where the global guard is off.',
        'It is called before guards run, in a middleware. Apply ClerkMiddleware before that one; before what main.ts mounts, ' +
          'write app.use(clerkMiddleware(app)).',
        'There is no handler (404), or the guard denied the request before it checked credentials. In filters and loggers, use ' +
          'tryGetAuth(): it returns undefined instead of throwing.',
      ]),
    );
  }
}

/** When a call to Clerk may be repeated. */
export interface RetryTimes {
  /** The delay before the next retry, in milliseconds; `Infinity` if a retry is pointless. */
  readonly retryInMs?: number | undefined;
  /** The `Retry-After` for clients, in whole seconds, at least 1; `undefined` if unknown. */
  readonly retryAfterInSeconds?: number | undefined;
}

/** Clerk is unreachable, too slow, overloaded or returns invalid responses. */
export class ClerkUnavailableError extends ClerkError implements RetryTimes {
  readonly code = ClerkErrorCode.ClerkUnavailable;
  readonly retryInMs: number | undefined;
  readonly retryAfterInSeconds: number | undefined;
  constructor(message: string, { retryInMs, retryAfterInSeconds, ...options }: ErrorOptions & RetryTimes = {}) {
    super(message, options);
    this.retryInMs = retryInMs;
    this.retryAfterInSeconds = retryAfterInSeconds;
  }
}

/** Clerk rejects the key that this application presents. */
export class ClerkKeyRejectedError extends ClerkError {
  readonly code = ClerkErrorCode.ClerkKeyRejected;
}

/**
 * A function among the options threw or returned an invalid value. No caller can be authenticated until it is fixed.
 */
export class ClerkRequestOptionsError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidConfiguration;
}
