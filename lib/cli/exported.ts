import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';

import type { Type } from '@nestjs/common';

import { CliError } from './cli.error.js';
import type { Io } from './io.js';

/** The application's root module, or a function that creates the application. */
export type Exported = { readonly module: Type } | { readonly createApp: () => unknown };

type Exports = Readonly<Record<string, unknown>>;

/** The absolute path of the file that the user named. */
export function absolutePathOf(file: string, { cwd }: Io): string {
  const path = resolve(cwd, file);
  if (/^\.[cm]?tsx?$/.test(extname(path))) {
    throw new CliError(
      `${file} is TypeScript, and nest-clerk reads compiled JavaScript. Build first, then name the JavaScript file, such as dist/app.module.js.`,
    );
  }
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new CliError(
      `There is no file ${path}. Name a compiled one, such as dist/app.module.js, relative to the current folder. If it does not exist yet, build first.`,
    );
  }
  return path;
}

/** Picks the export that is the application. */
export function selectExport(loaded: unknown, file: string, exportName?: string): Exported {
  const exports = exportsOf(loaded);
  if (exportName !== undefined) {
    const found = Object.hasOwn(exports, exportName) ? asExported(exports[exportName]) : undefined;
    if (found) return found;
    const problem = Object.hasOwn(exports, exportName)
      ? `${exportName} of ${file} is neither a class with @Module() nor a function that returns the application.`
      : `${file} does not export ${exportName}.`;
    throw new CliError(`${problem} It exports ${listed(Object.keys(exports))}.`);
  }
  const byDefault = asExported(exports.default);
  if (byDefault) return byDefault;
  const modules = Object.entries(exports).filter(([, value]) => isModule(value));
  const [only] = modules;
  if (only && modules.length === 1) return { module: only[1] as Type };
  throw new CliError(
    only
      ? `${file} exports several modules, ${listed(modules.map(([name]) => name))}: name the root module with --export, as in --export ${only[0]}.`
      : `${file} exports no module. Name the file of the root module, or name the function that returns the application with --export. It exports ${listed(Object.keys(exports))}.`,
  );
}

/** The exports of a module by name. Node imports CommonJS as a default export, and detects only some of its names. */
export function exportsOf(loaded: unknown): Exports {
  const named = loaded as Exports;
  const inner = named.default;
  const isCommonJs = typeof inner === 'object' && inner !== null;
  const all = isCommonJs ? { ...named, default: undefined, ...inner } : named;
  const isNoise = (name: string) => name === '__esModule' || name === 'module.exports';
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== undefined && !isNoise(name)));
}

function asExported(value: unknown): Exported | undefined {
  if (isModule(value)) return { module: value };
  const isFunction = typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));
  return isFunction ? { createApp: value as () => unknown } : undefined;
}

/** `@Module()` stores each of its properties as metadata. */
function isModule(value: unknown): value is Type {
  const properties = ['imports', 'providers', 'controllers', 'exports'];
  return typeof value === 'function' && properties.some((key) => Reflect.hasMetadata(key, value));
}

const listed = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : 'nothing');
