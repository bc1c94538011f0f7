import { Inject, Injectable, type ExecutionContext, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { CLERK_OPTIONS } from '../options/resolved-options.js';
import { compilePolicy, isStrictByDecorator, type PolicyDefaults } from './compile-policy.js';
import { PolicyMetadata, type PolicyMetadataKey } from './metadata.js';
import type { PolicyLevel, RoutePolicy } from './route-policy.js';

/** A handler function, as Nest calls it. */
export type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Reads the decorators of a handler, and is the only place that does. Each handler is compiled once. */
@Injectable()
export class PolicyReader {
  private readonly compiled: Policies = new WeakMap();
  private readonly copies: Policies = new WeakMap();
  private readonly skipped: Policies = new WeakMap();

  constructor(
    private readonly reflector: Reflector,
    @Inject(CLERK_OPTIONS) private readonly options: PolicyDefaults,
  ) {}

  /**
   * The policy of `handler` as a method of `controller`: for an inherited method, the inheriting class counts. A function
   * that is not a method of the class has lost its decorators, so it gets a problem and is denied.
   */
  read(controller: Type, handler: Handler): RoutePolicy {
    const known = this.compiled.get(controller)?.get(handler);
    if (known) return known;
    const place = placeOf(controller, handler);
    const policy = this.compile(controller, handler, place);
    return place ? keep(this.compiled, controller, handler, policy) : withProblem(policy, LOST);
  }

  /**
   * The same for calls that a framework other than Nest routes. It may call a copy of the method, which is recognized by
   * the metadata that it shares with the method. For any other copy the decorators of the class apply, provided that no
   * method of the class has decorators that could be lost.
   *
   * @param isSkipped Whether the calls carry no credentials, so that handlers run as with `@SkipAuth()`. A handler that
   * a decorator restricts gets a problem and is denied.
   */
  readForeign(controller: Type, handler: Handler, isSkipped = false): RoutePolicy {
    const known = (isSkipped ? this.skipped : this.copies).get(controller)?.get(handler);
    if (known) return known;
    const original = originalOf(controller, handler);
    const isLost = !original && this.hasDecoratedMethods(controller);
    const policy =
      original || isLost ? this.read(controller, original ?? handler) : this.compile(controller, handler, undefined);
    if (!isSkipped) return keep(this.copies, controller, handler, policy);
    return keep(
      this.skipped,
      controller,
      handler,
      isLost ? policy : this.skip(policy, controller, original ?? handler),
    );
  }

  /** The policy of a handler whose calls carry no credentials. */
  private skip(policy: RoutePolicy, controller: Type, handler: Handler): RoutePolicy {
    if (isStrictByDecorator(policy)) return withProblem(policy, RESTRICTED);
    return policy.protection === 'skip'
      ? policy
      : this.compile(controller, handler, placeOf(controller, handler), { protections: ['skip'] });
  }

  private compile(
    controller: Type,
    handler: Handler,
    place: Place | undefined,
    replaced: Partial<PolicyLevel> = {},
  ): RoutePolicy {
    const name = `${controller.name}.${String(place?.name ?? handler.name)}`;
    const ofHandler = { ...this.level(name, handler, undefined, place), ...replaced };
    const levels = [...this.classLevels(controller), ofHandler];
    return compilePolicy(levels, this.options);
  }

  private classLevels(controller: Type): PolicyLevel[] {
    const lineage: Type[] = [];
    for (let type: unknown = controller; isClass(type); type = Object.getPrototypeOf(type)) lineage.unshift(type);
    return lineage.map((type, index) => this.level(type.name, type, lineage[index - 1] ?? null));
  }

  /**
   * The decorators on `target` itself. For a derived class, Reflect returns the metadata of its base, which is recognised
   * by identity.
   *
   * @param base The class that a class derives from, or `null`; absent for handlers.
   * @param place The class and name of a handler; metadata stored there survives a decorator that wraps the function.
   */
  private level(name: string, target: Type | Handler, base?: Type | null, place?: Place): PolicyLevel {
    const own = <T>(key: PolicyMetadataKey): readonly T[] => {
      const values = this.reflector.get<readonly T[] | undefined>(key, target);
      const ofTarget = values === undefined || (base && values === this.reflector.get(key, base)) ? [] : values;
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

  /** Whether exactly this class, or this method of it, has a decorator of this library. */
  isDecorated(type: Type, handler?: Handler): boolean {
    const level = handler
      ? this.level('', handler, undefined, placeOf(type, handler))
      : this.level('', type, Object.getPrototypeOf(type) as Type | null);
    return Object.values(level).some((values) => Array.isArray(values) && values.length > 0);
  }

  private hasDecoratedMethods(type: Type): boolean {
    return methodsOf(type).some((method) => this.isDecorated(type, method));
  }
}

type Policies = WeakMap<Type, WeakMap<Handler, RoutePolicy>>;

function keep(policies: Policies, controller: Type, handler: Handler, policy: RoutePolicy): RoutePolicy {
  const ofController = policies.get(controller) ?? new WeakMap<Handler, RoutePolicy>();
  policies.set(controller, ofController.set(handler, policy));
  return policy;
}

function withProblem(policy: RoutePolicy, problem: string): RoutePolicy {
  return Object.freeze({ ...policy, problems: [...policy.problems, problem] });
}

const LOST =
  'Nest calls a function that is not a method of the class, so the decorators of the method cannot be found. Do not replace ' +
  'methods on instances (bind(), arrow properties, proxies), and do not replace the class with a wrapper.';

const RESTRICTED =
  "decorators restrict who may call it, but the option transports is 'skip' for this type of calls, so that they carry no " +
  'credentials. Register an adapter with call(context) and credentials(context), or remove the decorators.';

/**
 * The method that a framework calls, or has copied with its metadata, as `bind()` with `Reflect.defineMetadata()` does. A
 * copy shares every metadata value with its method, at least one of them an object, which no other method has.
 */
function originalOf(controller: Type, handler: Handler): Handler | undefined {
  if (placeOf(controller, handler)) return handler;
  const keys = Reflect.getOwnMetadataKeys(handler) as (string | symbol)[];
  const shares = (method: Handler) =>
    Reflect.getOwnMetadataKeys(method).length === keys.length &&
    keys.every((key) => Reflect.getOwnMetadata(key, method) === Reflect.getOwnMetadata(key, handler)) &&
    keys.some((key) => typeof Reflect.getOwnMetadata(key, method) === 'object');
  const [original, ...others] = methodsOf(controller).filter(shares);
  return others.length === 0 ? original : undefined;
}

/** The methods of a class, with those that it inherits and overrides. */
function methodsOf(type: Type): Handler[] {
  const values = prototypesOf(type).flatMap((owner) =>
    Object.values(Object.getOwnPropertyDescriptors(owner)).map(({ value }) => value as unknown),
  );
  return values.filter((value): value is Handler => typeof value === 'function');
}

/** The prototype that a handler belongs to, and its name there. */
interface Place {
  readonly owner: object;
  readonly name: string | symbol;
}

function placeOf(controller: Type, handler: Handler): Place | undefined {
  for (const owner of prototypesOf(controller)) {
    const descriptors = Object.getOwnPropertyDescriptors(owner);
    const name = Reflect.ownKeys(descriptors).find((key) => Reflect.get(descriptors, key).value === handler);
    if (name !== undefined) return { owner, name };
  }
  return undefined;
}

/** The prototype of a class and those it inherits from, starting with its own. */
function prototypesOf({ prototype }: Type): object[] {
  const prototypes: object[] = [];
  for (let owner = prototype as object | null; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    prototypes.push(owner);
  }
  return prototypes;
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && value !== Function.prototype;
}
