import type { OptionRow } from './option-row.js';
import { BROWSER_OPTIONS } from './rows/browser-options.js';
import { KEY_OPTIONS } from './rows/key-options.js';
import { PERFORMANCE_OPTIONS } from './rows/performance-options.js';
import { PROTECTION_OPTIONS } from './rows/protection-options.js';
import { RESILIENCE_OPTIONS } from './rows/resilience-options.js';
import { SESSION_OPTIONS } from './rows/session-options.js';
import { TOKEN_OPTIONS } from './rows/token-options.js';
import { TRANSPORT_OPTIONS } from './rows/transport-options.js';

// An intersection, so that the declarations refer to the rows and their documentation instead of repeating them.
type Groups = typeof KEY_OPTIONS &
  typeof PROTECTION_OPTIONS &
  typeof TOKEN_OPTIONS &
  typeof SESSION_OPTIONS &
  typeof BROWSER_OPTIONS &
  typeof RESILIENCE_OPTIONS &
  typeof PERFORMANCE_OPTIONS &
  typeof TRANSPORT_OPTIONS;

/** All options: a name without a row here is rejected. */
export const OPTION_TABLE: Groups = {
  ...KEY_OPTIONS,
  ...PROTECTION_OPTIONS,
  ...TOKEN_OPTIONS,
  ...SESSION_OPTIONS,
  ...BROWSER_OPTIONS,
  ...RESILIENCE_OPTIONS,
  ...PERFORMANCE_OPTIONS,
  ...TRANSPORT_OPTIONS,
};

export type OptionName = keyof typeof OPTION_TABLE;

export const OPTION_ROWS = Object.entries(OPTION_TABLE) as readonly [OptionName, OptionRow][];

function namesWhere(matches: (row: OptionRow) => boolean): readonly OptionName[] {
  return OPTION_ROWS.filter(([, row]) => matches(row)).map(([name]) => name);
}

/** Options without which no caller can be authenticated. */
export const REQUIRED_OPTIONS = namesWhere(({ required }) => required === true);

/** Options that identify the Clerk instance; never mixed from two sources. */
export const INSTANCE_OPTIONS = namesWhere(({ scope }) => scope === 'instance');

/** Options of the whole module, which `resolveOptions` must not return. */
export const MODULE_OPTIONS = namesWhere(({ scope }) => scope === 'module');

/** Options of which only the first characters are shown when they are logged. */
export const SECRET_OPTIONS = namesWhere(({ secret }) => secret === true);

/** Options that are compared by identity and never copied, since they may be class instances. */
export const OPTIONS_BY_IDENTITY: readonly string[] = namesWhere(({ byIdentity }) => byIdentity === true);
