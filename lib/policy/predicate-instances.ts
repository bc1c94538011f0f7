import { Injectable, Scope, type ScopeOptions, type Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { isPredicateClass } from './requirement-problems.js';
import type { PredicateRef } from './requirement.js';

type Instance = { check(...args: unknown[]): unknown };

/** The instances of the classes that `@RequireThat()` was given, made when the application boots. */
@Injectable()
export class PredicateInstances {
  private readonly instances = new WeakMap<Type, Map<PredicateRef, Instance>>();

  /**
   * Finds the instance that a handler of `controller` asks: a provider of the application, or one made for it, with what
   * the controller's module has to inject.
   *
   * @returns what is wrong, with the cure.
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
      return `@RequireThat(${predicate.name}) cannot be asked: ${why} Provide ${predicate.name}, not request-scoped, and what it injects in the module of ${controller.name}.`;
    }
  }

  /** @returns `undefined` where it was not prepared: nobody may pass then. */
  of(controller: Type, predicate: PredicateRef): Instance | undefined {
    return this.instances.get(controller)?.get(predicate);
  }
}

async function instanceOf(moduleRef: ModuleRef, type: Type<Instance>): Promise<Instance> {
  try {
    return moduleRef.get(type, { strict: false });
  } catch (error) {
    // Nest says with an error of its own that it knows the class and that each request has another instance.
    if (error instanceof Error && error.constructor.name === 'InvalidClassScopeException') throw error;
    // create() would make one for all requests, whatever the class says of itself.
    const options = Reflect.getMetadata('scope:options', type) as ScopeOptions | undefined;
    if (options?.scope === Scope.REQUEST) throw new Error(`${type.name} is request-scoped.`);
    return moduleRef.create(type);
  }
}
