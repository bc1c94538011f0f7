import { Injectable, Scope, type ScopeOptions, type Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { isPredicateClass } from './requirement-problems.js';
import type { PredicateRef } from './requirement.js';

type Instance = { check(...args: unknown[]): unknown };

/** The instances of the predicate classes passed to `@RequireThat()`, created when the application boots. */
@Injectable()
export class PredicateInstances {
  private readonly instances = new WeakMap<Type, Map<PredicateRef, Instance>>();

  /**
   * Prepares the instance that handlers of `controller` use: a provider of the application, or one created with the
   * providers of the controller's module.
   *
   * @returns the problem with its fix, or `undefined`.
   */
  async prepare(controller: Type, moduleRef: ModuleRef, predicate: PredicateRef): Promise<string | undefined> {
    if (!isPredicateClass(predicate)) return undefined;
    const known = this.instances.get(controller) ?? new Map<PredicateRef, Instance>();
    if (known.has(predicate)) return undefined;
    try {
      known.set(predicate, await instanceOf(moduleRef, predicate as Type<Instance>));
      this.instances.set(controller, known);
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
      return `@RequireThat(${predicate.name}) cannot be created: ${why} Provide ${predicate.name}, not request-scoped, and what it injects in the module of ${controller.name}.`;
    }
  }

  /** @returns `undefined` if it was not prepared; the call is denied then. */
  of(controller: Type, predicate: PredicateRef): Instance | undefined {
    return this.instances.get(controller)?.get(predicate);
  }
}

async function instanceOf(moduleRef: ModuleRef, type: Type<Instance>): Promise<Instance> {
  try {
    return moduleRef.get(type, { strict: false });
  } catch (error) {
    // Nest throws this if the provider exists but is request-scoped.
    if (error instanceof Error && error.constructor.name === 'InvalidClassScopeException') throw error;
    // create() would ignore the scope of the class, and create one instance for all requests.
    const options = Reflect.getMetadata('scope:options', type) as ScopeOptions | undefined;
    if (options?.scope === Scope.REQUEST) throw new Error(`${type.name} is request-scoped.`);
    return moduleRef.create(type);
  }
}
