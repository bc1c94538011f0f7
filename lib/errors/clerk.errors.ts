import { ClerkErrorCode } from './error-codes.js';

/** What all errors of this library have in common that are not answers to a request. */
export abstract class ClerkError extends Error {
  abstract readonly code: ClerkErrorCode;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Lists problems so that all of them can be mended in one go. */
function enumerate(headline: string, problems: readonly string[]): string {
  return [headline, ...problems.map((problem) => `  - ${problem}`)].join('\n');
}

/** The application refuses to boot: one or more options are missing, malformed or unknown. */
export class ClerkConfigurationError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidConfiguration;
  constructor(readonly problems: readonly string[]) {
    super(enumerate('nest-clerk cannot start with these options:', problems));
  }
}

/** The application refuses to boot: what decorators say on one or more handlers cannot be carried out. */
export class ClerkPolicyError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidPolicy;
  constructor(readonly problems: readonly string[]) {
    super(enumerate('nest-clerk cannot protect these handlers as they are decorated:', problems));
  }
}

/** A handler was reached over a transport that no adapter knows; it is denied. */
export class ClerkTransportError extends ClerkError {
  readonly code = ClerkErrorCode.UnknownTransport;
  constructor(
    contextType: string,
    problem = `no transport adapter of nest-clerk knows it. Built in are http, graphql, rpc and ws; register one for it with the ` +
      `option transports: ClerkModule.forRoot({ transports: { ${JSON.stringify(contextType)}: { call, credentials } } })`,
  ) {
    super(`A call of the execution context type "${contextType}" was denied: ${problem}.`);
  }
}

/** `getAuth()` was asked about a request whose credentials no Clerk guard has checked. */
export class ClerkAuthNotPopulatedError extends ClerkError {
  readonly code = ClerkErrorCode.AuthNotPopulated;
  constructor() {
    super(
      enumerate('There is no Clerk identity on this request. The usual causes:', [
        'Another guard calls it before ClerkGuard has run. With ClerkModule.forRoot({ guard: false }), list ' +
          '{ provide: APP_GUARD, useClass: ClerkGuard } before that guard, or @UseGuards(ClerkGuard, …) first. A microservice of a ' +
          'hybrid application runs ClerkGuard before its own guards with connectMicroservice(options, { inheritAppConfig: true }).',
        'A test has replaced ClerkGuard (overrideGuard, overrideProvider), so no one is known to be calling. Keep the guard, and ' +
          'set the caller with TestCaller of nest-clerk/testing.',
        'The handler carries @SkipAuth(). Use @Public() to check credentials without demanding them.',
        'No ClerkGuard stands before the handler. Import ClerkModule.forRoot() in the root module, or add @UseGuards(ClerkGuard) ' +
          'where the global guard is off.',
        'It is called before guards run, in a middleware. Apply ClerkMiddleware before that one; before what main.ts mounts, ' +
          'write app.use(clerkMiddleware(app)).',
        'There is no handler (404), or the guard refused the request before it checked anything. In filters and loggers, use ' +
          'tryGetAuth(): it gives undefined instead of throwing.',
      ]),
    );
  }
}

/** When a call to Clerk may be made again. */
export interface RetryTimes {
  /** How long Clerk wants to be left alone, in milliseconds; `Infinity` where asking again is of no use. */
  readonly retryInMs?: number | undefined;
  /** What clients are told in `Retry-After`, in whole seconds from 1 on; `undefined` where nothing is known. */
  readonly retryAfterInSeconds?: number | undefined;
}

/** Clerk could not be asked: unreachable, too slow, overloaded or answering nonsense. */
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

/** What a denial says about the time to try again; nothing where it is not known. */
export function retryAfterOf(error: unknown): { readonly retryAfterInSeconds?: number } {
  const seconds = error instanceof ClerkUnavailableError ? error.retryAfterInSeconds : undefined;
  return seconds === undefined ? {} : { retryAfterInSeconds: seconds };
}

/** Clerk answered that it does not know the key this application presents. */
export class ClerkKeyRefusedError extends ClerkError {
  readonly code = ClerkErrorCode.ClerkKeyRefused;
}

/** A function among the options threw, or answered what cannot be: nobody can be authenticated until it is mended. */
export class ClerkRequestOptionsError extends ClerkError {
  readonly code = ClerkErrorCode.InvalidConfiguration;
}
