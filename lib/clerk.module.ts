import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';

import { AUTHENTICATOR } from './authentication/lanes/authenticator.js';
import { ClerkClients, ClerkInstances } from './authentication/instances/clerk-instances.js';
import { TenantAuthenticator } from './authentication/instances/tenant.authenticator.js';
import { RequestUsers } from './authentication/instances/request-users.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  IS_GUARDED,
  MODULE_OPTIONS_TOKEN,
  type ClerkModuleExtras,
} from './clerk.module-definition.js';
import { ClerkClientService, createClient } from './client/clerk-client.service.js';
import { ClerkConfigurationError } from './errors/clerk.errors.js';
import { LogThrottle } from './errors/log-throttle.js';
import { AccessLog } from './guard/access-log.js';
import { ClerkApiExceptionFilter, clerkApiExceptionFilter } from './filters/clerk-api-exception.filter.js';
import { CallAuthorizer } from './guard/call-authorizer.js';
import { ClerkCore } from './guard/clerk-core.js';
import { ClerkGuard } from './guard/clerk.guard.js';
import { GuardHookCalls } from './guard/guard-hooks.js';
import { ClerkSockets } from './connections/clerk.sockets.js';
import { ClientOnlyAudit } from './guard/client-only.audit.js';
import { connectionExpiry } from './connections/connection-expiry.js';
import { CurrentUsers } from './guard/current-users.js';
import { deniedEvents } from './filters/denied-events.filter.js';
import { GuardCoverage } from './guard/guard-coverage.js';
import { ClerkGuardPresence } from './guard/guard-presence.js';
import { GuardReplacement } from './guard/guard-replacement.js';
import { PolicyAudit } from './guard/policy.audit.js';
import { Predicates } from './guard/predicates.js';
import { DenialErrors } from './guard/denial-errors.js';
import { streamExpiry } from './connections/stream-expiry.js';
import type { ClerkModuleOptions } from './options/clerk-options.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from './options/resolved-options.js';
import { resolveAtBoot } from './options/boot-options.js';
import { assertReadable } from './options/resolve-options.js';
import { GUARD_PRESENCE } from './policy/guard-required.js';
import { PolicyReader } from './policy/policy.reader.js';
import { PredicateInstances } from './policy/predicate-instances.js';
import { PROTECTION_MAP } from './protection-map/protected-route.js';
import { ClerkProtectionMap } from './protection-map/protection-map.js';
import { ApplicationTransports, BUILT_IN_TRANSPORTS } from './transports/application-transports.js';
import { carrierOf, sourceOf } from './transports/carrier.js';
import { GraphqlConnections } from './transports/graphql/graphql.connections.js';
import { HandlersExplorer } from './transports/handlers.explorer.js';
import { RpcExceptions } from './transports/rpc/rpc-exception.js';
import { TRANSPORT_KINDS } from './transports/transport-kinds.js';
import { TransportsRegistry } from './transports/transports.registry.js';
import { WebSocketPackage } from './transports/websocket/websocket.package.js';
import { WebSocketTransport } from './transports/websocket/websocket.transport.js';

function importedWithoutForRoot(): never {
  throw new ClerkConfigurationError([
    'ClerkModule is imported without options: import ClerkModule.forRoot() or ClerkModule.forRootAsync() in the root ' +
      'module. It is global, so other modules need not import it; with isGlobal: false, they import the module that ' +
      'imports and exports it.',
  ]);
}

/**
 * Protects a Nest application with Clerk: every handler requires a signed-in session unless a decorator says otherwise.
 *
 * @example
 * ```ts
 * // keys from CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY
 * @Module({ imports: [ClerkModule.forRoot()] })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    // Replaced by forRoot() and forRootAsync(): providers of a dynamic module override these.
    { provide: MODULE_OPTIONS_TOKEN, useFactory: importedWithoutForRoot },
    { provide: IS_GUARDED, useValue: true },
    { provide: CLERK_OPTIONS, useFactory: resolveAtBoot, inject: [MODULE_OPTIONS_TOKEN, IS_GUARDED] },
    { provide: ClerkClientService, useFactory: createClient, inject: [CLERK_OPTIONS] },
    {
      provide: ClerkInstances,
      useFactory: (options: ResolvedClerkOptions, client: ClerkClientService, given: ClerkModuleOptions) =>
        new ClerkInstances(options, client, given),
      inject: [CLERK_OPTIONS, ClerkClientService, MODULE_OPTIONS_TOKEN],
    },
    {
      provide: AUTHENTICATOR,
      useFactory: (instances: ClerkInstances) => new TenantAuthenticator(instances),
      inject: [ClerkInstances],
    },
    {
      provide: ClerkClients,
      useFactory: (instances: ClerkInstances): ClerkClients => ({
        for: async (request) => (await instances.for(sourceOf(request), carrierOf(request))).client,
      }),
      inject: [ClerkInstances],
    },
    {
      provide: RequestUsers,
      useFactory: (instances: ClerkInstances) => new RequestUsers(instances),
      inject: [ClerkInstances],
    },
    LogThrottle,
    { provide: BUILT_IN_TRANSPORTS, useValue: TRANSPORT_KINDS },
    ApplicationTransports,
    PolicyReader,
    HandlersExplorer,
    PredicateInstances,
    PolicyAudit,
    ClientOnlyAudit,
    Predicates,
    CurrentUsers,
    { provide: WebSocketPackage, useFactory: () => WebSocketPackage.load() },
    { provide: RpcExceptions, useFactory: () => RpcExceptions.load() },
    GraphqlConnections,
    {
      provide: WebSocketTransport,
      useFactory: (options: ResolvedClerkOptions, websockets: WebSocketPackage) =>
        new WebSocketTransport(options, websockets),
      inject: [CLERK_OPTIONS, WebSocketPackage],
    },
    TransportsRegistry,
    ClerkSockets,
    GuardCoverage,
    GuardReplacement,
    ClerkGuardPresence,
    { provide: GUARD_PRESENCE, useExisting: ClerkGuardPresence },
    AccessLog,
    GuardHookCalls,
    DenialErrors,
    CallAuthorizer,
    ClerkCore,
    ClerkGuard,
    deniedEvents,
    streamExpiry,
    connectionExpiry,
    clerkApiExceptionFilter,
    ClerkProtectionMap,
    { provide: PROTECTION_MAP, useExisting: ClerkProtectionMap },
  ],
  // ClerkCore is what ClerkGuard, ClerkMiddleware and ClerkApiExceptionFilter inject in modules of the application.
  exports: [
    ClerkClientService,
    ClerkClients,
    ClerkGuard,
    ClerkProtectionMap,
    ClerkSockets,
    ClerkApiExceptionFilter,
    ClerkCore,
  ],
})
export class ClerkModule extends ConfigurableModuleClass {
  /**
   * @param options See {@link ClerkModuleOptions}, and {@link ClerkModuleExtras} for `isGlobal` and `guard`.
   * With `guard: false` and no ClerkGuard or ClerkMiddleware of your own (workers, scripts), `secretKey` is enough.
   * @throws ClerkConfigurationError when the application boots, listing every invalid option; immediately if `options` is
   * not an object, or has options that are getters or inherited.
   */
  static override forRoot(options: ClerkModuleOptions & ClerkModuleExtras = {}): DynamicModule {
    // Must run before Nest copies the options.
    assertReadable(options);
    return super.forRoot(options);
  }

  /**
   * Like {@link forRoot}, with options from a factory: for keys from a ConfigService or a vault. `isGlobal` and `guard`
   * are passed next to the factory.
   *
   * @example
   * ```ts
   * ClerkModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ secretKey: config.get('CLERK_SECRET_KEY') }),
   * });
   * ```
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
