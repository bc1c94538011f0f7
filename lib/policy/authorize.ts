import type { Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import { INSUFFICIENT_PERMISSIONS, insufficientScope, reverificationRequired } from '../errors/denials.js';
import { appliesToType, isCovered, namesTypes } from './applicability.js';
import { describeRequirement, fulfils, reverificationOf, scopesOf } from './conditions.js';
import { ALLOWED, type Decision, type DeniedDecision, type PredicateResults } from './decision.js';
import type { Requirement } from './requirement.js';
import type { RoutePolicy } from './route-policy.js';

/** The parts of a policy that say which rights a caller must have. */
type RequiredRights = Pick<RoutePolicy, 'requirements' | 'explainsDenials'>;

/** Checks the requirements for a caller whose authentication is not denied. */
export function authorize(policy: RequiredRights, identity: Identity, results: PredicateResults = new Map()): Decision {
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
