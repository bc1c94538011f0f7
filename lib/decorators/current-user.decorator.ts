import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';

import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { addParameterMetadata, PolicyMetadata } from '../policy/metadata.js';
import { attachedUserLoader } from '../transports/attachment.js';
import { identityCarrierOf } from '../transports/carrier.js';
import { resolveParameter } from './unpopulated.js';

const currentUser = createParamDecorator((_: unknown, context: ExecutionContext) =>
  resolveParameter(context, () => {
    const loader = attachedUserLoader(identityCarrierOf(context));
    if (!loader) throw new ClerkAuthNotPopulatedError();
    return loader.load(context);
  }),
);

/**
 * Injects the Clerk `User` of the caller, loaded from the Backend API.
 *
 * There is at most one call per request, however many parameters use it, and none for handlers without it. Users are
 * cached for ten seconds (`currentUserCache`), so a ban, a deletion or changed metadata may take effect that much
 * later. Each request gets its own copy. If the id is enough, use `@Auth('userId')`, which needs no call.
 *
 * The call is denied with
 *
 * - 401 if the caller is not signed in (on a `@Public()` handler)
 * - 403 if the token does not belong to a user
 * - 404 if the user has been deleted
 * - 503 if Clerk is unreachable or limits the rate, the latter with `Retry-After`
 *
 * @param pipes Nest pipes to apply to the user.
 * @throws ClerkAuthNotPopulatedError if no guard authenticated the call
 * @example
 * ```ts
 * @Get('me')
 * me(@CurrentUser() user: User) {
 *   return user.primaryEmailAddress?.emailAddress;
 * }
 * ```
 * @see https://clerk.com/docs/reference/backend/types/backend-user
 */
export function CurrentUser(...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  return (target, key, index) => {
    addParameterMetadata(PolicyMetadata.CurrentUser, true, target, key);
    currentUser(...pipes)(target, key, index);
  };
}
