import type { ExecutionContext } from '@nestjs/common';

import { beginCall, callIn, type Call } from '../calls.js';

/** More arguments than any framework passes. A handler without parameter decorators receives all of them. */
const MAX_ARGUMENTS = 8;

/**
 * Registers a call of a framework other than Nest's own, or returns the call that an earlier guard registered.
 * @param findSource Finds the argument that represents the call; without it, no filter finds the call.
 */
export function beginForeignCall(context: ExecutionContext, findSource?: (context: ExecutionContext) => object): Call {
  const args = context.getArgs<unknown[]>();
  const existing = callIn(args);
  if (existing?.args === args) return existing;
  const source = findSource?.(context);
  return beginCall(args, {
    source: source ?? args,
    place: (length) => Math.max(MAX_ARGUMENTS, length),
    ...(source && { uniqueArgument: source }),
  });
}
