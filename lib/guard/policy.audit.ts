import { Injectable, type OnModuleInit, type Type } from '@nestjs/common';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { isStrictByDecorator } from '../policy/compile-policy.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { HandlersExplorer, type ExploredClass, type ExploredMethod } from '../transports/handlers.explorer.js';
import type { TransportKind } from '../transports/transport-kind.js';
import { GuardCoverage } from './guard-coverage.js';

/**
 * Checks every handler and every decorated method at boot. The boot fails for a decorator that is contradictory or that
 * no guard enforces.
 */
@Injectable()
export class PolicyAudit implements OnModuleInit {
  constructor(
    private readonly explorer: HandlersExplorer,
    private readonly policies: PolicyReader,
    private readonly predicates: PredicateInstances,
    private readonly coverage: GuardCoverage,
  ) {}

  /** @throws ClerkPolicyError if a handler cannot be protected as decorated; the message names each */
  async onModuleInit(): Promise<void> {
    const placesOf = new Map<string, string[]>();
    for (const explored of this.explorer.explore()) {
      for (const [place, problem] of await this.findProblems(explored)) {
        placesOf.set(problem, [...(placesOf.get(problem) ?? []), place]);
      }
    }
    if (placesOf.size === 0) return;
    throw new ClerkPolicyError([...placesOf].map(([problem, places]) => `${places.join(', ')}: ${problem}`));
  }

  /** Each problem, with the class or handler that has it. */
  private async findProblems(explored: ExploredClass): Promise<[place: string, problem: string][]> {
    const { type, methods } = explored;
    const found: [string, string][] = [];
    for (const method of methods) {
      const place = `${type.name}.${method.name}`;
      for (const problem of await this.findMethodProblems(explored, method)) found.push([place, problem]);
    }
    if (!isRouted(explored) && this.policies.isDecorated(type) && !this.isSkipped(explored)) {
      found.push([type.name, NOT_ROUTED]);
    }
    return found;
  }

  private async findMethodProblems(explored: ExploredClass, method: ExploredMethod): Promise<readonly string[]> {
    const { type, moduleRef, instances } = explored;
    const { handler, transports } = method;
    const policy = this.policies.read(type, handler);
    if (transports.length === 0) {
      if (!this.policies.isDecorated(type, handler)) return [];
      return policy.protection === 'skip' && !isRouted(explored) ? policy.problems : [NOT_ROUTED];
    }
    const problems = [...policy.problems];
    for (const one of policy.requirements) {
      if (!('predicate' in one) || !moduleRef) continue;
      const problem = await this.predicates.prepare(type, moduleRef, one.predicate);
      if (problem) problems.push(problem);
    }
    const unguarded = transports.find((transport) => this.isUnguarded(policy, type, method, transport));
    if (unguarded) problems.push(unguarded.guards?.unguarded ?? NOT_GUARDED);
    if (!instances.every((instance) => isCalledAsDecorated(type, instance, method))) problems.push(REPLACED);
    return problems;
  }

  /** Whether no method of a class needs a guard. Frameworks that Nest does not know may then call them. */
  private isSkipped({ type, methods }: ExploredClass): boolean {
    return (
      methods.length > 0 && methods.every(({ handler }) => this.policies.read(type, handler).protection === 'skip')
    );
  }

  /**
   * Whether a handler that must be protected has no guard. Decorators make protection mandatory; a global guard does so
   * where it does not reach the handlers itself.
   */
  private isUnguarded(policy: RoutePolicy, type: Type, { handler }: ExploredMethod, transport: TransportKind): boolean {
    if (policy.protection === 'skip') return false;
    const mustBeGuarded = isStrictByDecorator(policy) || this.coverage.needsOwnGuard(transport);
    return mustBeGuarded && !this.coverage.covers(type, handler, transport);
  }
}

/** Whether calls reach any method of a class. A method of it that no call reaches is then a mistake. */
function isRouted({ isController, methods }: ExploredClass): boolean {
  return isController || methods.some(({ transports }) => transports.length > 0);
}

/** Whether the guard receives the same class and method that the decorators are on. */
function isCalledAsDecorated(type: Type, instance: object, { name, handler, transports }: ExploredMethod): boolean {
  if (instance.constructor !== type || Object.getPrototypeOf(instance) !== type.prototype) return false;
  const isCalledByName = transports.some(({ callsInstance }) => callsInstance);
  return !isCalledByName || (instance as Record<string, unknown>)[name] === handler;
}

const REPLACED =
  'Nest does not call this method but a replacement on the instance, so its decorators would be ignored. Do not bind() ' +
  'handlers or replace them on instances (Nest calls them with the right `this`), and do not replace the class or its ' +
  'instances with wrappers or proxies.';

const NOT_GUARDED =
  'no guard runs before it, so nothing enforces its decorators. Add @UseGuards(ClerkGuard) to the class, or leave out ' +
  '`guard: false` of ClerkModule, which guards the whole application.';

const NOT_ROUTED =
  'is decorated, but Nest routes no calls to it: it is not a route of a controller, a resolver or a message handler, so no ' +
  'guard runs before it. Move the decorator to the handler, or remove it. If another framework calls it, register an adapter ' +
  'that names the metadata of its handlers: ClerkModule.forRoot({ transports: { type: { call, credentials, handlers } } }).';
