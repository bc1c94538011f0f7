import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { DEFAULT_SOURCE } from '../policy/compile-policy.js';
import {
  HandlersExplorer,
  type ExploredClass,
  type ExploredMethod,
  type HandlerTransport,
} from '../policy/handlers.explorer.js';
import { PolicyReader } from '../policy/policy.reader.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { GuardCoverage } from './guard-coverage.js';

/**
 * Looks at everything that may be called, and at everything that is decorated, when the application starts, so that a
 * decorator that cannot mean what it says, or that nothing enforces, stops the boot instead of surprising somebody later.
 */
@Injectable()
export class PolicyAudit implements OnModuleInit {
  constructor(
    @Inject(HandlersExplorer) private readonly explorer: HandlersExplorer,
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(PredicateInstances) private readonly predicates: PredicateInstances,
    @Inject(GuardCoverage) private readonly coverage: GuardCoverage,
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
    const { type, methods, isController } = explored;
    const found: [string, string][] = [];
    for (const method of methods) {
      const place = `${type.name}.${method.name}`;
      for (const problem of await this.problemsOfMethod(explored, method)) found.push([place, problem]);
    }
    const routed = isController || methods.some(({ transports }) => transports.length > 0);
    if (!routed && this.policies.isDecorated(type)) found.push([type.name, NOT_ROUTED]);
    return found;
  }

  private async problemsOfMethod(explored: ExploredClass, method: ExploredMethod): Promise<readonly string[]> {
    const { type, moduleRef, instances } = explored;
    const { handler, transports } = method;
    if (transports.length === 0) return this.policies.isDecorated(type, handler) ? [NOT_ROUTED] : [];
    const policy = this.policies.read(type, handler);
    const problems = [...policy.problems];
    for (const one of policy.requirements) {
      if (!('predicate' in one) || !moduleRef) continue;
      const problem = await this.predicates.prepare(type, moduleRef, one.predicate);
      if (problem) problems.push(problem);
    }
    const open = transports.find((transport) => this.isLeftOpen(policy, type, method, transport));
    if (open) problems.push(UNGUARDED[open]);
    if (!instances.every((instance) => isCalledAsDecorated(type, instance, method))) problems.push(REPLACED);
    return problems;
  }

  /** Whether no guard stands before a handler that is to be closed: by its decorators or, of gateways, like all others. */
  private isLeftOpen(
    policy: RoutePolicy,
    type: Type,
    { handler }: ExploredMethod,
    transport: HandlerTransport,
  ): boolean {
    if (policy.protection === 'skip') return false;
    const isToBeClosed = isClosedByDecorator(policy) || (transport === 'ws' && this.coverage.isGlobal);
    return isToBeClosed && !this.coverage.covers(type, handler, transport);
  }
}

/** Whether decorators, and not the default alone, say that callers must be signed in. */
function isClosedByDecorator({ protection, sources }: RoutePolicy): boolean {
  return protection === 'strict' && (sources.protection !== DEFAULT_SOURCE || sources.acceptsToken !== DEFAULT_SOURCE);
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

const NOT_GUARDED =
  'no guard runs before it, so nothing enforces its decorators. Add @UseGuards(ClerkGuard) to the class, or leave out ' +
  '`guard: false` of ClerkModule, which guards the whole application.';

/** What is wrong with a handler that no guard stands before, by how calls reach it. */
const UNGUARDED: Readonly<Record<HandlerTransport, string>> = {
  http: NOT_GUARDED,
  rpc: NOT_GUARDED,
  ws: 'no guard runs before it: on Nest 11 no global guard reaches gateways. Add @UseGuards(ClerkGuard) to the gateway.',
  graphql:
    'no guard runs before it, so nothing enforces its decorators. Nest guards field resolvers only with ' +
    "`fieldResolverEnhancers: ['guards']` among the options of GraphQLModule; queries and mutations need " +
    '@UseGuards(ClerkGuard) where ClerkModule has `guard: false`.',
};

const NOT_ROUTED =
  'is decorated, but Nest does not route calls to it: it is no route of a controller, no resolver and no message handler, so no guard runs before it. Move the decorator to the handler, or remove it.';
