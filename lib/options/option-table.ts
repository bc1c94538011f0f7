import type { OptionRow } from './option-row.js';
import { GROUPED_OPTIONS } from './request-options.js';
import { TENANCY_OPTIONS } from './rows/tenancy-options.js';

/** All options: a name without a row here is rejected. */
export const OPTION_TABLE: typeof GROUPED_OPTIONS & typeof TENANCY_OPTIONS = { ...GROUPED_OPTIONS, ...TENANCY_OPTIONS };

export type OptionName = keyof typeof OPTION_TABLE;

export const OPTION_ROWS = Object.entries(OPTION_TABLE) as readonly [OptionName, OptionRow][];

function namesWhere(matches: (row: OptionRow) => boolean): readonly OptionName[] {
  return OPTION_ROWS.filter(([, row]) => matches(row)).map(([name]) => name);
}

/** Options without which no caller can be authenticated. */
export const REQUIRED_OPTIONS: readonly OptionName[] = namesWhere(({ required }) => required === true);

/** Options that identify the Clerk instance; never mixed from two sources. */
export const INSTANCE_OPTIONS: readonly OptionName[] = namesWhere(({ scope }) => scope === 'instance');

/** Options of the whole module, which `resolveOptions` must not return. */
export const MODULE_OPTIONS: readonly OptionName[] = namesWhere(({ scope }) => scope === 'module');

/** Options of which only the first characters are shown when they are logged. */
export const SECRET_OPTIONS: readonly OptionName[] = namesWhere(({ secret }) => secret === true);

/** Options that are compared by identity and never copied, since they may be class instances. */
export const OPTIONS_BY_IDENTITY: readonly string[] = namesWhere(({ byIdentity }) => byIdentity === true);
