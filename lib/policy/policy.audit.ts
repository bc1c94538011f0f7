import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import {
  HandlersExplorer,
  type ExploredClass,
  type ExploredMethod,
  type HandlerTransport,
} from './handlers.explorer.js';
import { PolicyReader } from './policy.reader.js';
import { PredicateInstances } from './predicate-instances.js';

/**
 * Looks at everything that may be called, and at everything that is decorated, when the application starts, so that a
 * decorator that cannot mean what it says stops the boot instead of surprising somebody later.
 */
@Injectable()
export class PolicyAudit implements OnModuleInit {
  constructor(
    @Inject(HandlersExplorer) private readonly explorer: HandlersExplorer,
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(PredicateInstances) private readonly predicates: PredicateInstances,
  ) {}

  /** @throws ClerkPolicyError naming every handler that cannot be protected as decorated. */
  async onModuleInit(): Promise<void> {
    const placesOf = new Map<string, string[]>();
    for (const explored of this.explorer.explore()) {
      for (const [place, problem] of await this.problemsOf(explored)) {
        placesOf.set(problem, [...(placesOf.get(problem) ?? []), place]);
      }
    }
    if (placesOf.size === 0) return;
    throw new ClerkPolicyError([...placesOf].map(([problem, places]) => `${places.join(', ')}: ${problem}`));
  }

  /** Each problem with the class or handler it is found at. */
  private async problemsOf(explored: ExploredClass): Promise<[place: string, problem: string][]> {
    const { type, methods, isController, instances } = explored;
    const found: [string, string][] = [];
    for (const method of methods) {
      const place = `${type.name}.${method.name}`;
      for (const problem of await this.problemsOfMethod(explored, method)) found.push([place, problem]);
      const isRouted = method.transports.length > 0;
      if (isRouted && !instances.every((one) => isCalledAsDecorated(type, one, method))) found.push([place, REPLACED]);
    }
    const routed = isController || methods.some(({ transports }) => transports.length > 0);
    if (!routed && this.policies.isDecorated(type)) found.push([type.name, NOT_ROUTED]);
    return found;
  }

  private async problemsOfMethod(
    { type, moduleRef }: ExploredClass,
    { handler, transports }: ExploredMethod,
  ): Promise<readonly string[]> {
    if (transports.length === 0) return this.policies.isDecorated(type, handler) ? [NOT_ROUTED] : [];
    const { problems, requirements } = this.policies.read(type, handler);
    const unprepared: string[] = [];
    for (const one of requirements) {
      if (!('predicate' in one) || !moduleRef) continue;
      const problem = await this.predicates.prepare(type, moduleRef, one.predicate);
      if (problem) unprepared.push(problem);
    }
    return [...problems, ...unprepared];
  }
}

/** By these transports Nest calls what an instance has under the name of a method, by the others the method itself. */
const CALLS_INSTANCE: readonly HandlerTransport[] = ['http', 'rpc'];

/** Whether the guard is told of the very class and method that the decorators stand on. */
function isCalledAsDecorated(type: Type, instance: object, { name, handler, transports }: ExploredMethod): boolean {
  if (instance.constructor !== type || Object.getPrototypeOf(instance) !== type.prototype) return false;
  const isCalledByName = transports.some((transport) => CALLS_INSTANCE.includes(transport));
  return !isCalledByName || (instance as Record<string, unknown>)[name] === handler;
}

const REPLACED =
  'Nest does not call this method of this class but what its instance has in its place, so decorators would go unread. ' +
  'Do not bind() handlers or replace them on instances, wrap instances or classes in proxies, let decorators of the class ' +
  'return another class that does so, or replace the constructor of its prototype. Nest calls handlers with the right `this`.';

const NOT_ROUTED =
  'is decorated, but Nest does not route calls to it: it is no route of a controller, no resolver and no message handler, so no guard runs before it. Move the decorator to the handler, or remove it.';
