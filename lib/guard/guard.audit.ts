import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';

import { ClerkPolicyError } from '../errors/clerk.errors.js';
import { DEFAULT_SOURCE } from '../policy/compile-policy.js';
import { HandlersExplorer, type HandlerTransport } from '../policy/handlers.explorer.js';
import { PolicyReader } from '../policy/policy.reader.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { GuardCoverage } from './guard-coverage.js';

/**
 * Finds, when the application starts, the handlers that no guard stands before though they should be closed: those whose
 * decorators close them, and before Nest 12 all messages of gateways, which no global guard reaches there.
 */
@Injectable()
export class GuardAudit implements OnModuleInit {
  constructor(
    @Inject(HandlersExplorer) private readonly explorer: HandlersExplorer,
    @Inject(PolicyReader) private readonly policies: PolicyReader,
    @Inject(GuardCoverage) private readonly coverage: GuardCoverage,
  ) {}

  /** @throws ClerkPolicyError naming each of them. */
  onModuleInit(): void {
    const handlersOf = new Map<string, string[]>();
    for (const { type, methods } of this.explorer.explore()) {
      for (const { name, handler, transports } of methods) {
        const policy = this.policies.read(type, handler);
        const [open] = transports.filter((transport) =>
          this.isLeftOpen(policy, transport, () => this.coverage.covers(type, handler, transport)),
        );
        if (!open) continue;
        const problem = CURES[open];
        handlersOf.set(problem, [...(handlersOf.get(problem) ?? []), `${type.name}.${name}`]);
      }
    }
    const problems = [...handlersOf].map(([problem, handlers]) => `${handlers.join(', ')}: ${problem}`);
    if (problems.length > 0) throw new ClerkPolicyError(problems);
  }

  private isLeftOpen(policy: RoutePolicy, transport: HandlerTransport, isCovered: () => boolean): boolean {
    if (policy.protection === 'skip') return false;
    const shouldBeGuarded = isClosedByDecorator(policy) || (transport === 'ws' && this.coverage.isGlobal);
    return shouldBeGuarded && !isCovered();
  }
}

/** Whether decorators, and not the default alone, say that callers must be signed in. */
function isClosedByDecorator({ protection, sources }: RoutePolicy): boolean {
  return protection === 'strict' && (sources.protection !== DEFAULT_SOURCE || sources.acceptsToken !== DEFAULT_SOURCE);
}

const NOT_GUARDED =
  'no guard runs before it, so nothing enforces its decorators. Add @UseGuards(ClerkGuard) to the class, or leave out ' +
  '`guard: false` of ClerkModule, which guards the whole application.';

const CURES: Readonly<Record<HandlerTransport, string>> = {
  http: NOT_GUARDED,
  rpc: NOT_GUARDED,
  ws: 'no guard runs before it: on Nest 11 no global guard reaches gateways. Add @UseGuards(ClerkGuard) to the gateway.',
  graphql:
    'no guard runs before it, so nothing enforces its decorators. Nest guards field resolvers only with ' +
    "`fieldResolverEnhancers: ['guards']` among the options of GraphQLModule; queries and mutations need @UseGuards(ClerkGuard) where ClerkModule has `guard: false`.",
};
