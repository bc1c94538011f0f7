import { Inject, Injectable, type ExecutionContext, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { compilePolicy, type PolicyDefaults } from './compile-policy.js';
import { PolicyMetadata, type PolicyMetadataKey } from './metadata.js';
import type { PolicyLevel, RoutePolicy } from './route-policy.js';

/** A function that Nest calls for a request. */
export type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Reads what decorators say about a handler; the only place that does. Each handler is compiled once. */
@Injectable()
export class PolicyReader {
  private readonly compiled = new WeakMap<Type, WeakMap<Handler, RoutePolicy>>();

  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(CLERK_OPTIONS) private readonly options: PolicyDefaults,
  ) {}

  /** The policy of `handler` as a handler of `controller`: an inherited method is judged by the inheriting class. */
  read(controller: Type, handler: Handler): RoutePolicy {
    let ofController = this.compiled.get(controller);
    if (!ofController) this.compiled.set(controller, (ofController = new WeakMap()));
    let policy = ofController.get(handler);
    if (!policy) {
      const levels = [...this.classLevels(controller), this.handlerLevel(controller, handler)];
      ofController.set(handler, (policy = compilePolicy(levels, this.options)));
    }
    return policy;
  }

  private classLevels(controller: Type): PolicyLevel[] {
    const lineage: Type[] = [];
    for (let type: unknown = controller; isClass(type); type = Object.getPrototypeOf(type)) lineage.unshift(type);
    return lineage.map((type, index) => this.level(type.name, type, lineage[index - 1] ?? null));
  }

  private handlerLevel(controller: Type, handler: Handler): PolicyLevel {
    const place = placeOf(controller, handler);
    return this.level(`${controller.name}.${String(place?.name ?? handler.name)}`, handler, undefined, place);
  }

  /**
   * What is said on `target` itself. A derived class answers with its base's metadata, which is told by identity.
   *
   * @param base The class that a class derives from, or `null`; absent for handlers.
   * @param place Where a handler stands: what is kept there survives a decorator that wraps the function.
   */
  private level(name: string, target: Type | Handler, base?: Type | null, place?: Place): PolicyLevel {
    const own = <T>(key: PolicyMetadataKey): readonly T[] => {
      const said = this.reflector.get<readonly T[] | undefined>(key, target);
      const ofTarget = said === undefined || (base && said === this.reflector.get(key, base)) ? [] : said;
      const ofPlace = place && (Reflect.getOwnMetadata(key, place.owner, place.name) as readonly T[] | undefined);
      return ofPlace && ofPlace.length > ofTarget.length ? ofPlace : ofTarget;
    };
    return {
      name,
      isClass: base !== undefined,
      protections: own(PolicyMetadata.Protection),
      acceptsToken: own(PolicyMetadata.AcceptsToken),
      allowPendingSession: own(PolicyMetadata.AllowPendingSession),
      redirectToSignIn: own(PolicyMetadata.RedirectToSignIn),
      requirements: own(PolicyMetadata.Requirements),
      authParameters: own(PolicyMetadata.AuthParameters),
      currentUser: own(PolicyMetadata.CurrentUser),
    };
  }

  /** Whether any decorator of this library stands on exactly this class, or on this method of it. */
  isDecorated(type: Type, handler?: Handler): boolean {
    const level = handler
      ? this.level('', handler, undefined, placeOf(type, handler))
      : this.level('', type, Object.getPrototypeOf(type) as Type | null);
    return Object.values(level).some((said) => Array.isArray(said) && said.length > 0);
  }
}

/** The prototype that a handler belongs to, and its name there. */
interface Place {
  readonly owner: object;
  readonly name: string | symbol;
}

function placeOf(controller: Type, handler: Handler): Place | undefined {
  for (
    let owner = controller.prototype as object | null;
    owner;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const descriptors = Object.getOwnPropertyDescriptors(owner);
    const name = Reflect.ownKeys(descriptors).find((key) => Reflect.get(descriptors, key).value === handler);
    if (name !== undefined) return { owner, name };
  }
  return undefined;
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && value !== Function.prototype;
}
