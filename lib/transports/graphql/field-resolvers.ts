import type { Type } from '@nestjs/common';

import type { Handler } from '../../policy/policy.reader.js';

/** The root types. Handlers with GraphQL metadata for any other type are field resolvers. */
const ROOT_TYPES: readonly unknown[] = ['Query', 'Mutation', 'Subscription'];

/** The GraphQL type that a resolver belongs to. Literal metadata keys, because @nestjs/graphql is an optional peer. */
export function resolvedTypeOf(type: Type, handler: Handler): string | undefined {
  const key = 'graphql:resolver_type';
  return (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, type)) as string | undefined;
}

/** Whether a GraphQL resolver resolves a field, and not a query, mutation or subscription. */
export function isFieldResolver(type: Type, handler: Handler): boolean {
  return !ROOT_TYPES.includes(resolvedTypeOf(type, handler));
}
