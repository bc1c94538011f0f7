import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { identityForRoute, type Identity } from '../authentication/identity/identity.js';
import { decide } from '../policy/decide.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { attachIdentity, identifyOnce, type UserLoader } from '../transports/attachment.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { AccessLog } from './access-log.js';
import { CurrentUsers } from './current-users.js';
import { Predicates } from './predicates.js';
import { rejectCall, Denials, type DecidedCall } from './denials.js';

/**
 * Guards every handler: finds out who is calling and lets through only whom the handler's decorators admit.
 *
 * ClerkModule registers it for the whole application. Where that is switched off (`{ guard: false }`), use it with
 * `@UseGuards(ClerkGuard)`. It may run more than once for a request: the caller is identified once, the decision is
 * made anew each time.
 *
 * @throws ClerkUnauthorizedException 401, ClerkForbiddenException 403, ClerkServiceUnavailableException 503,
 * ClerkBadRequestException 400, ClerkInternalServerErrorException 500, ClerkRedirectException 302 and 307.
 */
@Injectable()
export class ClerkGuard implements CanActivate {
  constructor(
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(TransportsRegistry) private readonly transports: TransportsRegistry,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    @Inject(Predicates) private readonly predicates: Predicates,
    @Inject(CurrentUsers) private readonly currentUsers: UserLoader | undefined,
    @Inject(AccessLog) private readonly log: AccessLog,
    @Inject(Denials) private readonly denials: Denials,
  ) {}

  /** Answers at once about known callers, since most calls are theirs. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const transport = this.transports.for(context);
    const [type, handler] = [context.getClass(), context.getHandler()];
    const policy = transport.isForeign ? this.policies.readForeign(type, handler) : this.policies.read(type, handler);
    if (policy.protection === 'skip' && policy.problems.length === 0) {
      attachIdentity(transport.carrier(context), undefined, this.currentUsers);
      return true;
    }

    const credentials = transport.credentials(context);
    if ('code' in credentials) return rejectCall(transport, context, transport.deny(context, credentials));
    const identified = identifyOnce(credentials.carrier, this.authenticator, policy.acceptsToken, () =>
      this.authenticator.authenticate(credentials, policy.acceptsToken),
    );
    const call = { context, transport, policy, credentials };
    return 'then' in identified
      ? identified.then((identity) => this.authorize(call, identity))
      : this.authorize(call, identified);
  }

  private authorize(call: GuardedCall, identified: Identity): boolean | Promise<boolean> {
    const { context, transport, policy, credentials } = call;
    const identity = identityForRoute(policy, identified);
    transport.attach(context, identity, this.currentUsers, credentials);

    const decision = decide(policy, identity);
    if (decision.allowed) this.log.record(policy, identity, decision);
    return decision.allowed && !this.denials.needsOnError(identity)
      ? true
      : this.authorizeSlowPath({ ...call, identity, decision });
  }

  /** What takes longer: predicates of the application, and the answer to whom is refused. */
  private async authorizeSlowPath(call: DecidedCall): Promise<boolean> {
    const { context, policy, identity } = call;
    let { decision } = call;
    if (!decision.allowed && decision.unanswered) {
      decision = decide(policy, identity, await this.predicates.ask(decision.unanswered, identity, context));
      if (decision.allowed) this.log.record(policy, identity, decision);
    }
    const refusal = await this.denials.errorFor({ ...call, decision });
    if (!refusal) return true;
    // The log says how the call was answered, which the decision does not: a browser may be sent to sign in.
    if (!decision.allowed) this.log.record(policy, identity, { ...decision, denial: refusal.denial });
    return rejectCall(call.transport, context, refusal.error);
  }
}

type GuardedCall = Omit<DecidedCall, 'identity' | 'decision'>;
