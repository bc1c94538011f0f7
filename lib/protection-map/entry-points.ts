import { RequestMethod, type Type } from '@nestjs/common';

import { isFieldResolver, resolvedTypeOf } from '../guard/guard-coverage.js';
import type { ExploredMethod, HandlerTransport } from '../policy/handlers.explorer.js';
import type { Handler } from '../policy/policy.reader.js';
import { httpPathsOf, type HttpRouting, type Versions } from './http-paths.js';
import type { ProtectedRoute } from './protected-route.js';

/** One way to call a handler. */
export type EntryPoint = Pick<ProtectedRoute, 'transport' | 'method' | 'path' | 'version' | 'host' | 'namespace'>;

/** The routing configuration of the application. */
export interface Routing extends HttpRouting {
  /** The `RouterModule` paths of the modules that a class belongs to; `undefined` for a module without one. */
  modulePathsOf(type: Type): readonly (string | undefined)[];
}

/** Every way to call a handler, from the metadata of Nest's decorators. The keys are Nest's own, spelled out. */
export function entryPointsOf(
  type: Type,
  { handler, name, transports }: Pick<ExploredMethod, 'handler' | 'name' | 'transports'>,
  routing: Routing,
): EntryPoint[] {
  const of: Record<HandlerTransport, () => EntryPoint[]> = {
    http: () => httpEntryPoints(type, handler, routing),
    graphql: () => [graphqlEntryPoint(type, handler, name)],
    ws: () => [wsEntryPoint(type, handler)],
    rpc: () => rpcEntryPoints(handler),
  };
  return transports.flatMap((transport) => of[transport]());
}

function read<T>(key: string, target: object): T | undefined {
  return Reflect.getMetadata(key, target) as T | undefined;
}

function httpEntryPoints(type: Type, handler: object, routing: Routing): EntryPoint[] {
  const method = read<RequestMethod>('method', handler) ?? RequestMethod.GET;
  const hosts = [read<string | RegExp | (string | RegExp)[]>('host', type) ?? []].flat().map(String);
  const declared = {
    method,
    controllerPath: read<string | string[]>('path', type) ?? '',
    methodPath: read<string | string[]>('path', handler) ?? '',
    controllerVersion: read<Versions>('__version__', type),
    methodVersion: read<Versions>('__version__', handler),
  };
  return routing
    .modulePathsOf(type)
    .flatMap((modulePath) => httpPathsOf({ ...declared, modulePath }, routing))
    .map((place) => ({
      transport: 'http',
      method: RequestMethod[method] ?? String(method),
      ...place,
      ...(hosts.length > 0 ? { host: hosts } : {}),
    }));
}

function graphqlEntryPoint(type: Type, handler: Handler, name: string): EntryPoint {
  const resolved = resolvedTypeOf(type, handler);
  const isReference = read<boolean>('graphql:resolve_reference', handler) === true;
  const field = isReference ? '__resolveReference' : (read<string>('graphql:resolver_name', handler) ?? name);
  return isFieldResolver(type, handler)
    ? { transport: 'graphql', method: 'field', path: `${resolved ?? type.name}.${field}` }
    : { transport: 'graphql', method: resolved as string, path: field };
}

function wsEntryPoint(type: Type, handler: object): EntryPoint {
  const namespace = read<{ namespace?: string | RegExp }>('websockets:gateway_options', type)?.namespace;
  const path = textOf(read('message', handler));
  return { transport: 'ws', method: 'message', path, ...(namespace ? { namespace: String(namespace) } : {}) };
}

/** `PatternHandler.EVENT` of @nestjs/microservices. */
const EVENT = 2;

function rpcEntryPoints(handler: object): EntryPoint[] {
  const method = read<number>('microservices:handler_type', handler) === EVENT ? 'event' : 'message';
  const patterns = [read<unknown>('microservices:pattern', handler)].flat();
  return patterns.map((pattern) => ({ transport: 'rpc', method, path: textOf(pattern) }));
}

function textOf(pattern: unknown): string {
  if (typeof pattern === 'string' || pattern instanceof RegExp) return String(pattern);
  return JSON.stringify(pattern) ?? String(pattern);
}
