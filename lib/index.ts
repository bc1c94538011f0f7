export { ClerkModule } from './clerk.module.js';
export type { ClerkModuleExtras } from './clerk.module-definition.js';
export { ClerkClients } from './authentication/instances/clerk-instances.js';
export { ClerkClientService } from './client/clerk-client.service.js';
export { ClerkApiExceptionFilter } from './filters/clerk-api-exception.filter.js';
export { ClerkCore } from './guard/clerk-core.js';
export { ClerkGuard } from './guard/clerk.guard.js';
export { ClerkSockets } from './connections/clerk.sockets.js';
export { ClerkMiddleware, clerkMiddleware } from './http/clerk.middleware.js';
export { ClerkProtectionMap } from './protection-map/protection-map.js';
export { formatProtectionMap, type ProtectionMapFormat } from './protection-map/format.js';
export type { ProtectedRoute, RouteRequirement } from './protection-map/protected-route.js';
export { frontendApiProxy } from './http/frontend-api-proxy.js';
export { requireClerk } from './http/require-clerk.js';

export { Auth, getAuth, tryGetAuth, type AuthProperty } from './decorators/auth.decorator.js';
export {
  AcceptsToken,
  AllowPendingSession,
  Public,
  RedirectToSignIn,
  RequireAuth,
  SkipAuth,
} from './decorators/protection.decorators.js';
export {
  Require,
  RequireFeature,
  RequirePermission,
  RequirePlan,
  RequireReverification,
  RequireRole,
  RequireScope,
  RequireThat,
  type AuthPredicate,
  type AuthPredicateClass,
  type RequireThatOptions,
} from './decorators/requirement.decorators.js';
export { CurrentUser } from './decorators/current-user.decorator.js';
export {
  allOf,
  anyOf,
  type AllOf,
  type AnyOf,
  type FeatureKey,
  type PermissionKey,
  type PlanKey,
  type RequireParams,
  type ReverificationConfig,
  type RoleKey,
} from './policy/requirement.js';

export type { ClerkModuleOptions, ClerkOptionsFactory } from './options/clerk-options.js';
export type { ValueOrFunction } from './options/option-checks.js';
export type { RequestOptions } from './options/request-options.js';
export type { FrontendApiProxyOptions } from './options/rows/browser-options.js';
export type { AudienceByTokenType } from './options/rows/claim-options.js';
export type { CurrentUserCacheOptions, VerificationCacheOptions } from './options/rows/performance-options.js';
export type { DefaultProtection, OnError } from './options/rows/protection-options.js';
export type { ResolveOptions } from './options/rows/tenancy-options.js';
export type {
  GraphqlOptions,
  PresentedCredentials,
  RpcOptions,
  TransportAdapter,
  TransportAdapters,
  WebSocketOptions,
} from './options/transport-types.js';

export {
  ClerkAuthNotPopulatedError,
  ClerkConfigurationError,
  ClerkError,
  ClerkPolicyError,
  ClerkTransportError,
} from './errors/clerk.errors.js';
export type { Denial } from './errors/denial.js';
export { ClerkErrorCode } from './errors/error-codes.js';
export {
  ClerkBadRequestException,
  ClerkForbiddenException,
  ClerkInternalServerErrorException,
  ClerkNotFoundException,
  ClerkRedirectException,
  ClerkServiceUnavailableException,
  ClerkUnauthorizedException,
  ClerkUnprocessableEntityException,
} from './errors/exceptions.js';

export { toWebRequest } from './transports/http/web-request.js';
export type { HttpRequestLike } from './transports/http/http-request.js';
export type { RequestAuth } from './transports/http/request-auth.js';

export type { AcceptedToken } from './authentication/identity/token-types.js';
export type { AuthObjectFor } from './authentication/identity/auth-object-types.js';

// Clerk's own types, so that handlers need only one import.
export type {
  AuthObject,
  ClerkClient,
  InvalidTokenAuthObject,
  MachineAuthObject,
  SessionAuthObject,
  User,
} from '@clerk/backend';
export type {
  AuthenticatedMachineObject,
  SignedInAuthObject,
  SignedOutAuthObject,
  TokenType,
  UnauthenticatedMachineObject,
} from '@clerk/backend/internal';
