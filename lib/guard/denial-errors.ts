import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import type { Credentials } from '../authentication/identity/credentials.js';
import type { Identity } from '../authentication/identity/identity.js';
import { isDocumentNavigation } from '../authentication/lanes/navigation.js';
import { isRejectedForClaims } from '../authentication/identity/reasons.js';
import { buildSignInLocation } from '../authentication/lanes/sign-in-location.js';
import { tokenTypesOf } from '../authentication/identity/token-types.js';
import type { Denial } from '../errors/denial.js';
import { signInRequired } from '../errors/denials.js';
import { toHttpException } from '../errors/exceptions.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { authenticationDenial } from '../policy/authentication-denial.js';
import type { Decision } from '../policy/decide.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import type { Transport } from '../transports/transport.js';
import { GuardHookCalls, type GuardHooks } from './guard-hooks.js';

/** A call with its authorization decision. */
export interface DecidedCall {
  readonly credentials: Credentials;
  readonly context: ExecutionContext;
  readonly transport: Transport;
  readonly policy: RoutePolicy;
  /** Those of a subclass of ClerkGuard. */
  readonly hooks?: GuardHooks | undefined;
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

/**
 * Chooses the error of a denied call: the application's own (`onError`, or the hook of its guard), a redirect to sign-in,
 * or the default.
 */
@Injectable()
export class DenialErrors {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    private readonly instances: ClerkInstances,
    private readonly throttle: LogThrottle,
    private readonly hookCalls: GuardHookCalls,
  ) {}

  /** @returns the response, or `undefined` if the call is allowed */
  async errorFor(call: DecidedCall): Promise<DeniedCall | undefined> {
    const { context, decision } = call;
    const failed = failedAuthentication(call);
    const replacement = failed && (await this.callOnError(failed, context));
    if (replacement) return { error: await this.errorForDenial(call, failed, replacement), denial: failed };
    if (decision.allowed) return undefined;
    const denial = (failed?.status === 401 && (await this.redirectToSignIn(call))) || decision.denial;
    return { error: await this.errorForDenial(call, denial), denial };
  }

  /**
   * The error of a denial: that of the guard's hook, else the replacement, else the default. Redirects are not errors, so
   * the hook is not called for them.
   * @param replacement The error of `onError`.
   */
  async errorForDenial(
    { transport, context, hooks }: Pick<DecidedCall, 'transport' | 'context' | 'hooks'>,
    denial: Denial,
    replacement?: Error,
  ): Promise<Error> {
    const ofHook = hooks && denial.status >= 400 && (await this.hookCalls.getException(hooks, denial, context));
    const error = ofHook || replacement;
    return error ? transport.denyWith(context, error, denial) : transport.deny(context, denial);
  }

  /** Redirects a document navigation to the sign-in page; `undefined` if signing in would not change the response. */
  private async redirectToSignIn({ policy, identity, credentials }: DecidedCall): Promise<Denial | undefined> {
    if (!policy.redirectsToSignIn || !signingInHelps(policy, identity)) return undefined;
    const request = requestOf(credentials);
    if (!request || !isDocumentNavigation(request)) return undefined;
    const { options } = await this.instances.for(credentials.source, credentials.carrier);
    const location = buildSignInLocation(options, request, identity);
    return location ? signInRequired(location) : undefined;
  }

  /** The error that `onError` returns. If `onError` throws, the call is denied with the default error. */
  private async callOnError(failed: Denial, context: ExecutionContext): Promise<Error | undefined> {
    const error = toHttpException(failed);
    try {
      const answer = await this.options.onError?.(error, context);
      return answer instanceof Error ? answer : undefined;
    } catch (thrown) {
      this.throttle.writeThrown('onError', 'the call is denied', thrown);
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
  return authenticationDenial(identity, policy.acceptsToken);
}
