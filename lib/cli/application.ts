import { createRequire } from 'node:module';

import { Logger, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';

import { ClerkErrorCode, type ClerkProtectionMap, type ProtectedRoute } from '../index.js';
import { CliError } from './cli.error.js';
import { absolutePathOf, exportsOf, selectExport, type Exported } from './exported.js';
import type { Io } from './io.js';
import { bundleError, containsNest, factoriesOf, loadQuietly, withoutListening } from './loading.js';
import { placeholderEnvironments, variablesNamedIn } from './placeholder-keys.js';

/** The `PROTECTION_MAP` of whichever copy of this library the application has loaded. */
const PROTECTION_MAP = Symbol.for('nest-clerk:protection-map');

/**
 * Creates the application of a file and reads its protection map. Nothing is started: no lifecycle hook runs, including
 * those that close connections, and the application cannot listen.
 */
export async function mapApplication(
  file: string,
  exportName: string | undefined,
  io: Io,
): Promise<readonly ProtectedRoute[]> {
  const path = absolutePathOf(file, io);
  const isBundle = containsNest(path);
  if (isBundle && exportName === undefined) throw bundleError(file);
  const environment = { ...io.env };
  const [first, second] = placeholderEnvironments(environment);
  const requestedNames = new Set<string>();
  try {
    Object.assign(io.env, first);
    // Standard output is for the map only.
    Logger.overrideLogger(toStandardError(io));
    return await withoutListening(file, async () => {
      const load = () => attempt(`${file} cannot be loaded`, () => io.load(path));
      const loaded = await loadQuietly(file, await factoriesOf(path, io), load);
      const exported = selectExport(loaded, file, exportName);
      if (isBundle && 'module' in exported) throw bundleError(file);
      try {
        return await readMapWith(first, requestedNames, () => readMap(exported, path, io), io);
      } catch (error) {
        if (!second || !isAboutOptions(error)) throw error;
        // If the options are invalid with both, report the error of the first.
        return await readMapWith(second, requestedNames, () => readMap(exported, path, io), io).catch((again) =>
          Promise.reject(isAboutOptions(again) ? error : again),
        );
      }
    });
  } finally {
    for (const name of [...Object.keys(first), ...requestedNames]) restore(io, name, environment[name]);
  }
}

/**
 * Reads the map with placeholder keys, including those for variables that an error of the application asks for
 * (`config.getOrThrow('MY_CLERK_SECRET_KEY')`).
 *
 * @param requestedNames Receives the names of those variables.
 */
async function readMapWith<T>(
  placeholders: Record<string, string>,
  requestedNames: Set<string>,
  read: () => Promise<T>,
  io: Io,
): Promise<T> {
  const values = [...requestedNames].map((name) => variablesNamedIn(name, placeholders));
  Object.assign(io.env, placeholders, ...values);
  try {
    return await read();
  } catch (error) {
    const missing = Object.entries(variablesNamedIn(messageOf(error), placeholders)).filter(([name]) => !io.env[name]);
    if (missing.length === 0) throw error;
    for (const [name] of missing) requestedNames.add(name);
    return readMapWith(placeholders, requestedNames, read, io);
  }
}

/** Checks the code, since the application may have loaded another copy of this library. */
function isAboutOptions(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return cause?.code === ClerkErrorCode.InvalidConfiguration;
}

function restore({ env }: Io, name: string, value: string | undefined): void {
  if (value === undefined) delete env[name];
  else env[name] = value;
}

async function readMap(exported: Exported, path: string, io: Io): Promise<readonly ProtectedRoute[]> {
  const app = await attempt('The application does not start', () => create(exported, path, io));
  const map = mapOf(app);
  // The lifecycle hooks do not run; these checks are the only part of them that the map needs.
  await attempt('The application does not start', () => map.audit());
  return map.routes();
}

async function create(exported: Exported, path: string, io: Io): Promise<INestApplication> {
  if ('module' in exported) {
    const options = { logger: toStandardError(io), abortOnError: false };
    return NestFactory.create<INestApplication>(exported.module, await adapterOf(path, io), options);
  }
  const app = (await exported.createApp()) as INestApplication | undefined;
  if (typeof app?.get === 'function') return app;
  throw new CliError(
    'the function does not return a Nest application. Return the result of NestFactory.create() from it.',
  );
}

/** The HTTP platform installed with the application. Without one, Nest would end the process. */
async function adapterOf(path: string, { load }: Io): Promise<AbstractHttpAdapter> {
  const require = createRequire(path);
  for (const [name, adapter] of [
    ['@nestjs/platform-express', 'ExpressAdapter'],
    ['@nestjs/platform-fastify', 'FastifyAdapter'],
  ] as const) {
    let platform: string;
    try {
      platform = require.resolve(name);
    } catch {
      continue;
    }
    const Adapter = exportsOf(await load(platform))[adapter] as new () => AbstractHttpAdapter;
    return new Adapter();
  }
  throw new CliError(
    'neither @nestjs/platform-express nor @nestjs/platform-fastify is installed with the application. Export a function that returns the application on its own platform, and name it with --export.',
  );
}

function mapOf(app: INestApplication): ClerkProtectionMap {
  try {
    return app.get<ClerkProtectionMap>(PROTECTION_MAP, { strict: false });
  } catch {
    throw new CliError(
      'The application has no protection map: import ClerkModule.forRoot() of nest-clerk in its root module.',
    );
  }
}

async function attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new CliError(`${what}: ${messageOf(error)}`, 1, { cause: error });
  }
}

/** Includes the cause, the only place that says why a `fetch()` failed. An AggregateError has no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause, code } = error as Error & { readonly code?: unknown };
  const text = message || String(code ?? error.name);
  const reason = cause instanceof Error && !(error instanceof CliError) ? messageOf(cause) : '';
  return reason && !text.includes(reason) ? `${text} (${reason})` : text;
}

/** Logs warnings and errors, except those that abort the start, which the command reports itself. */
function toStandardError({ err }: Io): LoggerService {
  const write = (message: unknown, ...rest: unknown[]) => {
    if (rest.at(-1) !== 'ExceptionHandler') err(String(message));
  };
  return { log: () => undefined, warn: write, error: write, fatal: write };
}
