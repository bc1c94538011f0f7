import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server } from 'node:net';

import { NestFactory } from '@nestjs/core';

import { CliError } from './cli.error.js';
import { exportsOf } from './exported.js';
import type { Io } from './io.js';

/** A log message of Nest. It is a string, so it survives minification and marks a bundle that contains Nest. */
const IN_EVERY_NEST = 'Nest application successfully started';

/** The methods of NestFactory that create applications. */
const STARTERS = ['create', 'createMicroservice', 'createApplicationContext'] as const;

type Factory = Partial<Record<(typeof STARTERS)[number], unknown>>;

/** Whether a file bundles Nest itself, so that no other copy of Nest can create its modules. */
export function containsNest(path: string): boolean {
  return readFileSync(path, 'utf8').includes(IN_EVERY_NEST);
}

/** A bundle has to export a function, since its modules belong to the Nest in it. */
export function bundleError(file: string): CliError {
  return new CliError(
    `${file} is a bundle with Nest in it, and is not loaded, since that may start the application. Name the file of the root module in a build that is not bundled, such as dist/app.module.js, or export a function from the bundle's entry that returns the application without listening, and name it: --export createApp.`,
  );
}

/** The NestFactory of the command, and that of the application if it has another copy of Nest. */
export async function factoriesOf(path: string, { load }: Io): Promise<readonly Factory[]> {
  try {
    const { NestFactory: own } = exportsOf(await load(createRequire(path).resolve('@nestjs/core')));
    return [...new Set([NestFactory as Factory, (own ?? NestFactory) as Factory])];
  } catch {
    return [NestFactory];
  }
}

/**
 * Loads a file of the application without letting it create an application.
 *
 * @param factories The factories that it must not use.
 * @throws CliError as soon as it uses one, as main.js does. No provider is created and no hook runs.
 */
export async function loadQuietly(
  file: string,
  factories: readonly Factory[],
  load: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await new Promise((resolve, reject) => {
      const rejectStart = () => {
        reject(startsItself(file));
        // Never settles, so the file does nothing after it.
        return new Promise(() => undefined);
      };
      for (const factory of factories) for (const name of STARTERS) factory[name] = rejectStart;
      load().then(resolve, reject);
    });
  } finally {
    // Uncovers the methods of the class again.
    for (const factory of factories) for (const name of STARTERS) delete factory[name];
  }
}

/**
 * Runs an action that must not listen.
 *
 * @throws CliError as soon as it tries to.
 */
export async function withoutListening<T>(file: string, action: () => Promise<T>): Promise<T> {
  const { listen } = Server.prototype;
  try {
    return await new Promise<T>((resolve, reject) => {
      Server.prototype.listen = function (this: Server) {
        reject(startsItself(file));
        return this;
      };
      action().then(resolve, reject);
    });
  } finally {
    Server.prototype.listen = listen;
  }
}

const startsItself = (file: string) =>
  new CliError(
    `${file} starts the application, as main.js does. Name the file of the root module, such as dist/app.module.js, or move what sets up the application into a function that returns it without listening, in a file of its own, and name it: dist/create-app.js --export createApp.`,
  );
