import { Inject, Injectable, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import type { Denial } from '../errors/denial.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import type { GuardPresence } from '../policy/guard-required.js';
import { isJudged } from '../transports/attachment.js';
import { identityCarrierOf } from '../transports/carrier.js';
import { denyRpc } from '../transports/rpc/rpc.denial.js';
import { ClerkGuard } from './clerk.guard.js';
import { conflictsBetween, findClerkModules, type NestModule } from './clerk-modules.js';
import { GLOBAL_GUARD } from './global-guard.js';
import { GuardCoverage, hasOwnGuard, isClerkGuard } from './guard-coverage.js';

type Provider = NestModule['providers'] extends Map<unknown, infer Each> ? Each : never;

/**
 * Refuses the boot where the guard is not there though it should be, where another one runs before it, and where there are
 * two for different instances. Depends on nothing but Nest itself: whatever makes
 * the guard vanish (request-scoped options, of which some versions of Nest register no guard at all) would take anything
 * that depends on the options with it.
 */
@Injectable()
export class ClerkGuardPresence implements GuardPresence, OnModuleInit {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(GuardCoverage) private readonly coverage: GuardCoverage,
  ) {}

  /** @throws ClerkConfigurationError saying what keeps the guard from running, and what to do. */
  onModuleInit(): void {
    const clerkModules = findClerkModules(this.modules);
    const problems = [
      ...clerkModules.flatMap(({ providers }) => this.problemsOfScope(providers.get(CLERK_OPTIONS))),
      ...this.problemsOfGlobalGuards(clerkModules),
      ...this.problemsOfOtherGuards(),
      ...conflictsBetween(clerkModules, this.modules),
    ];
    if (problems.length > 0) throw new ClerkConfigurationError([...new Set(problems)]);
  }

  judges(context: ExecutionContext): boolean {
    return (
      isJudged(identityCarrierOf(context)) ||
      hasOwnGuard(context.getClass(), context.getHandler()) ||
      this.coverage.isReplaced
    );
  }

  deny(context: ExecutionContext, denial: Denial): Promise<never> | undefined {
    return context.getType() === 'rpc' ? denyRpc(context, denial) : undefined;
  }

  private problemsOfScope(options: Provider | undefined): string[] {
    return options?.isDependencyTreeStatic() === false ? [REQUEST_SCOPED_OPTIONS] : [];
  }

  /** Of what `forRoot()` registers: it must be among the global guards, and none may run before it. */
  private problemsOfGlobalGuards(clerkModules: readonly NestModule[]): string[] {
    const registered = clerkModules
      .map(({ providers }) => providers.get(GLOBAL_GUARD))
      .filter((provider) => provider !== undefined)
      .map(({ instance }) => instance as unknown);
    const global: unknown[] = this.config.getGlobalGuards();
    if (!registered.every((guard) => Boolean(guard) && global.includes(guard))) return [NOT_REGISTERED];
    const earlier = global.slice(
      0,
      Math.max(
        0,
        global.findIndex((guard) => registered.includes(guard)),
      ),
    );
    return earlier.map((guard) => earlierGuard((guard as object).constructor.name));
  }

  /** Guards derived from ClerkGuard, which the application registers itself. */
  private problemsOfOtherGuards(): string[] {
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    const dropped = [...this.modules.values()]
      .flatMap(({ providers }) => [...providers])
      .filter(([token, provider]) => isGlobalGuardToken(token) && !provider.isDependencyTreeStatic())
      // What an alias or a factory would have given cannot be told any more.
      .map(([, { metatype, inject }]) => (inject ? ClerkGuard : metatype));
    return [...perRequest, ...dropped].some(isClerkGuard) ? [REQUEST_SCOPED_GUARD] : [];
  }
}

/** Nest gives each provider of APP_GUARD a token of its own, which begins with that name. */
function isGlobalGuardToken(token: unknown): boolean {
  return typeof token === 'string' && token.startsWith(APP_GUARD);
}

const REQUEST_SCOPED_OPTIONS =
  'the options of ClerkModule.forRootAsync() are request-scoped, through what useFactory, useClass or useExisting injects: ' +
  'they are settled once, when the application boots. Inject nothing request-scoped or durable there; for options that ' +
  'depend on the request, set resolveOptions.';

const NOT_REGISTERED =
  'the guard that ClerkModule brings was not registered, so no handler would be protected. Import ClerkModule.forRoot() ' +
  'statically, in the root module. A guard that a test puts in the place of ClerkGuard must be a singleton.';

function earlierGuard(name: string): string {
  return (
    `the global guard ${name} would run before ClerkGuard, so it could not know the caller: getAuth() throws there. It was ` +
    'added to ApplicationConfig while providers were created. Register it with APP_GUARD or app.useGlobalGuards(), which ' +
    'run after ClerkGuard. If it has to run first, set the order yourself: ClerkModule.forRoot({ guard: false }), and ' +
    '{ provide: APP_GUARD, useClass: ClerkGuard } in AppModule.'
  );
}

const REQUEST_SCOPED_GUARD =
  'a guard registered as APP_GUARD (ClerkGuard, one derived from it, or one made by a factory) is request-scoped, which ' +
  'Nest does not run before every handler. Make it, and all that it injects, singletons.';
