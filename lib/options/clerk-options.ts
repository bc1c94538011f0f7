import type { OptionsOf } from './option-row.js';
import type { OPTION_TABLE } from './option-table.js';

/**
 * Options of `ClerkModule.forRoot()`.
 *
 * Each option is taken from here, else from its environment variable, else from its default. Options are read when the
 * application boots, so a `.env` file that ConfigModule loads is seen.
 *
 * @see https://clerk.com/docs/guides/development/clerk-environment-variables
 */
// An interface, so that editors and error messages name it.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface ClerkModuleOptions extends OptionsOf<typeof OPTION_TABLE> {}

/** What `useClass` and `useExisting` of `forRootAsync()` provide. */
export interface ClerkOptionsFactory {
  createClerkOptions(): ClerkModuleOptions | Promise<ClerkModuleOptions>;
}
