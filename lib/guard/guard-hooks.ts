import type { AuthObject } from '@clerk/backend';
import { HttpException, Injectable, type ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { INSUFFICIENT_PERMISSIONS, INVALID_CONFIGURATION } from '../errors/denials.js';
import { LogThrottle } from '../errors/log-throttle.js';

/** The hooks that a subclass of ClerkGuard overrides; absent if it does not. */
export interface GuardHooks {
  /** The name of the subclass, for the log. */
  readonly guard: string;
  readonly shouldAllow: ((auth: AuthObject, context: ExecutionContext) => unknown) | undefined;
  readonly getException: ((denial: Denial, context: ExecutionContext) => unknown) | undefined;
}

/** A call that a hook denies: with an exception that the hook threw, or with the default error. */
export interface DeniedByHook {
  readonly denial: Denial;
  readonly exception?: Error;
}

/** Calls the hooks of subclasses of ClerkGuard. Whatever a hook does, it cannot allow a call. */
@Injectable()
export class GuardHookCalls {
  constructor(private readonly throttle: LogThrottle) {}

  /** @returns `undefined` if the hook returns `true`, or a promise of it; for anything else, the denial */
  async shouldAllow(hooks: GuardHooks, auth: AuthObject, context: ExecutionContext): Promise<DeniedByHook | undefined> {
    try {
      return (await hooks.shouldAllow?.(auth, context)) === true ? undefined : { denial: INSUFFICIENT_PERMISSIONS };
    } catch (thrown) {
      if (isException(thrown)) return { denial: INSUFFICIENT_PERMISSIONS, exception: thrown };
      // Not sent to the client, unlike the message of an exception.
      this.throttle.writeThrown(`${hooks.guard}.shouldAllow()`, 'the call is denied', thrown);
      return { denial: INVALID_CONFIGURATION };
    }
  }

  /** @returns the error that replaces the default one; `undefined` if the hook returns none, or throws */
  async getException(hooks: GuardHooks, denial: Denial, context: ExecutionContext): Promise<Error | undefined> {
    try {
      const exception = await hooks.getException?.(denial, context);
      return exception instanceof Error ? exception : undefined;
    } catch (thrown) {
      this.throttle.writeThrown(`${hooks.guard}.getException()`, 'the call is denied with the default error', thrown);
      return undefined;
    }
  }
}

/** Whether the application threw it as a response: an HttpException, or a WsException or RpcException, by its method. */
function isException(thrown: unknown): thrown is Error {
  return thrown instanceof HttpException || (thrown instanceof Error && 'getError' in thrown);
}
