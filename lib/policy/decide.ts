import type { Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import {
  HANDSHAKE,
  INSUFFICIENT_PERMISSIONS,
  insufficientScope,
  INVALID_POLICY,
  reverificationRequired,
} from '../errors/denials.js';
import { appliesToType, isCovered, namesTypes } from './applicability.js';
import { authenticationDenial } from './authentication-denial.js';
import { describeRequirement, fulfils, reverificationOf, scopesOf } from './conditions.js';
import type { PredicateRef, PredicateRequirement, Requirement } from './requirement.js';
import type { RoutePolicy } from './route-policy.js';

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

const ALLOWED: Decision = { allowed: true };

/** Decides whether a caller may call the handler. Pure: the same policy, identity and results give the same decision. */
export function decide(policy: RoutePolicy, identity: Identity, results?: PredicateResults): Decision {
  if (policy.problems.length > 0) return { allowed: false, denial: INVALID_POLICY };
  if (policy.protection !== 'strict') {
    return identity.status === 'handshake' ? { allowed: false, denial: HANDSHAKE } : ALLOWED;
  }
  const denial = authenticationDenial(identity, policy.acceptsToken);
  if (denial) return { allowed: false, denial };
  return authorize(policy, identity, results);
}

/** The parts of a policy that say which rights a caller must have. */
type RequiredRights = Pick<RoutePolicy, 'requirements' | 'explainsDenials'>;

/** Checks the requirements for a caller whose authentication is not denied. */
function authorize(policy: RequiredRights, identity: Identity, results: PredicateResults = new Map()): Decision {
  const { requirements } = policy;
  if (requirements.length === 0) return ALLOWED;
  const auth = identity.toAuth();
  // Deny token types that no requirement covers.
  if (!isCovered(requirements, auth.tokenType)) return insufficient(policy, requirements.filter(namesTypes));
  const applicable = requirements.filter((one) => appliesToType(one, auth.tokenType));

  const unmet = applicable.filter((one) => 'condition' in one).filter(({ condition }) => !fulfils(condition, auth));
  const beyondReverification = unmet.filter(({ condition }) => !fulfils(condition, auth, { reverified: true }));
  if (beyondReverification.length > 0) return insufficient(policy, beyondReverification);

  // Predicates run only for callers who could pass, and before asking the user to verify a factor again.
  const predicates = applicable.filter((one) => 'predicate' in one);
  const denying = predicates.filter(({ predicate }) => results.get(predicate) === false);
  if (denying.length > 0) return insufficient(policy, denying);
  const unevaluated = predicates.filter(({ predicate }) => results.get(predicate) !== true);
  if (unevaluated.length > 0) return { ...insufficient(policy, unevaluated), unevaluated };

  if (unmet.length === 0) return ALLOWED;
  const [reverification] = unmet.map(({ condition }) => reverificationOf(condition, auth));
  return deny(policy, unmet, reverificationRequired(reverification));
}

function insufficient(policy: RequiredRights, unmet: readonly Requirement[]): DeniedDecision {
  const scopes = unmet.flatMap((one) => ('condition' in one ? scopesOf(one.condition) : []));
  return deny(policy, unmet, scopes.length > 0 ? insufficientScope(scopes) : INSUFFICIENT_PERMISSIONS);
}

/** Adds the missing requirements: always for the log, for the client only with `explainDenials`. */
function deny({ explainsDenials }: RequiredRights, unmet: readonly Requirement[], denial: Denial): DeniedDecision {
  const missing = unmet.map(describeRequirement);
  return { allowed: false, missing, denial: explainsDenials ? { ...denial, missing } : denial };
}
