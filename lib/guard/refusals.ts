import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/clerk-instances.js';
import type { Credentials } from '../authentication/credentials.js';
import type { Identity } from '../authentication/identity.js';
import { isDocumentNavigation } from '../authentication/navigation.js';
import { signInLocation } from '../authentication/sign-in-location.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { decide, type Decision } from '../policy/decide.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import type { Transport } from '../transports/transport.js';

/** One call that has been decided on. */
export interface DecidedCall {
  readonly credentials: Credentials;
  readonly context: ExecutionContext;
  readonly transport: Transport;
  readonly policy: RoutePolicy;
  readonly identity: Identity;
  readonly decision: Decision;
}

/** Says with which error a call is refused: the application's own (`onError`), a way to the sign-in page, or ours. */
@Injectable()
export class Refusals {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    @Inject(ClerkInstances) private readonly instances: ClerkInstances,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  /** Whether a call that is let through may be refused all the same: only where the application wants to hear of it. */
  mayObject(identity: Identity): boolean {
    return this.options.onError !== undefined && (identity.failure !== undefined || identity.credentialSent);
  }

  /** @returns `undefined` where the call is let through. */
  async of(call: DecidedCall): Promise<Error | undefined> {
    const { context, transport, policy, identity, decision, credentials } = call;
    const failed = failedAuthentication(call);
    const objection = failed && (await this.objection(failed, context));
    if (objection) return transport.refuseWith(context, objection, failed);
    if (decision.allowed) return undefined;
    const request = failed?.status === 401 && policy.redirectsToSignIn ? requestOf(credentials) : undefined;
    if (request && isDocumentNavigation(request)) {
      const { options } = await this.instances.for(credentials.source, credentials.carrier);
      const location = signInLocation(options, request, identity);
      const message = 'Sign in at the Location given.';
      const redirect: Denial = { status: 302, code: ClerkErrorCode.SignInRequired, message, location };
      if (location) return transport.refuse(context, redirect);
    }
    return transport.refuse(context, decision.denial);
  }

  /** What `onError` says; one that throws objects as well. */
  private async objection(failed: Denial, context: ExecutionContext): Promise<Error | undefined> {
    const error = toHttpException(failed);
    try {
      const answer = await this.options.onError?.(error, context);
      return answer instanceof Error ? answer : undefined;
    } catch (thrown) {
      const what = 'onError threw, so the call is denied';
      this.throttle.write('error', what, `${what}: ${thrown instanceof Error ? thrown.message : 'no Error'}`);
      return error;
    }
  }
}

/** The fetch `Request`; none where a middleware has left a header that no request can have: then nobody is sent anywhere. */
function requestOf(credentials: Credentials): Request | undefined {
  try {
    return credentials.request;
  } catch {
    return undefined;
  }
}

/** The denial for want of a signed-in caller: of a strict handler its own, of a lax one what a strict one would say. */
function failedAuthentication({ policy, identity, decision }: DecidedCall): Denial | undefined {
  if (!decision.allowed) {
    const { status } = decision.denial;
    return status === 401 || status === 503 ? decision.denial : undefined;
  }
  if (!identity.failure && !identity.credentialSent) return undefined;
  const strict = decide({ ...policy, protection: 'strict', requirements: [] }, identity);
  return strict.allowed ? undefined : strict.denial;
}
