import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import type { ClerkModuleOptions } from './clerk-options.js';
import { freezeOptions } from './freeze-options.js';
import { problemOf } from './option-checks.js';
import { contradictions, label, missing, unknownOption } from './option-problems.js';
import type { Environment, OptionRow } from './option-row.js';
import { OPTION_ROWS, OPTION_TABLE, REQUIRED_OPTIONS, type OptionName } from './option-table.js';
import { isRecord, nonOwnProperties, MUST_BE_OWN } from './own-properties.js';
import type { ResolvedClerkOptions } from './resolved-options.js';
import { readOwn, snapshotOf } from './snapshot.js';

/**
 * Resolves all options: explicit value > environment > default. Validates them as a whole and freezes the result.
 *
 * @throws ClerkConfigurationError listing every invalid option with its environment variable.
 */
export function resolveClerkOptions(
  given: ClerkModuleOptions | undefined | null,
  env: Environment,
  { isTenant = false, isGuarded = true } = {},
): ResolvedClerkOptions {
  assertReadable(given);
  const options = snapshotOf(readOwn(given ?? {}));
  const problems = Object.keys(options).flatMap(unknownOption);
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const [name, row] of OPTION_ROWS) {
    const value = valueOf(options[name], row, env);
    const problem = value === undefined ? undefined : row.check(value);
    if (problem) problems.push(`${problemOf(label(name), problem)}.`);
    values[name] = value ?? row.default;
  }
  // A machine secret key alone is enough to verify M2M tokens.
  const machineOnly = values.secretKey === undefined && values.machineSecretKey !== undefined;
  if (!machineOnly && options.resolveOptions === undefined) {
    // The Backend client needs no publishable key; see isClientOnly() for what does.
    const required = REQUIRED_OPTIONS.filter((name) => isGuarded || name !== 'publishableKey');
    const absent = required.filter((name) => values[name] === undefined);
    problems.unshift(...absent.map((name) => missing(name, env)));
  }
  // The checks are those of the declared types.
  if (problems.length === 0) problems.push(...contradictions(values as ClerkModuleOptions));
  if (problems.length > 0) throw new ClerkConfigurationError(problems);

  const resolved = OPTION_ROWS.map(([name, row]) => [
    name,
    row.resolve ? row.resolve(values[name], { env, isTenant }) : values[name],
  ]);
  // The type is derived from the same rows.
  return freezeOptions({ ...Object.fromEntries(resolved), machineOnly } as ResolvedClerkOptions);
}

/** The explicit value, or that of the environment. An empty string counts as not set: a ConfigService returns it. */
function valueOf(given: unknown, { env: variable, parse }: OptionRow, env: Environment): unknown {
  const text = (variable && env[variable]) || undefined;
  const fromEnv = text !== undefined && parse ? parse(text) : text;
  return given === '' ? fromEnv : (given ?? fromEnv);
}

/**
 * Asserts that copying the options, as Nest and we do, loses nothing.
 *
 * @throws ClerkConfigurationError if they are not an object, or have getters or inherited options.
 */
export function assertReadable(given: unknown): void {
  const options = given ?? {};
  if (!isRecord(options)) throw new ClerkConfigurationError(['the options must be an object']);
  const lost = nonOwnProperties(options, Object.keys(OPTION_TABLE));
  if (lost.length > 0) throw new ClerkConfigurationError(lost.map((name) => `${name} ${MUST_BE_OWN}.`));
}
