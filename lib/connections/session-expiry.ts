import type { ExecutionContext } from '@nestjs/common';

import type { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { attachedIdentity } from '../transports/attachment.js';
import { carrierOf, identityCarrierOf, sourceOf } from '../transports/carrier.js';

/** Beyond it a timer of Node fires at once; nothing that waits for a session lasts for weeks. */
const LONGEST_TIMER_IN_MS = 2 ** 31 - 1;

/** When the session that was let in ends, in milliseconds since 1970; machine tokens say nothing of it. */
export function sessionExpiryOf(context: ExecutionContext): number | undefined {
  const auth = attachedIdentity(identityCarrierOf(context))?.toAuth({ treatPendingAsSignedOut: false });
  if (!auth?.isAuthenticated || auth.tokenType !== 'session_token') return undefined;
  return auth.sessionClaims.exp * 1000;
}

/** How many milliseconds are left until then, with the tolerance of the call's Clerk instance; fit for a timer. */
export async function timeUntil(
  expiry: number,
  context: ExecutionContext,
  instances: Pick<ClerkInstances, 'for'>,
): Promise<number> {
  const { options } = await instances.for(sourceOf(context), carrierOf(context));
  const left = expiry + options.clockSkewInMs - Date.now();
  return Math.min(Math.max(left, 0), LONGEST_TIMER_IN_MS);
}
