import type { AuthObject } from '@clerk/backend';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { ClerkCore } from './clerk-core.js';
import type { GuardHooks } from './guard-hooks.js';

/**
 * Authenticates the caller and allows the call only if the handler's policy does.
 *
 * ClerkModule registers it globally. With `{ guard: false }`, apply it yourself with `@UseGuards(ClerkGuard)`. The
 * guard may run more than once for a request: the caller is authenticated once, and each run makes its own decision.
 *
 * A subclass can deny more calls ({@link shouldAllow}) and replace the errors of denied calls ({@link getException}).
 * Register it instead of ClerkGuard: `ClerkModule.forRoot({ guard: false })`, and `{ provide: APP_GUARD, useClass: … }`
 * or `@UseGuards(…)`. If it injects anything, it injects {@link ClerkCore} as well and passes it to `super()`.
 *
 * @throws ClerkBadRequestException 400, if the request is malformed
 * @throws ClerkUnauthorizedException 401, if the caller is not signed in
 * @throws ClerkForbiddenException 403, if the caller does not meet a requirement
 * @throws ClerkServiceUnavailableException 503, if Clerk is unreachable
 * @throws ClerkInternalServerErrorException 500, if the configuration is invalid
 * @throws ClerkRedirectException 307 for a handshake, 302 to the sign-in page
 * @example
 * ```ts
 * @UseGuards(ClerkGuard)
 * @Controller('invoices')
 * export class InvoicesController {}
 * ```
 */
@Injectable()
export class ClerkGuard implements CanActivate {
  constructor(private readonly core: ClerkCore) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return this.core.authorizer.authorize(context, this.overriddenHooks());
  }

  /**
   * A check of the application, for a subclass to override. It is called for every call that the policy allows, on
   * `@Public()` handlers also for callers who are not signed in, and never on `@SkipAuth()` handlers. It can only deny:
   * any result but `true` (or a promise of it) denies the call with 403.
   *
   * An exception of Nest that it throws (`HttpException`, `WsException`, `RpcException`) is the response. If it throws
   * anything else, the call is denied with 500, and the error is logged.
   *
   * @param _auth Clerk's auth object of the caller.
   * @param _context The call.
   * @example
   * ```ts
   * @Injectable()
   * export class ActiveUsersGuard extends ClerkGuard {
   *   constructor(core: ClerkCore, private readonly suspensions: Suspensions) {
   *     super(core);
   *   }
   *
   *   protected override async shouldAllow(auth: AuthObject) {
   *     return !('userId' in auth && auth.userId && (await this.suspensions.has(auth.userId)));
   *   }
   * }
   * ```
   */
  protected shouldAllow(_auth: AuthObject, _context: ExecutionContext): boolean | Promise<boolean> {
    return true;
  }

  /**
   * The error of a denied call, for a subclass to override. It is called for every denied call, whatever the reason,
   * after the option `onError` (which is called for failed authentications only); not for redirects (302, 307), nor for
   * exceptions that `shouldAllow()` throws.
   *
   * The call stays denied: if the result is no Error, or a rejected promise, or if it throws, the default error is sent.
   * An error that is not an `HttpException` may have a `statusCode` and `data`; else it gets the status of the denial.
   *
   * @param _denial The status, code and message that would be sent.
   * @param _context The call.
   * @returns the error to send instead, or `undefined` for the default
   * @example
   * ```ts
   * protected override getException({ status, code }: Denial) {
   *   return new HttpException({ error: { code } }, status);
   * }
   * ```
   */
  protected getException(_denial: Denial, _context: ExecutionContext): Error | undefined | Promise<Error | undefined> {
    return undefined;
  }

  /**
   * Looked up for each call, because a subclass may define hooks as properties, which are set after this constructor.
   * `undefined` if there are none, so that ClerkGuard itself creates nothing for a call.
   */
  private overriddenHooks(): GuardHooks | undefined {
    const checks = this.shouldAllow !== ClerkGuard.prototype.shouldAllow;
    const replaces = this.getException !== ClerkGuard.prototype.getException;
    if (!checks && !replaces) return undefined;
    return {
      guard: this.constructor.name,
      shouldAllow: checks ? (auth, context) => this.shouldAllow(auth, context) : undefined,
      getException: replaces ? (denial, context) => this.getException(denial, context) : undefined,
    };
  }
}
