import { Inject, Injectable, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import { CLERK_OPTIONS } from '../options/resolved-options.js';
import type { GuardPresence } from '../policy/guard-required.js';
import { isJudged } from '../transports/attachment.js';
import { identityCarrierOf } from '../transports/carrier.js';
import { ClerkGuard } from './clerk.guard.js';
import { GuardCoverage, hasOwnGuard, isClerkGuard } from './guard-coverage.js';

type NestModule = ModulesContainer extends Map<string, infer Each> ? Each : never;
type Provider = NestModule['providers'] extends Map<unknown, infer Each> ? Each : never;

/**
 * Refuses the boot where the guard is not there though it should be. Depends on nothing but Nest itself: whatever makes
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
    const problems = [
      ...this.clerkModules().flatMap(({ providers }) => [
        ...this.problemsOfScope(providers.get(CLERK_OPTIONS)),
        ...this.problemsOfGlobalGuard(providers),
      ]),
      ...this.problemsOfOtherGuards(),
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

  /** The modules made by `ClerkModule.forRoot()`. */
  private clerkModules(): NestModule[] {
    return [...this.modules.values()].filter(({ providers }) => providers.has(CLERK_OPTIONS));
  }

  private problemsOfScope(options: Provider | undefined): string[] {
    return options?.isDependencyTreeStatic() === false ? [REQUEST_SCOPED_OPTIONS] : [];
  }

  /** Of what `forRoot()` registered as APP_GUARD, if it did: Nest must have made it a global guard. */
  private problemsOfGlobalGuard(providers: NestModule['providers']): string[] {
    const registered = [...providers].filter(([token]) => isGlobalGuardToken(token));
    const global: unknown[] = this.config.getGlobalGuards();
    const isThere = registered.every(([, { instance }]) => Boolean(instance) && global.includes(instance));
    return isThere ? [] : [NOT_REGISTERED];
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
  'Nest has not registered the guard that ClerkModule brings (APP_GUARD), so no handler would be protected. Import ' +
  'ClerkModule.forRoot() statically, in the root module, and update @nestjs/core.';

const REQUEST_SCOPED_GUARD =
  'a guard registered as APP_GUARD (ClerkGuard, one derived from it, or one made by a factory) is request-scoped, which ' +
  'Nest does not run before every handler. Make it, and all that it injects, singletons.';
