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

import type { TryGetAuthFn } from '../authentication/identity/auth-object-types.js';
import { safeAuthObject } from '../authentication/identity/safe-auth-object.js';
import { ClerkAuthNotPopulatedError } from '../errors/clerk.errors.js';
import { addParameterMetadata, PolicyMetadata } from '../policy/metadata.js';
import { attachedIdentity } from '../transports/attachment.js';
import { isObject } from '../transports/calls.js';
import { findIdentityCarrier, identityCarrierOf } from '../transports/carrier.js';
import { resolveParameter } from './unpopulated.js';

type KeyOfEach<T> = T extends unknown ? keyof T : never;

/** The properties that some kind of auth object has. */
export type AuthProperty = KeyOfEach<
  SignedInAuthObject | SignedOutAuthObject | AuthenticatedMachineObject | UnauthenticatedMachineObject
>;

const authParameter = createParamDecorator((property: AuthProperty | undefined, context: ExecutionContext) =>
  resolveParameter(context, () => {
    const auth = authOf(context);
    return property === undefined ? auth : (auth as Partial<Record<AuthProperty, unknown>>)[property];
  }),
);

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

/** What `getAuth()` takes beside the source. */
interface GetAuthOptions {
  readonly acceptsToken?: Parameters<typeof getAuthObjectForAcceptedToken>[0]['acceptsToken'] | undefined;
  readonly treatPendingAsSignedOut?: boolean;
}

/**
 * The auth object that the guard attached to a request, outside of a handler: in interceptors, pipes, services. It filters
 * what the guard verified and never verifies anything itself: asked for a token type that the caller did not present, or
 * that the handler does not accept, it gives Clerk's signed-out object of that type.
 *
 * Where the guard may not have run (exception filters, loggers), use `tryGetAuth()`.
 *
 * @param source The request of Express or Fastify, or Nest's ExecutionContext, GraphQL's too.
 * @param options `acceptsToken` (default `session_token`), `treatPendingAsSignedOut`.
 * @throws ClerkAuthNotPopulatedError where no guard looked at the request, or the handler carries `@SkipAuth()`.
 * @throws ClerkTransportError where the execution context is of a transport that no adapter knows.
 * @example
 * ```ts
 * const { userId } = getAuth(context);
 * const auth = getAuth(request, { acceptsToken: ['session_token', 'api_key'] });
 * ```
 * @see https://clerk.com/docs/reference/express/get-auth
 */
export const getAuth: GetAuthFn<object> = ((source: object, options?: GetAuthOptions): AuthObject =>
  accepted(authOf(source, options), options)) as GetAuthFn<object>;

/**
 * The same as `getAuth()`, but never throws: it gives `undefined` where the caller's credentials were not checked. That is
 * so on routes that do not exist (404), before the guard (middleware, earlier guards), on `@SkipAuth()` handlers, over an
 * unknown transport, and in filters where the call cannot be told from others.
 *
 * `undefined` means "not checked", which is not the same as signed out: a caller whose credentials were checked and refused
 * has Clerk's signed-out object. Never let anyone pass because of either.
 *
 * @param source The request of Express or Fastify, or Nest's ExecutionContext or ArgumentsHost; may be missing.
 * @param options `acceptsToken` (default `session_token`), `treatPendingAsSignedOut`.
 * @example
 * An exception filter that logs who met the error:
 * ```ts
 * @Catch()
 * export class LoggingFilter extends BaseExceptionFilter {
 *   private readonly logger = new Logger('Errors');
 *
 *   override catch(exception: unknown, host: ArgumentsHost) {
 *     this.logger.warn({ userId: tryGetAuth(host)?.userId ?? null, error: String(exception) });
 *     super.catch(exception, host);
 *   }
 * }
 * ```
 */
export const tryGetAuth: TryGetAuthFn<object> = ((
  source: unknown,
  options?: GetAuthOptions,
): AuthObject | undefined => {
  if (!isObject(source)) return undefined;
  try {
    const carrier = findIdentityCarrier(source);
    const identity = carrier && attachedIdentity(carrier);
    return identity && accepted(identity.toAuth(options), options);
  } catch {
    // A source may be anything, such as a Proxy that throws whatever is asked of it: nothing is known of its caller.
    return undefined;
  }
}) as TryGetAuthFn<object>;

function authOf(source: object, options?: GetAuthOptions): AuthObject {
  const identity = attachedIdentity(identityCarrierOf(source));
  if (!identity) throw new ClerkAuthNotPopulatedError();
  return identity.toAuth(options);
}

function accepted(authObject: AuthObject, options?: GetAuthOptions): AuthObject {
  const found = getAuthObjectForAcceptedToken({ authObject, acceptsToken: options?.acceptsToken });
  // Another one where the caller did not present what was asked for: Clerk's own, made just now.
  return found === authObject ? authObject : safeAuthObject(found);
}
