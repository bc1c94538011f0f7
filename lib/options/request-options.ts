import type { RequestOptionsOf } from './option-row.js';
import { BROWSER_OPTIONS } from './rows/browser-options.js';
import { CLAIM_OPTIONS } from './rows/claim-options.js';
import { KEY_OPTIONS } from './rows/key-options.js';
import { PERFORMANCE_OPTIONS } from './rows/performance-options.js';
import { PROTECTION_OPTIONS } from './rows/protection-options.js';
import { RESILIENCE_OPTIONS } from './rows/resilience-options.js';
import { SESSION_OPTIONS } from './rows/session-options.js';
import { TRANSPORT_OPTIONS } from './rows/transport-options.js';

// An intersection, so that the declarations refer to the rows and their documentation instead of repeating them.
type Groups = typeof KEY_OPTIONS &
  typeof PROTECTION_OPTIONS &
  typeof CLAIM_OPTIONS &
  typeof SESSION_OPTIONS &
  typeof BROWSER_OPTIONS &
  typeof RESILIENCE_OPTIONS &
  typeof PERFORMANCE_OPTIONS &
  typeof TRANSPORT_OPTIONS;

/** All options except `resolveOptions`, whose type depends on these. */
export const GROUPED_OPTIONS: Groups = {
  ...KEY_OPTIONS,
  ...PROTECTION_OPTIONS,
  ...CLAIM_OPTIONS,
  ...SESSION_OPTIONS,
  ...BROWSER_OPTIONS,
  ...RESILIENCE_OPTIONS,
  ...PERFORMANCE_OPTIONS,
  ...TRANSPORT_OPTIONS,
};

/**
 * The options that `resolveOptions` can return for each request: which Clerk instance to use, and how to use it.
 */
// An interface, so that editors and error messages name it.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface RequestOptions extends RequestOptionsOf<Groups> {}
