import type { Denial } from '../errors/denial.js';
import type { PredicateRef, PredicateRequirement } from './requirement.js';

/**
 * Whether a call is allowed, and the denial if not. While predicates of the application are still to be called, the
 * decision is a denial that lists them, so that forgetting to call them fails closed.
 */
export type Decision = { readonly allowed: true } | DeniedDecision;

export interface DeniedDecision {
  readonly allowed: false;
  readonly denial: Denial;
  readonly unevaluated?: readonly PredicateRequirement[];
  /** The requirements that are not fulfilled, for the log. */
  readonly missing?: readonly string[];
}

/** The results of the application's predicates for this caller. */
export type PredicateResults = ReadonlyMap<PredicateRef, boolean>;

export const ALLOWED: Decision = { allowed: true };
