import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { identityForRoute, type Identity } from '../authentication/identity/identity.js';
import { Denied, type Denial } from '../errors/denial.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { decide } from '../policy/decide.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { attachedTo, attachIdentity, authenticateOnce, type UserLoader } from '../transports/attachment.js';
import type { Transport } from '../transports/transport.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { AccessLog } from './access-log.js';
import { CurrentUsers } from './current-users.js';
import { DenialErrors, rejectCall, type DecidedCall } from './denial-errors.js';
import { GuardHookCalls, type DeniedByHook, type GuardHooks } from './guard-hooks.js';
import { Predicates } from './predicates.js';

/** Authenticates the caller and allows the call only if the handler's policy does: the steps of ClerkGuard. */
@Injectable()
export class CallAuthorizer {
  constructor(
    private readonly policies: PolicyReader,
    private readonly transports: TransportsRegistry,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    private readonly predicates: Predicates,
    private readonly currentUsers: CurrentUsers,
    private readonly log: AccessLog,
    private readonly denialErrors: DenialErrors,
    private readonly hookCalls: GuardHookCalls,
    @Inject(CLERK_OPTIONS) private readonly options: Pick<ResolvedClerkOptions, 'onError'>,
  ) {}

  /**
   * Authorizes a call for ClerkGuard. Synchronous for cached identities, which are most calls.
   * @param hooks Those of a subclass of ClerkGuard.
   */
  authorize(context: ExecutionContext, hooks?: GuardHooks): boolean | Promise<boolean> {
    return this.run(context, this.currentUsers, hooks);
  }

  /** The same for a middleware, without a user loader: the loader marks calls as guarded, which a middleware must not. */
  authorizeMounted(context: ExecutionContext): boolean | Promise<boolean> {
    return this.run(context, undefined, undefined);
  }

  private run(
    context: ExecutionContext,
    userLoader: UserLoader | undefined,
    hooks: GuardHooks | undefined,
  ): boolean | Promise<boolean> {
    const transport = this.transports.for(context);
    const type = context.getClass();
    const handler = context.getHandler();
    const policy = transport.isForeign
      ? this.policies.readForeign(type, handler, transport.isSkipped)
      : this.policies.read(type, handler);
    if (policy.protection === 'skip' && policy.problems.length === 0) {
      attachIdentity(transport.carrier(context), undefined, userLoader);
      return true;
    }

    const credentials = transport.credentials(context);
    if (credentials instanceof Denied) return this.denyMalformed(transport, context, credentials.denial, hooks);
    const authenticated = authenticateOnce(credentials.carrier, this.authenticator, policy.acceptsToken, () =>
      this.authenticator.authenticate(credentials, policy.acceptsToken),
    );
    const call = { context, transport, policy, credentials, userLoader, hooks };
    return 'then' in authenticated
      ? authenticated.then((identity) => this.decide(call, identity))
      : this.decide(call, authenticated);
  }

  private decide(call: GuardedCall, authenticated: Identity): boolean | Promise<boolean> {
    const { context, transport, policy, credentials, userLoader, hooks } = call;
    const identity = identityForRoute(policy, authenticated);
    const attached = attachedTo(credentials.carrier);
    const { identity: previous, isStored } = attached;
    attached.identity = identity;
    attached.userLoader = userLoader;
    transport.attach?.(context, { identity, userLoader, credentials, previous, isStored });

    const decision = decide(policy, identity);
    if (decision.allowed && !hooks?.shouldAllow && !this.needsOnError(identity)) {
      this.log.record(policy, identity, decision);
      return true;
    }
    return this.decideSlowPath({ ...call, identity, decision });
  }

  /** Whether an allowed call may still be denied by `onError`. */
  private needsOnError({ failure, hasCredentials }: Identity): boolean {
    return this.options.onError !== undefined && (failure !== undefined || hasCredentials);
  }

  /** Handles what is asynchronous: predicates and hooks of the application, and the error of a denied call. */
  private async decideSlowPath(call: GuardedCall & DecidedCall): Promise<boolean> {
    const { context, transport, policy, identity, hooks } = call;
    let { decision } = call;
    let byHook: DeniedByHook | undefined;
    if (!decision.allowed && decision.unevaluated) {
      decision = decide(policy, identity, await this.predicates.evaluate(decision.unevaluated, identity, context));
    }
    if (decision.allowed && hooks?.shouldAllow) {
      byHook = await this.hookCalls.shouldAllow(hooks, identity.toAuth(), context);
      const missing = [`that ${hooks.guard}.shouldAllow() agrees`];
      if (byHook) decision = { allowed: false, denial: byHook.denial, missing };
    }
    if (decision.allowed) this.log.record(policy, identity, decision);
    const denied = byHook?.exception
      ? { error: transport.denyWith(context, byHook.exception, byHook.denial), denial: byHook.denial }
      : await this.denialErrors.errorFor({ ...call, decision });
    if (!denied) return true;
    // Log the actual response. It may differ from the decision, such as a redirect to the sign-in page.
    if (!decision.allowed) this.log.record(policy, identity, { ...decision, denial: denied.denial });
    return rejectCall(transport, context, denied.error);
  }

  /** Synchronous without hooks, as the request is denied before anything is looked up. */
  private denyMalformed(
    transport: Transport,
    context: ExecutionContext,
    denial: Denial,
    hooks: GuardHooks | undefined,
  ): Promise<never> {
    if (!hooks?.getException) return rejectCall(transport, context, transport.deny(context, denial));
    return this.denialErrors
      .errorForDenial({ transport, context, hooks }, denial)
      .then((error) => rejectCall(transport, context, error));
  }
}

type GuardedCall = Omit<DecidedCall, 'identity' | 'decision'> & { readonly userLoader: UserLoader | undefined };
