import type { ResolvedOptionsOf } from './option-row.js';
import type { OPTION_TABLE } from './option-table.js';

/** Options after environment, defaults and validation; frozen. */
export interface ResolvedClerkOptions extends ResolvedOptionsOf<typeof OPTION_TABLE> {
  /** Whether only a machine secret key is set, so only M2M tokens can be verified. */
  readonly machineOnly: boolean;
}

/** Injection token of {@link ResolvedClerkOptions}. */
export const CLERK_OPTIONS = Symbol.for('nest-clerk:options');
