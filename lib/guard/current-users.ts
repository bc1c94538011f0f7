import type { User } from '@clerk/backend';
import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import { Users } from '../authentication/users.js';
import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { attachedIdentity, type UserLoader } from '../transports/attachment.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../transports/carrier.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { deny } from './refusals.js';

/** Loads the user of a call for `@CurrentUser()`, and refuses in the call's own way where there is none. */
@Injectable()
export class CurrentUsers implements UserLoader {
  constructor(
    @Inject(Users) private readonly users: Users,
    @Inject(TransportsRegistry) private readonly transports: TransportsRegistry,
  ) {}

  async load(context: ExecutionContext): Promise<User> {
    const transport = this.transports.for(context);
    const identity = attachedIdentity(identityCarrierOf(context));
    if (!identity) throw new ClerkAuthNotPopulatedError();
    const user = await this.users.load({ source: sourceOf(context), carrier: carrierOf(context) }, identity);
    return 'code' in user ? deny(transport, context, transport.refuse(context, user)) : user;
  }
}
