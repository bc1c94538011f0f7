import type { ExecutionContext } from '@nestjs/common';

import { hasAttached } from '../attachment.js';
import type { EntryPoint } from '../entry-point.js';
import type { Resolver, RoutedMethod, TransportKind } from '../transport-kind.js';
import { isFieldResolver, resolvedTypeOf } from './field-resolvers.js';
import { GraphqlConnections } from './graphql.connections.js';
import { graphqlOperationOf } from './graphql.operation.js';
import { GraphqlTransport } from './graphql.transport.js';

/** GraphQL, with any driver. */
export const graphql = {
  type: 'graphql',
  handlers: { keys: ['graphql:resolver_type', 'graphql:resolve_property', 'graphql:resolve_reference'] },
  calls: {
    source: (context) => graphqlOperationOf(context).source,
    carrier: (context) => graphqlOperationOf(context).carrier,
    identityCarrier: graphqlIdentityCarrier,
  },
  callsInstance: false,
  guards: {
    reaches: (type, handler, resolver) => !isFieldResolver(type, handler) || guardsFields(resolver),
    unguarded:
      'no guard runs before it, so nothing enforces its decorators. Nest guards field resolvers only with ' +
      "`fieldResolverEnhancers: ['guards']` among the options of GraphQLModule; queries and mutations need " +
      '@UseGuards(ClerkGuard) where ClerkModule has `guard: false`.',
  },
  entryPoints: (method) => [graphqlEntryPoint(method)],
  create: ({ options, throttle, resolver }) =>
    new GraphqlTransport(throttle, options.authorizedParties, options.graphql, resolver.get(GraphqlConnections)),
} as const satisfies TransportKind;

/**
 * Resolvers of one operation run concurrently and have different policies, so each has its own identity. A field without
 * a guard uses the identity of the operation.
 */
function graphqlIdentityCarrier(context: ExecutionContext): object {
  const { call, carrier } = graphqlOperationOf(context);
  return hasAttached(call) ? call : carrier;
}

/** Nest runs guards before GraphQL field resolvers only if `fieldResolverEnhancers` includes `guards`. */
function guardsFields(resolver: Resolver): boolean {
  try {
    const each = { strict: false, each: true } as const;
    const options = resolver.get<{ fieldResolverEnhancers?: readonly string[] }>('GqlModuleOptions', each);
    return options.every(({ fieldResolverEnhancers = [] }) => fieldResolverEnhancers.includes('guards'));
  } catch {
    return false;
  }
}

function graphqlEntryPoint({ type, handler, name }: RoutedMethod): EntryPoint {
  const resolved = resolvedTypeOf(type, handler);
  const isReference = Reflect.getMetadata('graphql:resolve_reference', handler) === true;
  const ownName = Reflect.getMetadata('graphql:resolver_name', handler) as string | undefined;
  const field = isReference ? '__resolveReference' : (ownName ?? name);
  return isFieldResolver(type, handler)
    ? { method: 'field', path: `${resolved ?? type.name}.${field}` }
    : { method: resolved as string, path: field };
}
