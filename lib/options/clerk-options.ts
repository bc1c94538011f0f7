import type { OptionsOf, RequestOptionsOf } from './option-row.js';
import type { OPTION_TABLE } from './option-table.js';

/* eslint-disable @typescript-eslint/no-empty-object-type -- Interfaces, so that editors and error messages name them. */

/**
 * Options of `ClerkModule.forRoot()`.
 *
 * Each option is taken from here, else from its environment variable, else from its default. Options are read when the
 * application boots, so a `.env` file that ConfigModule loads is seen.
 *
 * @see https://clerk.com/docs/guides/development/clerk-environment-variables
 */
export interface ClerkModuleOptions extends OptionsOf<typeof OPTION_TABLE> {}

/**
 * The options that `resolveOptions` can return for each request: which Clerk instance to use, and how to use it.
 */
export interface RequestOptions extends RequestOptionsOf<typeof OPTION_TABLE> {}

/* eslint-enable @typescript-eslint/no-empty-object-type */

/** What `useClass` and `useExisting` of `forRootAsync()` provide. */
export interface ClerkOptionsFactory {
  createClerkOptions(): ClerkModuleOptions | Promise<ClerkModuleOptions>;
}
