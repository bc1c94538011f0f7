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

/** The properties of Clerk's auth objects, of any token type. */
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
 * Injects Clerk's auth object of the caller, or one property of it.
 *
 * For a signed-out caller (on a `@Public()` handler) it is Clerk's signed-out object of the accepted token type. If
 * several types are accepted and the request has no credentials, its `tokenType` is `null`.
 *
 * The object is shared between requests and therefore frozen: assigning to it throws a TypeError. To change it, copy
 * it: `{ ...auth, orgId: 'org_1' }`, or `structuredClone(auth)` to change claims as well. A copy has the properties
 * only. `has()`, `getToken()` and `debug()` are methods of the original, which serializers, loggers and clones do not
 * see.
 *
 * @param property A property of the auth object, such as `userId` or `orgId`.
 * @param pipes Nest pipes to apply to the value.
 * @throws ClerkAuthNotPopulatedError if no guard authenticated the call
 * @example
 * ```ts
 * @Get()
 * list(@Auth() auth: SignedInAuthObject) {}
 *
 * @Post()
 * create(@Auth('userId') userId: string) {}
 * ```
 * @see https://clerk.com/docs/reference/backend/types/auth-object
 */
export function Auth(property?: AuthProperty, ...pipes: (PipeTransform | Type<PipeTransform>)[]): ParameterDecorator {
  return (target, key, index) => {
    addParameterMetadata(PolicyMetadata.AuthParameters, property, target, key);
    authParameter(property, ...pipes)(target, key, index);
  };
}

/** The options of `getAuth()` and `tryGetAuth()`. */
interface GetAuthOptions {
  readonly acceptsToken?: Parameters<typeof getAuthObjectForAcceptedToken>[0]['acceptsToken'] | undefined;
  readonly treatPendingAsSignedOut?: boolean;
}

/**
 * Returns the auth object that the guard attached to a request. Use it outside of handlers: in interceptors, pipes and
 * services.
 *
 * It never verifies credentials itself. For a token type that the caller did not present, or that the handler does not
 * accept, it returns Clerk's signed-out object of that type. Where the guard may not have run (exception filters,
 * loggers), use `tryGetAuth()`.
 *
 * @param source The request of Express or Fastify, or Nest's ExecutionContext, including GraphQL's.
 * @param options `acceptsToken` (default `'session_token'`), `treatPendingAsSignedOut` (default `true`, or `false` if
 * the handler accepts pending sessions).
 * @throws ClerkAuthNotPopulatedError if no guard authenticated the request, or the handler has `@SkipAuth()`
 * @throws ClerkTransportError if no adapter exists for the transport of the execution context
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
 * Like `getAuth()`, but never throws: returns `undefined` if the caller was not authenticated. That is the case
 *
 * - on routes that do not exist (404)
 * - before the guard, in middleware and earlier guards
 * - on `@SkipAuth()` handlers
 * - over an unknown transport
 * - in filters that cannot tell the call from others
 *
 * `undefined` means "not checked", which differs from signed out: if credentials were checked and rejected, it returns
 * Clerk's signed-out object. Never allow a call because of either.
 *
 * @param source The request of Express or Fastify, or Nest's ExecutionContext or ArgumentsHost; may be `undefined`.
 * @param options `acceptsToken` (default `'session_token'`), `treatPendingAsSignedOut` (default `true`, or `false` if
 * the handler accepts pending sessions).
 * @example
 * An exception filter that logs the caller:
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
    // The source may be a Proxy that throws on any access. Its caller is unknown.
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
  // If the token type does not match, Clerk returns a new signed-out object, which must be made safe as well.
  return found === authObject ? authObject : safeAuthObject(found);
}
