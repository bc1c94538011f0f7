import type { Identity } from '../authentication/identity/identity.js';
import { HANDSHAKE, INVALID_POLICY } from '../errors/denials.js';
import { authenticationDenial } from './authentication-denial.js';
import { authorize } from './authorize.js';
import { ALLOWED, type Decision, type PredicateResults } from './decision.js';
import type { RoutePolicy } from './route-policy.js';

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
