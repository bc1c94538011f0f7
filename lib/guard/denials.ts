import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import type { Credentials } from '../authentication/identity/credentials.js';
import type { Identity } from '../authentication/identity/identity.js';
import { isDocumentNavigation } from '../authentication/lanes/navigation.js';
import { isRejectedForClaims } from '../authentication/identity/reasons.js';
import { buildSignInLocation } from '../authentication/lanes/sign-in-location.js';
import { tokenTypesOf } from '../authentication/identity/token-types.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { decide, type Decision } from '../policy/decide.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import type { Transport } from '../transports/transport.js';

/** A call with its authorization decision. */
export interface DecidedCall {
  readonly credentials: Credentials;
  readonly context: ExecutionContext;
  readonly transport: Transport;
  readonly policy: RoutePolicy;
  readonly identity: Identity;
  readonly decision: Decision;
}

/** The response to a denied call. */
export interface DeniedCall {
  /** The error for Nest to answer with. */
  readonly error: Error;
  /** The denial as the client receives it, for the log: that of the decision, or a redirect instead. */
  readonly denial: Denial;
}

/** Chooses the error of a denied call: the application's own (`onError`), a redirect to sign-in, or the default. */
@Injectable()
export class Denials {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    @Inject(ClerkInstances) private readonly instances: ClerkInstances,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  /** Whether an allowed call may still be denied, which only `onError` can do. */
  needsOnError(identity: Identity): boolean {
    return this.options.onError !== undefined && (identity.failure !== undefined || identity.hasCredentials);
  }

  /** @returns the response, or `undefined` if the call is allowed */
  async errorFor(call: DecidedCall): Promise<DeniedCall | undefined> {
    const { context, transport, decision } = call;
    const failed = failedAuthentication(call);
    const replacement = failed && (await this.callOnError(failed, context));
    if (replacement) return { error: transport.denyWith(context, replacement, failed), denial: failed };
    if (decision.allowed) return undefined;
    const denial = (failed?.status === 401 && (await this.redirectToSignIn(call))) || decision.denial;
    return { error: transport.deny(context, denial), denial };
  }

  /** Redirects a document navigation to the sign-in page; `undefined` if signing in would not change the response. */
  private async redirectToSignIn({ policy, identity, credentials }: DecidedCall): Promise<Denial | undefined> {
    if (!policy.redirectsToSignIn || !signingInHelps(policy, identity)) return undefined;
    const request = requestOf(credentials);
    if (!request || !isDocumentNavigation(request)) return undefined;
    const { options } = await this.instances.for(credentials.source, credentials.carrier);
    const location = buildSignInLocation(options, request, identity);
    if (!location) return undefined;
    return { status: 302, code: ClerkErrorCode.SignInRequired, message: 'Sign in at the Location given.', location };
  }

  /** The error that `onError` returns. If `onError` throws, the call is denied with the default error. */
  private async callOnError(failed: Denial, context: ExecutionContext): Promise<Error | undefined> {
    const error = toHttpException(failed);
    try {
      const answer = await this.options.onError?.(error, context);
      return answer instanceof Error ? answer : undefined;
    } catch (thrown) {
      const kind = 'onError threw, so the call is denied';
      const line =
        thrown instanceof Error ? `${kind}: ${thrown.message}` : 'onError threw a non-Error value; the call is denied';
      this.throttle.write('error', kind, line);
      return error;
    }
  }
}

/**
 * Whether a session could access the route. If the route accepts no session, or rejects this one for its claims, the
 * sign-in page would redirect a signed-in browser straight back in an endless loop.
 */
function signingInHelps({ acceptsToken }: RoutePolicy, { reason }: Identity): boolean {
  return tokenTypesOf(acceptsToken).includes('session_token') && !isRejectedForClaims(reason);
}

/** Denies a call with an error, as its transport requires. */
export function rejectCall(transport: Transport, context: ExecutionContext, error: Error): Promise<never> {
  const ended = transport.endCall?.(context, error);
  if (ended) return ended;
  throw error;
}

/**
 * The fetch `Request`; `undefined` if a middleware left a header that no `Request` can have. There is no redirect then.
 */
function requestOf(credentials: Credentials): Request | undefined {
  try {
    return credentials.request;
  } catch {
    return undefined;
  }
}

/**
 * The denial of a failed authentication. For an allowed call on a lax handler, it is the denial of a strict handler.
 */
function failedAuthentication({ policy, identity, decision }: DecidedCall): Denial | undefined {
  if (!decision.allowed) {
    const { status } = decision.denial;
    return status === 401 || status === 503 ? decision.denial : undefined;
  }
  if (!identity.failure && !identity.hasCredentials) return undefined;
  const strict = decide({ ...policy, protection: 'strict', requirements: [] }, identity);
  return strict.allowed ? undefined : strict.denial;
}
