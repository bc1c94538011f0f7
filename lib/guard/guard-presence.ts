import { Injectable, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import type { Denial } from '../errors/denial.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import type { GuardPresence } from '../policy/guard-required.js';
import { isGuarded } from '../transports/attachment.js';
import { identityCarrierOf } from '../transports/carrier.js';
import { builtInKind } from '../transports/transport-kinds.js';
import { ClerkGuard } from './clerk.guard.js';
import { conflictsBetween, findClerkModules, type NestModule } from './clerk-modules.js';
import { GLOBAL_GUARD } from './global-guard.js';
import { GuardCoverage, hasOwnGuard, isClerkGuard } from './guard-coverage.js';

type Provider = NestModule['providers'] extends Map<unknown, infer Each> ? Each : never;

/**
 * Fails the boot if ClerkGuard is missing, if another global guard runs before it, or if several modules have different
 * options.
 *
 * Depends on nothing but Nest itself. What removes the guard (request-scoped options, for which some versions of Nest
 * register no guard at all) would also remove any provider that depends on the options.
 */
@Injectable()
export class ClerkGuardPresence implements GuardPresence, OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly coverage: GuardCoverage,
  ) {}

  /** @throws ClerkConfigurationError if the guard cannot run; the message says why and how to fix it */
  onModuleInit(): void {
    const clerkModules = findClerkModules(this.modules);
    const problems = [
      ...clerkModules.flatMap(({ providers }) => this.scopeProblems(providers.get(CLERK_OPTIONS))),
      ...this.globalGuardProblems(clerkModules),
      ...this.otherGuardProblems(),
      ...conflictsBetween(clerkModules, this.modules),
    ];
    if (problems.length > 0) throw new ClerkConfigurationError([...new Set(problems)]);
  }

  isGuarded(context: ExecutionContext): boolean {
    return (
      isGuarded(identityCarrierOf(context)) ||
      hasOwnGuard(context.getClass(), context.getHandler()) ||
      this.coverage.isReplaced
    );
  }

  deny(context: ExecutionContext, denial: Denial): Promise<never> | undefined {
    return builtInKind(context.getType())?.denyUnguarded?.(context, denial);
  }

  private scopeProblems(options: Provider | undefined): string[] {
    return options?.isDependencyTreeStatic() === false ? [REQUEST_SCOPED_OPTIONS] : [];
  }

  /** The guard that `forRoot()` registers must be the first global guard. */
  private globalGuardProblems(clerkModules: readonly NestModule[]): string[] {
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

  /** Checks ClerkGuard and its subclasses that the application registers itself. */
  private otherGuardProblems(): string[] {
    const perRequest = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    const dropped = [...this.modules.values()]
      .flatMap(({ providers }) => [...providers])
      .filter(([token, provider]) => isGlobalGuardToken(token) && !provider.isDependencyTreeStatic())
      // The class behind an alias or a factory is unknown here; it may be ClerkGuard.
      .map(([, { metatype, inject }]) => (inject ? ClerkGuard : metatype));
    return [...perRequest, ...dropped].some(isClerkGuard) ? [REQUEST_SCOPED_GUARD] : [];
  }
}

/** Nest gives each APP_GUARD provider a unique token that starts with that name. */
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
