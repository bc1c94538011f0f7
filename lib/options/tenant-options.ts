import { ClerkConfigurationError } from '../errors/clerk.errors.js';
import type { ClerkModuleOptions } from './clerk-options.js';
import type { Environment } from './option-row.js';
import { INSTANCE_OPTIONS, MODULE_OPTIONS, OPTION_TABLE } from './option-table.js';
import type { RequestOptions } from './request-options.js';
import { assertReadable, resolveClerkOptions } from './resolve-options.js';
import type { ResolvedClerkOptions } from './resolved-options.js';

/**
 * Asserts that the result of `resolveOptions` is an object, and that copying it loses nothing.
 *
 * @throws ClerkConfigurationError
 */
export function assertTenantOptions(returned: unknown): asserts returned is RequestOptions {
  if (typeof returned !== 'object' || returned === null) {
    throw new ClerkConfigurationError(['resolveOptions must return an object with the keys of a Clerk instance']);
  }
  assertReadable(returned);
}

/**
 * The options of one request: the module's, overridden by the result of `resolveOptions`.
 *
 * @throws ClerkConfigurationError if the result is invalid, or holds an option of the whole module.
 */
export function resolveRequestOptions(
  module: ClerkModuleOptions,
  returned: RequestOptions | undefined,
  env: Environment,
): ResolvedClerkOptions {
  assertTenantOptions(returned);
  const misplaced = MODULE_OPTIONS.filter((name) => Object.hasOwn(returned, name));
  if (misplaced.length > 0) {
    throw new ClerkConfigurationError(
      misplaced.map(
        (name) => `resolveOptions returned ${name}, which applies to the whole module: set it in forRoot()`,
      ),
    );
  }
  const shared = omit(module, [...INSTANCE_OPTIONS, 'resolveOptions']);
  const variables = INSTANCE_OPTIONS.flatMap((name) => OPTION_TABLE[name].env ?? []);
  // undefined, null and empty strings count as not set, so that they cannot lift what the module requires.
  const unset = Object.entries(returned).filter(([name, value]) => (value ?? '') === '' && Object.hasOwn(shared, name));
  const own = omit(
    returned,
    unset.map(([name]) => name),
  );
  return resolveClerkOptions({ ...shared, ...own }, omit(env, variables), { isTenant: true });
}

function omit<T extends object>(from: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name))) as T;
}
