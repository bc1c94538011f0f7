import { Injectable, type Type } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { tokenTypesOf, type TokenType } from '../authentication/identity/token-types.js';
import { appliesToType } from '../policy/applicability.js';
import { describeRequirement } from '../policy/conditions.js';
import { PolicyReader } from '../policy/policy.reader.js';
import type { DeclaredRequirement, RoutePolicy } from '../policy/route-policy.js';
import { ApplicationTransports } from '../transports/application-transports.js';
import type { EntryPoint, Routing } from '../transports/entry-point.js';
import { HandlersExplorer, type ExploredClass } from '../transports/handlers.explorer.js';
import { GuardCoverage } from '../guard/guard-coverage.js';
import { ClerkGuardPresence } from '../guard/guard-presence.js';
import { PolicyAudit } from '../guard/policy.audit.js';
import type { ProtectedRoute, RouteRequirement } from './protected-route.js';

/**
 * Who may call what: every route, resolver and message handler of the application, with its protection and the decorator
 * that sets it.
 *
 * It shows the decorators, and whether a guard runs at all. It cannot detect a microservice that is connected without
 * `inheritAppConfig`, for which Nest runs no global guard.
 *
 * @example
 * ```ts
 * const open = app.get(ClerkProtectionMap).routes().filter(({ protection }) => protection !== 'strict');
 * console.log(formatProtectionMap(open));
 * ```
 */
@Injectable()
export class ClerkProtectionMap {
  constructor(
    private readonly explorer: HandlersExplorer,
    private readonly policies: PolicyReader,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
    private readonly coverage: GuardCoverage,
    private readonly policyAudit: PolicyAudit,
    private readonly guardPresence: ClerkGuardPresence,
    private readonly transports: ApplicationTransports,
  ) {}

  /**
   * Runs the checks of the boot, for an application that is only inspected and whose lifecycle hooks do not run.
   *
   * @throws ClerkPolicyError listing every handler that cannot be protected as decorated.
   * @throws ClerkConfigurationError if something prevents the guard from running.
   * @internal
   */
  async audit(): Promise<void> {
    this.guardPresence.onModuleInit();
    await this.policyAudit.onModuleInit();
  }

  /**
   * Returns all routes as plain frozen data, sorted by transport, path, method and handler, whatever the order of
   * modules. Call it after the application is set up (`app.init()` or `app.listen()`), so that the global prefix and
   * versioning are included.
   */
  routes(): readonly ProtectedRoute[] {
    const classes = this.explorer.explore();
    const routing = this.routing(classes);
    const rows = classes.flatMap(({ type, methods }) =>
      methods.flatMap(({ name, handler, transports }) => {
        const policy = this.policies.read(type, handler);
        return transports.flatMap((kind) => {
          const isGuarded = this.coverage.covers(type, handler, kind);
          const entries = kind.entryPoints({ type, name, handler }, routing);
          return entries.map((entry) => rowOf({ transport: kind.type, ...entry }, policy, isGuarded));
        });
      }),
    );
    // A class that belongs to two modules with the same path is one route.
    const distinct = new Map(rows.map((row) => [JSON.stringify(row), row]));
    const orderOf = ({ transport }: ProtectedRoute) => this.transports.indexOf(transport);
    return deepFreeze([...distinct.values()].sort((a, b) => orderOf(a) - orderOf(b) || byPlace(a, b)));
  }

  private routing(classes: readonly ExploredClass[]): Routing {
    const modulesOf = new Map(classes.map(({ type, modules }) => [type, modules]));
    return {
      globalPrefix: this.config.getGlobalPrefix(),
      excluded: this.config.getGlobalPrefixOptions().exclude ?? [],
      versioning: this.config.getVersioning(),
      modulePathsOf: (type) => [...new Set(modulesOf.get(type)?.map((module) => this.modulePathOf(module)))],
    };
  }

  private modulePathOf(module: Type): string | undefined {
    const ofApplication = `__module_path__${this.modules.applicationId}`;
    return (Reflect.getMetadata(ofApplication, module) ?? Reflect.getMetadata('__module_path__', module)) as
      string | undefined;
  }
}

type Entry = EntryPoint & Pick<ProtectedRoute, 'transport'>;

function rowOf(entry: Entry, policy: RoutePolicy, isGuarded: boolean): ProtectedRoute {
  const { name: handler, protection, acceptsToken, sources } = policy;
  if (!isGuarded) {
    const unguarded = { protection: 'unguarded', acceptsToken: [], requirements: [] } as const;
    return { ...entry, handler, ...unguarded, from: { protection: 'default', acceptsToken: 'default' } };
  }
  if (protection === 'skip') {
    const from = { protection: sources.protection, acceptsToken: sources.protection };
    return { ...entry, handler, protection, acceptsToken: [], requirements: [], from };
  }
  const types = [...tokenTypesOf(acceptsToken)];
  return {
    ...entry,
    handler,
    protection,
    acceptsToken: types,
    requirements: policy.requirements.map((one) => requirementOf(one, types)),
    from: { ...sources },
    ...(policy.allowsPendingSession && types.includes('session_token') ? { allowsPendingSession: true } : {}),
    ...(policy.redirectsToSignIn && protection === 'strict' ? { redirectsToSignIn: true } : {}),
  };
}

function requirementOf(one: DeclaredRequirement, accepted: readonly TokenType[]): RouteRequirement {
  const appliesTo = accepted.filter((type) => appliesToType(one, type));
  const narrowed = appliesTo.length < accepted.length ? { appliesTo } : {};
  return { requirement: describeRequirement(one), from: one.from, ...narrowed };
}

function byPlace(one: ProtectedRoute, other: ProtectedRoute): number {
  const [a, b] = [one, other].map((row) => [
    row.namespace ?? '',
    row.path,
    row.method,
    row.handler,
    JSON.stringify([row.version, row.host]),
  ]) as [string[], string[]];
  const index = a.findIndex((key, at) => key !== b[at]);
  // Compared by code unit, so that the locale of a machine cannot reorder a snapshot.
  return index === -1 ? 0 : a[index]! < b[index]! ? -1 : 1;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object') deepFreeze(part as object);
  return Object.freeze(value);
}
