import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/authenticator.js';
import { seenBy } from '../authentication/identity.js';
import { Users } from '../authentication/users.js';
import { decide } from '../policy/decide.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { attachIdentity, attachUserLoader, identifyOnce } from '../transports/attachment.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { AccessLog } from './access-log.js';
import { Predicates } from './predicates.js';
import { Refusals } from './refusals.js';

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
    @Inject(Users) private readonly users: Users,
    @Inject(AccessLog) private readonly log: AccessLog,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const transport = this.transports.for(context);
    const carrier = transport.carrier(context);
    const policy = this.policies.read(context.getClass(), context.getHandler());
    if (policy.protection === 'skip' && policy.problems.length === 0) {
      attachIdentity(carrier, undefined);
      return true;
    }

    const credentials = transport.credentials(context);
    if ('code' in credentials) throw transport.refuse(context, credentials);
    const identified = await identifyOnce(carrier, this.authenticator, policy.acceptsToken, () =>
      this.authenticator.authenticate(credentials, policy.acceptsToken),
    );
    const identity = seenBy(policy, identified);
    transport.attach(context, identity);

    attachUserLoader(carrier, async () => {
      const user = await this.users.load(credentials, identity);
      if ('code' in user) throw transport.refuse(context, user);
      return user;
    });

    let decision = decide(policy, identity);
    if (!decision.allowed && decision.unanswered) {
      decision = decide(policy, identity, await this.predicates.ask(decision.unanswered, identity, context));
    }
    this.log.record(policy, identity, decision);
    const refusal = await this.refusals.of({ context, transport, policy, identity, decision, ...credentials });
    if (refusal) throw refusal;
    return true;
  }
}
