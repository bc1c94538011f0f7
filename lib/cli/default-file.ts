import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { CliError } from './cli.error.js';

/** The properties of nest-cli.json, or of one of its projects, that determine the output of a build. */
interface Project {
  readonly type?: string;
  readonly root?: string;
  readonly sourceRoot?: string;
  readonly compilerOptions?: { readonly tsConfigPath?: string };
}

/**
 * Finds the compiled root module, for a command without a file.
 *
 * @param cwd The folder of the application, with nest-cli.json and tsconfig.json.
 * @returns the path of the only compiled app.module.js, relative to that folder.
 * @throws CliError if there is none (with the paths that were tried) or several (with those that were found).
 */
export function defaultFile(cwd: string): string {
  const files = candidates(cwd).map((file) => relative(cwd, file));
  const found = files.filter((file) => statSync(join(cwd, file), { throwIfNoEntry: false })?.isFile());
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new CliError(
    only === undefined
      ? `No compiled root module was found. Build first, or name its file. Looked for ${files.join(', ')}.`
      : `Several root modules were found: ${found.join(', ')}. Name one of them, as in npx nest-clerk routes ${only}.`,
  );
}

function candidates(cwd: string): readonly string[] {
  const { projects = {}, ...workspace } = readJson<Project & { readonly projects?: Record<string, Project> }>(
    join(cwd, 'nest-cli.json'),
  );
  const applications = Object.entries(projects).filter(([, { type }]) => type !== 'library');
  const paths = [
    ...candidatesOf(cwd, workspace, 'dist'),
    ...applications.flatMap(([name, project]) => candidatesOf(cwd, project, join('dist/apps', name))),
  ];
  return [...new Set(paths)];
}

/** TypeScript keeps the source folder in the output if files outside of it are compiled too. */
function candidatesOf(
  cwd: string,
  { root = '', sourceRoot = 'src', compilerOptions }: Project,
  defaultOutput: string,
): string[] {
  const named = compilerOptions?.tsConfigPath;
  const configs = named ? [named] : ['tsconfig.build.json', 'tsconfig.app.json', 'tsconfig.json'];
  const outputs = configs.map((name) => outDirOf(resolve(cwd, named ? '' : root, name)));
  return [...outputs, resolve(cwd, defaultOutput)]
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => ['', 'src', sourceRoot].map((below) => join(folder, below, 'app.module.js')));
}

/** The output folder of a tsconfig, possibly from one that it extends. */
function outDirOf(config: string, depth = 0): string | undefined {
  // tsconfig.json may have comments and trailing commas, which JSON.parse() rejects. A regular expression is enough here.
  const text = read(config).replace(/^[ \t]*\/\/.*$/gm, '');
  const [, outDir] = /"outDir"\s*:\s*"([^"]+)"/.exec(text) ?? [];
  if (outDir !== undefined) return resolve(dirname(config), outDir.replace('${configDir}', '.'));
  const [, base] = /"extends"\s*:\s*"(\.[^"]+)"/.exec(text) ?? [];
  if (base === undefined || depth > 9) return undefined;
  return outDirOf(resolve(dirname(config), base.endsWith('.json') ? base : `${base}.json`), depth + 1);
}

function readJson<T extends object>(file: string): Partial<T> {
  try {
    const value: unknown = JSON.parse(read(file));
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : {};
  } catch {
    return {};
  }
}

/** @returns an empty string if the file does not exist. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
