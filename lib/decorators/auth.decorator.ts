import type { AuthObject } from '@clerk/backend';
import type {
  AuthenticatedMachineObject,
  GetAuthFn,
  SignedInAuthObject,
  SignedOutAuthObject,
  UnauthenticatedMachineObject,
} from '@clerk/backend/internal';
import { getAuthObjectForAcceptedToken } from '@clerk/backend/internal';
import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';

import { safeAuthObject } from '../authentication/safe-auth-object.js';
import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { addParameterMetadata, PolicyMetadata } from '../policy/metadata.js';
import { attachedIdentity } from '../transports/attachment.js';
import { identityCarrierOf } from '../transports/carrier.js';

type KeyOfEach<T> = T extends unknown ? keyof T : never;

/** The properties that some kind of auth object has. */
export type AuthProperty = KeyOfEach<
  SignedInAuthObject | SignedOutAuthObject | AuthenticatedMachineObject | UnauthenticatedMachineObject
>;

const authParameter = createParamDecorator((property: AuthProperty | undefined, context: ExecutionContext) => {
  const auth = authOf(context);
  return property === undefined ? auth : (auth as Partial<Record<AuthProperty, unknown>>)[property];
});

/**
 * The caller: Clerk's own auth object for the accepted token, or one property of it. Signed out (on a `@Public()`
 * handler), it is Clerk's signed-out object of the accepted type; where several types are accepted and no credential
 * was sent, one with `tokenType: null`.
 *
 * It is shared between requests, so it is frozen: assigning to it throws a TypeError. Change a copy of what you need:
 * `{ ...auth, orgId: 'org_1' }`, or `structuredClone(auth)` to change claims as well. A copy holds the properties alone;
 * `has()`, `getToken()` and `debug()` are methods of the original, which no serializer, logger or clone sees.
 *
 * @param property A property of the auth object, such as `userId` or `orgId`.
 * @param pipes Pipes of Nest to pass the value through.
 * @example
 * `list(@Auth() auth: SignedInAuthObject) {}`
 * `create(@Auth('userId') userId: string) {}`
 * @see https://clerk.com/docs/reference/backend/types/auth-object
 */
export function Auth(property?: AuthProperty, ...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  return (target, key, index) => {
    addParameterMetadata(PolicyMetadata.AuthParameters, property, target, key);
    authParameter(property, ...pipes)(target, key, index);
  };
}

/**
 * The auth object that the guard attached to a request, outside of a handler: in interceptors, filters, pipes,
 * services. It filters what the guard verified and never verifies anything itself: asked for a token type that the
 * caller did not present, or that the handler does not accept, it gives Clerk's signed-out object of that type.
 *
 * @param source The request of Express or Fastify, or Nest's ExecutionContext, GraphQL's too.
 * @param options `acceptsToken` (default `session_token`), `treatPendingAsSignedOut`.
 * @throws ClerkAuthNotPopulatedError where no guard looked at the request, or the handler carries `@SkipAuth()`.
 * @example
 * const { userId } = getAuth(context);
 * const auth = getAuth(request, { acceptsToken: ['session_token', 'api_key'] });
 * @see https://clerk.com/docs/reference/express/get-auth
 */
export const getAuth: GetAuthFn<object> = ((source: object, options?: Parameters<typeof authOf>[1]): AuthObject => {
  const authObject = authOf(source, options);
  const found = getAuthObjectForAcceptedToken({ authObject, acceptsToken: options?.acceptsToken });
  // Another one where the caller did not present what was asked for: Clerk's own, made just now.
  return found === authObject ? authObject : safeAuthObject(found);
}) as GetAuthFn<object>;

function authOf(
  source: object,
  options?: {
    acceptsToken?: Parameters<typeof getAuthObjectForAcceptedToken>[0]['acceptsToken'] | undefined;
    treatPendingAsSignedOut?: boolean | undefined;
  },
): AuthObject {
  const identity = attachedIdentity(identityCarrierOf(source));
  if (!identity) throw new ClerkAuthNotPopulatedError();
  return identity.toAuth(options);
}
