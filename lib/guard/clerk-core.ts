import { Inject, Injectable } from '@nestjs/common';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { CallAuthorizer } from './call-authorizer.js';

/**
 * What ClerkGuard, ClerkMiddleware and ClerkApiExceptionFilter inject. Nest creates these three in the modules of the
 * application, where of ClerkModule's own providers only this one is visible.
 *
 * A subclass of {@link ClerkGuard} with dependencies of its own injects it and passes it on to `super()`. Its properties
 * are internal and may change in any version.
 */
@Injectable()
export class ClerkCore {
  constructor(
    /** @internal */ readonly authorizer: CallAuthorizer,
    /** @internal */ @Inject(AUTHENTICATOR) readonly authenticator: Authenticator,
    /** @internal */ @Inject(CLERK_OPTIONS) readonly options: ResolvedClerkOptions,
    /** @internal */ readonly transports: TransportsRegistry,
    /** @internal */ readonly throttle: LogThrottle,
  ) {}
}
