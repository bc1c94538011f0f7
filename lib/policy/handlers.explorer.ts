import { Inject, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';

import type { Handler } from './policy.reader.js';

/** How calls reach a handler, in the words of `ExecutionContext.getType()`. */
export type HandlerTransport = 'http' | 'rpc' | 'ws' | 'graphql';

/** A class that Nest makes instances of, and what of it may be called from outside. */
export interface ExploredClass {
  readonly type: Type;
  /** Resolves providers as the class's own module sees them. */
  readonly moduleRef: ModuleRef | undefined;
  /** The classes of all modules it stands in, by which its paths are found. */
  readonly modules: readonly Type[];
  readonly isController: boolean;
  readonly methods: readonly ExploredMethod[];
  /** One for each module it stands in. Of request-scoped classes they are shells, whose constructor has not run. */
  readonly instances: readonly object[];
}

/** A method, and by which transports Nest routes calls to it, if at all. */
export interface ExploredMethod {
  readonly name: string;
  readonly handler: Handler;
  readonly transports: readonly HandlerTransport[];
}

/** What Nest's decorators write on handlers. Spelt out, since the packages they come from need not be installed. */
const ROUTED_BY: readonly (readonly [HandlerTransport, readonly string[], (explored: Kind) => boolean])[] = [
  ['http', ['path'], ({ isController }) => isController],
  ['rpc', ['microservices:pattern'], ({ isController }) => isController],
  ['ws', ['websockets:message_mapping'], ({ isGateway }) => isGateway],
  ['graphql', ['graphql:resolver_type', 'graphql:resolve_property', 'graphql:resolve_reference'], () => true],
];
const IS_GATEWAY = 'websockets:is_gateway';

interface Kind {
  readonly isController: boolean;
  readonly isGateway: boolean;
}

/** Finds everything in the application that may be called from outside, and everything that looks like it. */
@Injectable()
export class HandlersExplorer {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  /** Every class of the application once, though it stand in several modules. */
  explore(): ExploredClass[] {
    const controllers = this.discovery.getControllers();
    const found = new Map<Type, ExploredClass & { readonly modules: Type[]; readonly instances: object[] }>();
    for (const wrapper of [...controllers, ...this.discovery.getProviders()]) {
      const instance = wrapper.instance as object | null | undefined;
      // Of what a factory made, Nest knows no class.
      const type: unknown = wrapper.inject ? instance?.constructor : wrapper.metatype;
      if (!isClass(type)) continue;
      const module = wrapper.host?.metatype as Type | undefined;
      const known = found.get(type);
      if (known) {
        if (module && !known.modules.includes(module)) known.modules.push(module);
        if (instance) known.instances.push(instance);
        continue;
      }
      const kind: Kind = {
        isController: controllers.includes(wrapper),
        isGateway: Reflect.hasMetadata(IS_GATEWAY, type),
      };
      found.set(type, {
        type,
        modules: module ? [module] : [],
        moduleRef: wrapper.host?.providers.get(ModuleRef)?.instance as ModuleRef | undefined,
        isController: kind.isController,
        methods: this.methodsOf(type, kind),
        instances: instance ? [instance] : [],
      });
    }
    return [...found.values()];
  }

  private methodsOf(type: Type, kind: Kind): ExploredMethod[] {
    const prototype = type.prototype as Record<string, Handler>;
    return this.scanner.getAllMethodNames(prototype).map((name) => {
      const handler = prototype[name] as Handler;
      const by = ROUTED_BY.filter(
        ([, keys, fits]) => fits(kind) && keys.some((key) => Reflect.hasMetadata(key, handler)),
      );
      return { name, handler, transports: by.map(([transport]) => transport) };
    });
  }
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && typeof (value as Partial<Type>).prototype === 'object' && value !== Object;
}
