import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { identityForRoute, type Identity } from '../authentication/identity/identity.js';
import { decide } from '../policy/decide.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { attachIdentity, authenticateOnce, type UserLoader } from '../transports/attachment.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { AccessLog } from './access-log.js';
import { CurrentUsers } from './current-users.js';
import { Predicates } from './predicates.js';
import { rejectCall, Denials, type DecidedCall } from './denials.js';

/**
 * Authenticates the caller and allows the call only if the handler's policy does.
 *
 * ClerkModule registers it globally. With `{ guard: false }`, apply it yourself with `@UseGuards(ClerkGuard)`. The
 * guard may run more than once for a request: the caller is authenticated once, and each run makes its own decision.
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
  constructor(
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(TransportsRegistry) private readonly transports: TransportsRegistry,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    @Inject(Predicates) private readonly predicates: Predicates,
    @Inject(CurrentUsers) private readonly currentUsers: UserLoader | undefined,
    @Inject(AccessLog) private readonly log: AccessLog,
    @Inject(Denials) private readonly denials: Denials,
  ) {}

  /** Synchronous for cached identities, which are most calls. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const transport = this.transports.for(context);
    const [type, handler] = [context.getClass(), context.getHandler()];
    const policy = transport.isForeign
      ? this.policies.readForeign(type, handler, transport.isSkipped)
      : this.policies.read(type, handler);
    if (policy.protection === 'skip' && policy.problems.length === 0) {
      attachIdentity(transport.carrier(context), undefined, this.currentUsers);
      return true;
    }

    const credentials = transport.credentials(context);
    if ('code' in credentials) return rejectCall(transport, context, transport.deny(context, credentials));
    const authenticated = authenticateOnce(credentials.carrier, this.authenticator, policy.acceptsToken, () =>
      this.authenticator.authenticate(credentials, policy.acceptsToken),
    );
    const call = { context, transport, policy, credentials };
    return 'then' in authenticated
      ? authenticated.then((identity) => this.authorize(call, identity))
      : this.authorize(call, authenticated);
  }

  private authorize(call: GuardedCall, authenticated: Identity): boolean | Promise<boolean> {
    const { context, transport, policy, credentials } = call;
    const identity = identityForRoute(policy, authenticated);
    transport.attach(context, identity, this.currentUsers, credentials);

    const decision = decide(policy, identity);
    if (decision.allowed) this.log.record(policy, identity, decision);
    return decision.allowed && !this.denials.needsOnError(identity)
      ? true
      : this.authorizeSlowPath({ ...call, identity, decision });
  }

  /** Handles what is asynchronous: predicates of the application and the error of a denied call. */
  private async authorizeSlowPath(call: DecidedCall): Promise<boolean> {
    const { context, policy, identity } = call;
    let { decision } = call;
    if (!decision.allowed && decision.unevaluated) {
      decision = decide(policy, identity, await this.predicates.evaluate(decision.unevaluated, identity, context));
      if (decision.allowed) this.log.record(policy, identity, decision);
    }
    const denied = await this.denials.errorFor({ ...call, decision });
    if (!denied) return true;
    // Log the actual response. It may differ from the decision, such as a redirect to the sign-in page.
    if (!decision.allowed) this.log.record(policy, identity, { ...decision, denial: denied.denial });
    return rejectCall(call.transport, context, denied.error);
  }
}

type GuardedCall = Omit<DecidedCall, 'identity' | 'decision'>;
