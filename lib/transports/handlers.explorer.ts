import { Inject, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';

import type { Handler } from '../policy/policy.reader.js';
import { ApplicationTransports } from './application-transports.js';
import type { TransportKind } from './transport-kind.js';

/** A class that Nest instantiates, with the methods that may be called from outside. */
export interface ExploredClass {
  readonly type: Type;
  /** Resolves providers as the class's own module sees them. */
  readonly moduleRef: ModuleRef | undefined;
  /** The modules it belongs to, which determine its paths. */
  readonly modules: readonly Type[];
  readonly isController: boolean;
  readonly methods: readonly ExploredMethod[];
  /** One for each module. Request-scoped classes have instances whose constructor has not run. */
  readonly instances: readonly object[];
}

/** A method, with the transports of which it is a handler, if any. */
export interface ExploredMethod {
  readonly name: string;
  readonly handler: Handler;
  readonly transports: readonly TransportKind[];
}

/** Finds all classes and methods of the application that may be handlers. */
@Injectable()
export class HandlersExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    @Inject(ApplicationTransports) private readonly transports: Pick<ApplicationTransports, 'kinds'>,
  ) {}

  /** Every class of the application, once even if it belongs to several modules. */
  explore(): ExploredClass[] {
    const controllers = this.discovery.getControllers();
    const found = new Map<Type, ExploredClass & { readonly modules: Type[]; readonly instances: object[] }>();
    for (const wrapper of [...controllers, ...this.discovery.getProviders()]) {
      const instance = wrapper.instance as object | null | undefined;
      // Nest does not know the class of a value that a factory returns.
      const type: unknown = wrapper.inject ? instance?.constructor : wrapper.metatype;
      if (!isClass(type)) continue;
      const module = wrapper.host?.metatype as Type | undefined;
      const known = found.get(type);
      if (known) {
        if (module && !known.modules.includes(module)) known.modules.push(module);
        if (instance) known.instances.push(instance);
        continue;
      }
      const isController = controllers.includes(wrapper);
      found.set(type, {
        type,
        modules: module ? [module] : [],
        moduleRef: wrapper.host?.providers.get(ModuleRef)?.instance as ModuleRef | undefined,
        isController,
        methods: this.methodsOf(type, isController),
        instances: instance ? [instance] : [],
      });
    }
    return [...found.values()];
  }

  private methodsOf(type: Type, isController: boolean): ExploredMethod[] {
    const kinds = this.transports.kinds.filter(({ handlers }) => handlers.isOn?.(type, isController) ?? true);
    const prototype = type.prototype as Record<string, Handler>;
    return this.scanner.getAllMethodNames(prototype).map((name) => {
      const handler = prototype[name] as Handler;
      const isMarked = ({ handlers }: TransportKind) => handlers.keys.some((key) => Reflect.hasMetadata(key, handler));
      return { name, handler, transports: kinds.filter(isMarked) };
    });
  }
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && typeof (value as Partial<Type>).prototype === 'object' && value !== Object;
}
