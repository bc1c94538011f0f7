import { ClerkTransportError } from '../../errors/clerk.errors.js';
import { callOf } from '../calls.js';
import type { CallLocator } from '../transport-kind.js';

/**
 * The calls of every transport that is not built in. The guard has registered them, so they are found without knowing
 * the transport.
 */
export const registeredCalls: CallLocator = {
  source: (context) => {
    const call = callOf(context);
    if (!call) throw new ClerkTransportError(context.getType<string>());
    return call.source;
  },
  carrier: callOf,
  identityCarrier: callOf,
};
