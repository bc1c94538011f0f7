import type { ExecutionContext, Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import type { Denial } from '../errors/denial.js';
import type { LogThrottle } from '../errors/log-throttle.js';
import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Handler } from '../policy/policy.reader.js';
import type { EntryPoint, Routing } from './entry-point.js';
import type { Transport } from './transport.js';

/**
 * Everything that differs between transports: which methods are its handlers, what stands for a call, how a call is
 * authenticated and denied, its rows in the protection map, and whether guards reach its handlers.
 *
 * Built-in transports are listed in `transport-kinds.ts`; those of the option `transports` have the same shape.
 */
export interface TransportKind<Name extends string = string> {
  /** The context type: what `ExecutionContext.getType()` returns. */
  readonly type: Name;
  /** How its handlers are recognized. */
  readonly handlers: HandlerMetadata;
  readonly calls: CallLocator;
  /**
   * Whether the handler is looked up by name on the instance for each call. A method replaced on an instance then loses
   * its decorators.
   */
  readonly callsInstance: boolean;
  /** When Nest runs guards before its handlers. By default always, global guards included. */
  readonly guards?: GuardReach;
  /** The entry points of a handler, for the protection map. */
  entryPoints(method: RoutedMethod, routing: Routing): EntryPoint[];
  /**
   * Denies a call that no ClerkGuard has authorized.
   * @returns `undefined` where an HTTP exception is right
   */
  denyUnguarded?(context: ExecutionContext, denial: Denial): Promise<never>;
  /** Creates the transport of an application. */
  create(services: TransportServices): Transport;
}

/** How the handlers of a transport are recognized. */
export interface HandlerMetadata {
  /** The metadata keys that mark a method. Those of Nest are spelled out, since its packages may not be installed. */
  readonly keys: readonly (string | symbol)[];
  /** The classes whose methods count. By default any class. */
  isOn?(type: Type, isController: boolean): boolean;
}

/** The objects that stand for a call. Every reader and the guard get them from here, so that all agree. */
export interface CallLocator {
  /**
   * The platform's request, or what stands for it. `resolveOptions` receives it.
   * @throws ClerkTransportError if no guard has registered the call of an unknown transport
   */
  source(context: ExecutionContext): object;
  /** The object that represents the request. Its authentication is stored on it. `undefined` if there is none. */
  carrier(context: ExecutionContext): object | undefined;
  /** The object that stores the identity of the call. `undefined` if there is none. */
  identityCarrier(context: ExecutionContext): object | undefined;
}

/** When Nest runs guards before the handlers of a transport. */
export interface GuardReach {
  /** Whether Nest runs any guards before the handler. By default it does. */
  reaches?(type: Type, handler: Handler, resolver: Resolver): boolean;
  /** Whether Nest runs global guards. Where it does not, each handler needs `@UseGuards()`. By default it does. */
  reachesGlobally?(resolver: Resolver): boolean;
  /** Why a handler is unguarded and what to do, for the error at boot. */
  readonly unguarded: string;
}

/** A method that is a handler. */
export interface RoutedMethod {
  readonly type: Type;
  readonly name: string;
  readonly handler: Handler;
}

/** Finds providers of the application. */
export type Resolver = Pick<ModuleRef, 'get'>;

/** What transports are created from. */
export interface TransportServices {
  readonly options: Pick<ResolvedClerkOptions, 'rpc' | 'graphql' | 'authorizedParties'>;
  readonly throttle: LogThrottle;
  readonly resolver: Resolver;
}
