import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import type { Credentials } from '../authentication/identity/credentials.js';
import type { Identity } from '../authentication/identity/identity.js';
import { isDocumentNavigation } from '../authentication/lanes/navigation.js';
import { isRejectedForClaims } from '../authentication/identity/reasons.js';
import { signInLocation } from '../authentication/lanes/sign-in-location.js';
import { tokenTypesOf } from '../authentication/identity/token-types.js';
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

/** How a call is refused. */
export interface DeniedCall {
  /** What Nest is to answer with. */
  readonly error: Error;
  /** The denial that is answered, for the log: that of the decision, or a redirect in its place. */
  readonly denial: Denial;
}

/** Says with which error a call is refused: the application's own (`onError`), a way to the sign-in page, or ours. */
@Injectable()
export class Denials {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    @Inject(ClerkInstances) private readonly instances: ClerkInstances,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  /** Whether a call that is let through may be refused all the same: only where the application wants to hear of it. */
  needsOnError(identity: Identity): boolean {
    return this.options.onError !== undefined && (identity.failure !== undefined || identity.credentialSent);
  }

  /** @returns `undefined` where the call is let through. */
  async errorFor(call: DecidedCall): Promise<DeniedCall | undefined> {
    const { context, transport, decision } = call;
    const failed = failedAuthentication(call);
    const objection = failed && (await this.objection(failed, context));
    if (objection) return { error: transport.denyWith(context, objection, failed), denial: failed };
    if (decision.allowed) return undefined;
    const denial = (failed?.status === 401 && (await this.redirectToSignIn(call))) || decision.denial;
    return { error: transport.deny(context, denial), denial };
  }

  /** The redirect of a document navigation to the sign-in page; none where signing in would not change the answer. */
  private async redirectToSignIn({ policy, identity, credentials }: DecidedCall): Promise<Denial | undefined> {
    if (!policy.redirectsToSignIn || !signingInHelps(policy, identity)) return undefined;
    const request = requestOf(credentials);
    if (!request || !isDocumentNavigation(request)) return undefined;
    const { options } = await this.instances.for(credentials.source, credentials.carrier);
    const location = signInLocation(options, request, identity);
    if (!location) return undefined;
    return { status: 302, code: ClerkErrorCode.SignInRequired, message: 'Sign in at the Location given.', location };
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

/**
 * Whether a session could open the route. Where it accepts none, or refuses this one for what it says, the sign-in page
 * would send a browser that is signed in straight back, and so on without end.
 */
function signingInHelps({ acceptsToken }: RoutePolicy, { reason }: Identity): boolean {
  return tokenTypesOf(acceptsToken).includes('session_token') && !isRejectedForClaims(reason);
}

/** Refuses a call with an error, in the way of its transport. */
export function rejectCall(transport: Transport, context: ExecutionContext, error: Error): Promise<never> {
  const ended = transport.endCall?.(context, error);
  if (ended) return ended;
  throw error;
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
