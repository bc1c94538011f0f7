import { isDeepStrictEqual } from 'node:util';

import type { ModulesContainer } from '@nestjs/core';

import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';

export type NestModule = ModulesContainer extends Map<string, infer Each> ? Each : never;

/** The modules that `ClerkModule.forRoot()` and `forRootAsync()` created in this application, in import order. */
export function findClerkModules(modules: ModulesContainer): NestModule[] {
  return [...modules.values()].filter(({ providers }) => providers.has(CLERK_OPTIONS));
}

/** The resolved options of a ClerkModule; `undefined` if they are not resolved yet. */
export function optionsOf({ providers }: NestModule): ResolvedClerkOptions | undefined {
  return (providers.get(CLERK_OPTIONS)?.instance ?? undefined) as ResolvedClerkOptions | undefined;
}

/** The names of the options that differ between two modules. Functions are compared by identity. */
export function differingOptions(one: ResolvedClerkOptions, other: ResolvedClerkOptions): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof ResolvedClerkOptions>;
  return [...names].filter((name) => !isDeepStrictEqual(one[name], other[name])).sort();
}

/** One message for each module whose options conflict with the first; empty if all modules have the same options. */
export function conflictsBetween(clerkModules: readonly NestModule[], modules: ModulesContainer): string[] {
  const [first, ...others] = clerkModules;
  return others.flatMap((other) => {
    const [options, otherOptions] = [first && optionsOf(first), optionsOf(other)];
    const names = options && otherOptions ? differingOptions(options, otherOptions) : [];
    if (!first || names.length === 0) return [];
    return [conflict(names, describeModule(first, modules), describeModule(other, modules))];
  });
}

function conflict(names: readonly string[], one: string, other: string): string {
  return (
    `ClerkModule is imported more than once, with different options (${names.join(', ')}): ${one}, and ${other}. Both ` +
    'would protect the same handlers. Import ClerkModule.forRoot() once, in the root module. To serve several Clerk ' +
    'instances, set resolveOptions, which chooses the keys for each request; for the Backend API of another instance alone, ' +
    'use createClerkClient() of @clerk/backend.'
  );
}

/** The importers of a module and the host of its Clerk instance. Keys are never printed. */
function describeModule(clerkModule: NestModule, modules: ModulesContainer): string {
  const importers = [...modules.values()]
    .filter(({ metatype }) => importsOf(metatype).some((imported) => isMadeFrom(clerkModule, imported)))
    .map(({ name }) => name);
  const encodedHost = optionsOf(clerkModule)?.publishableKey.split('_')[2];
  const host = encodedHost && Buffer.from(encodedHost, 'base64').toString('latin1').replace('$', '');
  return `by ${importers.join(', ') || 'a dynamic module'} for ${host || 'no instance of its own'}`;
}

/** The `imports` of `@Module()`: classes, dynamic modules, promises, forward references. */
function importsOf(moduleClass: object): unknown[] {
  return (Reflect.getMetadata('imports', moduleClass) ?? []) as unknown[];
}

/** Whether Nest created the module from this dynamic module, i.e. it holds exactly the same providers. */
function isMadeFrom({ metatype, providers }: NestModule, imported: unknown): boolean {
  const { module, providers: given = [] } = (imported ?? {}) as { module?: unknown; providers?: GivenProvider[] };
  if (module !== metatype) return false;
  return given.every(({ provide, useValue, useFactory, useClass }) => {
    const made = providers.get(provide);
    return made && [made.instance, made.metatype].includes(useValue ?? useFactory ?? useClass);
  });
}

interface GivenProvider {
  readonly provide: string;
  readonly useValue?: unknown;
  readonly useFactory?: unknown;
  readonly useClass?: unknown;
}
