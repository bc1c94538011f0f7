import { RequestMethod, VERSION_NEUTRAL, VersioningType, type VersioningOptions } from '@nestjs/common';

/** `VERSION_NEUTRAL` is a symbol. */
type Version = string | symbol;

/** One or several versions, as Nest's decorators store them. */
export type Versions = Version | readonly Version[] | undefined;

/** The routing metadata of a controller and one of its methods. */
export interface DeclaredRoute {
  readonly method: RequestMethod;
  /** The path from `RouterModule`. */
  readonly modulePath?: string;
  readonly controllerPath: string | readonly string[];
  readonly methodPath: string | readonly string[];
  readonly controllerVersion?: Versions;
  readonly methodVersion?: Versions;
}

/** The routing configuration of the application. */
export interface HttpRouting {
  readonly globalPrefix: string;
  /** Routes excluded from the global prefix, as Nest compiles them. */
  readonly excluded: readonly { readonly requestMethod: number; readonly pathRegex: RegExp }[];
  readonly versioning?: VersioningOptions;
}

/** A registered path, with its versions if they are not part of the path. */
export interface HttpPath {
  readonly path: string;
  readonly version?: readonly string[];
}

/**
 * Every path under which Nest registers a route. Nest's own computation (`RoutePathFactory`) is not exported from its
 * package root, so this does the same; `test/e2e/protection-map.spec.ts` compares it with the routes that Nest registers.
 */
export function httpPathsOf(route: DeclaredRoute, routing: HttpRouting): HttpPath[] {
  const { versioning } = routing;
  const versions = versioning ? versionsOf(route, versioning) : [];
  const inPath = versioning?.type === VersioningType.URI;
  const prefixes = inPath && versions.length > 0 ? versions.map((one) => uriVersion(one, versioning)) : [''];
  const version = inPath || versions.length === 0 ? {} : { version: versions.map(nameOf) };
  return prefixes.flatMap((prefix) => unversioned(route).map((path) => ({ path: place(path, prefix), ...version })));

  function place(path: string, versionPrefix: string): string {
    const outside = routing.excluded.some(
      ({ requestMethod, pathRegex }) =>
        [RequestMethod.ALL, -1, route.method].includes(requestMethod) && pathRegex.test(leadingSlash(path)),
    );
    const globalPrefix = outside ? '' : withoutEndSlash(leadingSlash(routing.globalPrefix));
    return withoutEndSlash(globalPrefix + versionPrefix + path) || '/';
  }
}

function versionsOf(
  { methodVersion, controllerVersion }: DeclaredRoute,
  { defaultVersion }: VersioningOptions,
): readonly Version[] {
  // The method's version replaces the controller's, which replaces the default.
  const versions = methodVersion || (controllerVersion ?? (defaultVersion as Versions));
  if (!versions) return [];
  return Array.isArray(versions) ? (versions as readonly Version[]) : [versions as Version];
}

function uriVersion(version: Version, versioning: VersioningOptions): string {
  if (version === VERSION_NEUTRAL) return '';
  const { prefix = 'v' } = versioning as { prefix?: string | false };
  return `/${prefix || ''}${String(version)}`;
}

const nameOf = (version: Version): string => (version === VERSION_NEUTRAL ? 'neutral' : String(version));

function unversioned({ modulePath, controllerPath, methodPath }: DeclaredRoute): string[] {
  const fragments = [modulePath ?? '', controllerPath, methodPath].map((fragment) => [fragment].flat());
  return fragments.reduce<string[]>(
    (paths, alternatives) =>
      paths.flatMap((path) =>
        alternatives.map((fragment) => (fragment ? withoutEndSlash(path) + leadingSlash(fragment) : path)),
      ),
    [''],
  );
}

/** An optional segment such as `{/:id}` has its slash inside. */
const leadingSlash = (path: string) => (path === '' || /^(\/|\{\/)/.test(path) ? path : `/${path}`);
const withoutEndSlash = (path: string) => (path.endsWith('/') ? path.slice(0, -1) : path);
