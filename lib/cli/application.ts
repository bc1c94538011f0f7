import { createRequire } from 'node:module';

import { Logger, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';

import { ClerkErrorCode, type ClerkProtectionMap, type ProtectedRoute } from '../index.js';
import { CliError } from './cli.error.js';
import { choose, exportsOf, locate, type Exported } from './exported.js';
import type { Io } from './io.js';
import { bundleError, containsNest, factoriesOf, loadQuietly, withoutListening } from './loading.js';
import { madeUpEnvironments, variablesNamedIn } from './made-up-keys.js';

/** As `PROTECTION_MAP` of the library: whichever copy of it the application has loaded. */
const PROTECTION_MAP = Symbol.for('nest-clerk:protection-map');

/**
 * Makes the application of a file and reads its map. Nothing is started: no lifecycle hook of the application runs, none
 * of those that would close what they have opened either, and it cannot listen.
 */
export async function mapApplication(
  file: string,
  exportName: string | undefined,
  io: Io,
): Promise<readonly ProtectedRoute[]> {
  const path = locate(file, io);
  const isBundle = containsNest(path);
  if (isBundle && exportName === undefined) throw bundleError(file);
  const environment = { ...io.env };
  const [first, second] = madeUpEnvironments(environment);
  const furtherNames = new Set<string>();
  try {
    Object.assign(io.env, first);
    // Standard output is for the map alone.
    Logger.overrideLogger(toStandardError(io));
    return await withoutListening(file, async () => {
      const load = () => attempt(`${file} cannot be loaded`, () => io.load(path));
      const loaded = await loadQuietly(file, await factoriesOf(path, io), load);
      const exported = choose(loaded, file, exportName);
      if (isBundle && 'module' in exported) throw bundleError(file);
      try {
        return await readMapWith(first, furtherNames, () => readMap(exported, path, io), io);
      } catch (error) {
        if (!second || !isAboutOptions(error)) throw error;
        // What else may be wrong with the options has been said of the first.
        return await readMapWith(second, furtherNames, () => readMap(exported, path, io), io).catch((again) =>
          Promise.reject(isAboutOptions(again) ? error : again),
        );
      }
    });
  } finally {
    for (const name of [...Object.keys(first), ...furtherNames]) restore(io, name, environment[name]);
  }
}

/**
 * Reads the map with made-up keys, also under the names of the application's own that its errors ask for
 * (`config.getOrThrow('MY_CLERK_SECRET_KEY')`).
 *
 * @param furtherNames Gets the names of those variables.
 */
async function readMapWith<T>(
  madeUp: Record<string, string>,
  furtherNames: Set<string>,
  read: () => Promise<T>,
  io: Io,
): Promise<T> {
  const values = [...furtherNames].map((name) => variablesNamedIn(name, madeUp));
  Object.assign(io.env, madeUp, ...values);
  try {
    return await read();
  } catch (error) {
    const missing = Object.entries(variablesNamedIn(messageOf(error), madeUp)).filter(([name]) => !io.env[name]);
    if (missing.length === 0) throw error;
    for (const [name] of missing) furtherNames.add(name);
    return readMapWith(madeUp, furtherNames, read, io);
  }
}

/** By its code: the application may have loaded another copy of this library. */
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
  // One of the hooks that are not run, and the only one that the map needs.
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
  throw new CliError('the function returns no Nest application. Let it return what NestFactory.create() gives.');
}

/** The HTTP platform that stands beside the application. Nest ends the process where it finds none. */
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
    'neither @nestjs/platform-express nor @nestjs/platform-fastify is installed beside it. Export a function that returns the application on its own platform, and name it with --export.',
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

/** With the cause, which alone says why a `fetch()` failed; errors of several addresses have no message of their own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause, code } = error as Error & { readonly code?: unknown };
  const text = message || String(code ?? error.name);
  const reason = cause instanceof Error && !(error instanceof CliError) ? messageOf(cause) : '';
  return reason && !text.includes(reason) ? `${text} (${reason})` : text;
}

/** Warnings and errors, but for those with which the start fails: they are the command's own answer. */
function toStandardError({ err }: Io): LoggerService {
  const write = (message: unknown, ...rest: unknown[]) => {
    if (rest.at(-1) !== 'ExceptionHandler') err(String(message));
  };
  return { log: () => undefined, warn: write, error: write, fatal: write };
}
