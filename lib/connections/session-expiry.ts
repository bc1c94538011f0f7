import type { ExecutionContext } from '@nestjs/common';

import type { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { attachedIdentity } from '../transports/attachment.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../transports/carrier.js';

/** The longest delay of a Node timer, in milliseconds (about 25 days); longer ones fire at once. */
const MAX_TIMER_IN_MS = 2 ** 31 - 1;

/** When the session token of the call expires, in milliseconds since 1970; `undefined` for machine tokens. */
export function sessionExpiryOf(context: ExecutionContext): number | undefined {
  const auth = attachedIdentity(identityCarrierOf(context))?.toAuth({ treatPendingAsSignedOut: false });
  if (!auth?.isAuthenticated || auth.tokenType !== 'session_token') return undefined;
  return auth.sessionClaims.exp * 1000;
}

/** The milliseconds until then, plus the clock skew of the Clerk instance, within the limits of a timer. */
export async function timeUntil(
  expiry: number,
  context: ExecutionContext,
  instances: Pick<ClerkInstances, 'for'>,
): Promise<number> {
  const { options } = await instances.for(sourceOf(context), carrierOf(context));
  const remaining = expiry + options.clockSkewInMs - Date.now();
  return Math.min(Math.max(remaining, 0), MAX_TIMER_IN_MS);
}
