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
 * The Clerk `User` who calls, loaded from the Backend API: at most one call for each request, however many parameters ask,
 * and none for handlers that do not. A user is remembered for ten seconds (`currentUserCache`), so a ban, a deletion or
 * changed metadata may show that much later; each request gets an object of its own. `@Auth('userId')` costs nothing; take
 * it where the id is enough.
 *
 * Answers 401 where nobody is signed in (on a `@Public()` handler), 403 where the token belongs to no user, 404 where the
 * user has been deleted, 503 where Clerk cannot be asked, with `Retry-After` where it limits the rate.
 *
 * @param pipes Pipes of Nest to pass the user through.
 * @example
 * `me(@CurrentUser() user: User) { return user.primaryEmailAddress?.emailAddress; }`
 * @see https://clerk.com/docs/reference/backend/types/backend-user
 */
export function CurrentUser(...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  return (target, key, index) => {
    addParameterMetadata(PolicyMetadata.CurrentUser, true, target, key);
    currentUser(...pipes)(target, key, index);
  };
}
