import { parseArgs } from 'node:util';

import { formatProtectionMap, type ProtectionMapFormat } from '../index.js';
import { mapApplication } from './application.js';
import { CliError } from './cli.error.js';
import { defaultFile } from './default-file.js';
import type { Io } from './io.js';

const USAGE = `Prints who may call what in a Nest application that imports ClerkModule.

  npx nest-clerk routes [file] [--format text|json|markdown] [--export Name]

[file] is compiled JavaScript that exports
  - the root module: dist/app.module.js, or
  - a function that returns the application without listening, for those that set prefix and versioning in main.ts:
    dist/create-app.js --export createApp
Without it, the command looks for app.module.js in the build output that nest-cli.json and tsconfig.json configure.

  --format  text (default), json or markdown
  --export  the export to use, if it is neither the default export nor the only module
  --help    prints this

The application is created, as in a test, but not started: providers are created, but no lifecycle hook runs and nothing
listens. Clerk keys that the environment lacks are replaced by placeholders, also under names such as MY_CLERK_SECRET_KEY:
reading decorators needs no real keys, and no call to Clerk is made. Set everything else that the application needs.`;

const FORMATS: readonly string[] = ['text', 'json', 'markdown'] satisfies ProtectionMapFormat[];

interface Arguments {
  readonly file: string | undefined;
  readonly exportName?: string;
  readonly format: ProtectionMapFormat;
}

/**
 * The command `nest-clerk`.
 * @param argv The arguments after the command name.
 * @returns the exit code: 0, 1 if it failed, 2 for wrong usage.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const parsed = parse(argv);
    if (!parsed) {
      io.out(USAGE);
      return 0;
    }
    io.out(
      formatProtectionMap(
        await mapApplication(parsed.file ?? defaultFile(io.cwd), parsed.exportName, io),
        parsed.format,
      ),
    );
    return 0;
  } catch (error) {
    io.err(error instanceof Error ? error.message : String(error));
    return error instanceof CliError ? error.exitCode : 1;
  }
}

/** @returns `undefined` for `--help`. */
function parse(argv: readonly string[]): Arguments | undefined {
  const { values, positionals } = readArguments(argv);
  if (values.help) return undefined;
  const [command, file, ...more] = positionals;
  if (command !== 'routes') {
    throw usageError(command === undefined ? 'No command given.' : `There is no command "${command}".`);
  }
  if (more.length > 0) throw usageError(`Only one file can be named; unexpected: ${more.join(' ')}.`);
  const { format, export: exportName } = values;
  if (!FORMATS.includes(format)) throw usageError(`There is no format "${format}".`);
  return { file, exportName, format: format as ProtectionMapFormat };
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'text' },
        export: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

const usageError = (problem: string) => new CliError(`${problem}\n\n${USAGE}`, 2);
