import { Logger, type ExecutionContext } from '@nestjs/common';

import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { AUTH_NOT_POPULATED } from '../errors/denials.js';
import { builtInKind } from '../transports/transport-kinds.js';

/**
 * Resolves the value of a parameter decorator. If no guard authenticated a microservice message, the call is denied
 * with our error code. For any other error Nest answers gRPC's UNKNOWN, and crashes the process on a
 * `@GrpcStreamCall()`.
 */
export function resolveParameter<T>(context: ExecutionContext, read: () => T): T | Promise<never> {
  try {
    const value = read();
    return value instanceof Promise ? (value.catch((error: unknown) => denyUnpopulated(context, error)) as T) : value;
  } catch (error) {
    return denyUnpopulated(context, error);
  }
}

function denyUnpopulated(context: ExecutionContext, error: unknown): Promise<never> {
  const kind = builtInKind(context.getType());
  if (!(error instanceof ClerkAuthNotPopulatedError) || !kind?.denyUnguarded) throw error;
  // Log the error here: Nest only logs errors that it does not send to the client.
  new Logger('ClerkGuard').error(`${context.getClass().name}.${context.getHandler().name}: ${error.message}`);
  return kind.denyUnguarded(context, AUTH_NOT_POPULATED);
}
