import type { CallHandler, ExecutionContext, FactoryProvider, NestInterceptor } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import type { Observable } from 'rxjs';

import { ClerkInstances } from '../authentication/instances/clerk-instances.js';
import { INVALID_CONFIGURATION } from '../errors/denials.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { graphql } from '../transports/graphql/graphql.kind.js';
import { GraphqlConnections } from '../transports/graphql/graphql.connections.js';
import { graphqlOperationOf, type GraphqlOperation } from '../transports/graphql/graphql.operation.js';
import { TransportsRegistry } from '../transports/transports.registry.js';
import { sessionExpiryOf, timeUntil } from './session-expiry.js';

const SOCKET_NOT_FOUND =
  'graphql.disconnectOnExpiry is set, but the GraphQL context does not lead to the WebSocket of the operation, so it ' +
  'is denied: let the context hold it as "extra.socket"';

/** Closes the WebSockets of GraphQL operations when their session tokens expire. */
export class ConnectionExpiry implements NestInterceptor {
  constructor(
    private readonly instances: Pick<ClerkInstances, 'for'>,
    private readonly connections: Pick<GraphqlConnections, 'closeAfter'>,
    private readonly transports: Pick<TransportsRegistry, 'for'>,
    private readonly throttle: Pick<LogThrottle, 'write'>,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType<string>() !== graphql.type) return next.handle();
    const operation = graphqlOperationOf(context);
    const expiry = operation.request ? undefined : sessionExpiryOf(context);
    return expiry === undefined ? next.handle() : this.closeOnExpiry(expiry, operation, context, next);
  }

  private async closeOnExpiry(
    expiry: number,
    operation: GraphqlOperation,
    context: ExecutionContext,
    next: CallHandler,
  ) {
    const remainingMs = await timeUntil(expiry, context, this.instances);
    if (this.connections.closeAfter(remainingMs, operation)) return next.handle() as Observable<unknown>;
    this.throttle.write('error', SOCKET_NOT_FOUND);
    throw this.transports.for(context).deny(context, INVALID_CONFIGURATION);
  }
}

/** Registers the interceptor if the option is set. For why APP_INTERCEPTOR is not used, see {@link streamExpiry}. */
export const connectionExpiry: FactoryProvider<ConnectionExpiry | undefined> = {
  provide: ConnectionExpiry,
  useFactory: (
    options: ResolvedClerkOptions,
    config: ApplicationConfig,
    ...dependencies: ConstructorParameters<typeof ConnectionExpiry>
  ) => {
    if (!options.graphql?.disconnectOnExpiry) return undefined;
    const interceptor = new ConnectionExpiry(...dependencies);
    config.addGlobalInterceptor(interceptor);
    return interceptor;
  },
  inject: [CLERK_OPTIONS, ApplicationConfig, ClerkInstances, GraphqlConnections, TransportsRegistry, LogThrottle],
};
