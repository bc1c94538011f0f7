import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import type { Environment } from './option-row.js';
import { OPTION_ROWS } from './option-table.js';

const VARIABLES = OPTION_ROWS.flatMap(([, { env }]) => env ?? []);
const FILES = ['.env.local', '.env'];

/**
 * Explains the most common reason for missing keys: they are in a `.env` file that is not loaded. Node reads such a file
 * only when told to.
 *
 * @param directory The working directory of the process.
 * @returns the error, with a sentence added for each file that sets a variable mentioned in the error.
 */
export function explainUnloadedEnvFiles(error: unknown, env: Environment, directory: string): unknown {
  if (!(error instanceof ClerkConfigurationError)) return error;
  const hints = FILES.flatMap((file) => {
    const unloaded = variablesIn(textOf(join(directory, file))).filter(
      (name) => !env[name] && error.problems.some((problem) => problem.includes(name)),
    );
    return unloaded.length === 0
      ? []
      : `${unloaded.join(' and ')}: set in ${file}, but that file is not loaded. Start Node with --env-file=${file}, or ` +
          `import ConfigModule.forRoot({ envFilePath: '${file}' }) of @nestjs/config in the root module.`;
  });
  return hints.length === 0 ? error : new ClerkConfigurationError([...error.problems, ...hints]);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The file does not exist or is not readable.
    return '';
  }
}

/** Returns names only; values are never read. */
function variablesIn(text: string): string[] {
  const set = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*[^\s#]/gm)].map(([, name]) => name);
  return VARIABLES.filter((name) => set.includes(name));
}
