import type { User } from '@clerk/backend';
import { Injectable, type ExecutionContext } from '@nestjs/common';

import { RequestUsers } from '../authentication/instances/request-users.js';
import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { Denied } from '../errors/denial.js';
import { attachedIdentity, type UserLoader } from '../transports/attachment.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../transports/carrier.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { rejectCall } from './denial-errors.js';

/** Loads the user for `@CurrentUser()`. Denies the call if there is no user. */
@Injectable()
export class CurrentUsers implements UserLoader {
  constructor(
    private readonly users: RequestUsers,
    private readonly transports: TransportsRegistry,
  ) {}

  async load(context: ExecutionContext): Promise<User> {
    const transport = this.transports.for(context);
    const identity = attachedIdentity(identityCarrierOf(context));
    if (!identity) throw new ClerkAuthNotPopulatedError();
    const user = await this.users.load({ source: sourceOf(context), carrier: carrierOf(context) }, identity);
    return user instanceof Denied ? rejectCall(transport, context, transport.deny(context, user.denial)) : user;
  }
}
