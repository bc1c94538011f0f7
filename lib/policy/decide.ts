import type { AuthObject } from '@clerk/backend';

import type { Identity } from '../authentication/identity/identity.js';
import { hasExpired, Reason } from '../authentication/identity/reasons.js';
import { tokenTypesOf } from '../authentication/identity/token-types.js';
import { retryAfterOf } from '../errors/clerk.errors.js';
import { challengeOf, type Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { appliesToType, isCovered, namesTypes } from './applicability.js';
import { describeRequirement, fulfils, reverificationOf, scopesOf } from './conditions.js';
import type { ConditionRequirement, PredicateRef, PredicateRequirement, Requirement } from './requirement.js';
import type { RoutePolicy } from './route-policy.js';

/**
 * Let through, or refuse with exactly this. Where the application's own predicates have still to be asked, it is a
 * refusal that names them: whoever forgets to ask keeps the caller out.
 */
export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly denial: Denial;
      readonly unanswered?: readonly PredicateRequirement[];
      /** Which requirements are not fulfilled, for the log. */
      readonly missing?: readonly string[];
    };

/** What the application's predicates answered about this caller. */
export type PredicateAnswers = ReadonlyMap<PredicateRef, boolean>;

const ALLOWED: Decision = { allowed: true };

/** Whether a caller may pass. Pure: the same policy, identity and answers always give the same decision. */
export function decide(policy: RoutePolicy, identity: Identity, answers?: PredicateAnswers): Decision {
  if (policy.problems.length > 0) return denied(500, ClerkErrorCode.InvalidPolicy, 'This route is misconfigured.');
  if (identity.status === 'handshake') {
    return denied(307, ClerkErrorCode.Handshake, 'Complete the handshake with Clerk at the Location given.');
  }
  if (policy.protection !== 'strict') return ALLOWED;
  if (identity.failure) {
    return identity.failure.code === ClerkErrorCode.ClerkUnavailable
      ? denied(
          503,
          ClerkErrorCode.ClerkUnavailable,
          'Authentication is unavailable at the moment. Try again.',
          retryAfterOf(identity.failure),
        )
      : denied(500, identity.failure.code, 'Authentication is misconfigured on this server.');
  }

  const auth = identity.toAuth();
  // Signed in, yet not to be treated so: a session task is open.
  if (!auth.isAuthenticated) return unauthenticated(identity, identity.status === 'signed-in');

  // A type that nobody knows is one of none, also where any is accepted.
  const accepted = (tokenTypesOf(policy.acceptsToken) as readonly unknown[]).includes(auth.tokenType);
  return identity.status === 'signed-in' && accepted
    ? authorize(policy, auth, answers)
    : unauthenticated(identity, false);
}

function unauthenticated(identity: Identity, pending: boolean): Decision {
  const invalid = challengeOf('invalid_token');
  if (pending) {
    const message = 'The session has an open task. Complete it and try again.';
    return denied(401, ClerkErrorCode.SessionPending, message, { challenge: invalid });
  }
  const challenge = identity.credentialSent ? invalid : challengeOf();
  const [code, message] = whyUnauthenticated(identity);
  return denied(401, code, message, { challenge });
}

/** Tells the client whether to sign in, to get a fresh token, or that neither helps, and why. */
function whyUnauthenticated(identity: Identity): [code: ClerkErrorCode, message: string] {
  const { credentialSent, hasIgnoredSession, reason } = identity;
  if (credentialSent && hasExpired(identity)) {
    return [ClerkErrorCode.TokenExpired, 'The token has expired. Get a fresh one and try again.'];
  }
  if (credentialSent && reason === Reason.InvalidAuthorizedParty) {
    return [ClerkErrorCode.OriginNotAllowed, 'The token was issued for an origin that is not allowed here.'];
  }
  // Whoever has a session would be told in vain to sign in.
  if (hasIgnoredSession || (credentialSent && reason === Reason.TypeMismatch)) {
    return [ClerkErrorCode.TokenInvalid, 'This type of credential is not accepted here.'];
  }
  return credentialSent
    ? [ClerkErrorCode.TokenInvalid, 'The credential is not accepted here.']
    : [ClerkErrorCode.AuthenticationRequired, 'Authentication is required.'];
}

/** Whether a caller who is signed in has the rights. */
function authorize(policy: RoutePolicy, auth: AuthObject, answers: PredicateAnswers = new Map()): Decision {
  if (policy.requirements.length === 0) return ALLOWED;
  // A caller for whose token nothing is asked has fulfilled nothing.
  if (!isCovered(policy.requirements, auth.tokenType)) {
    return insufficient(policy, policy.requirements.filter(namesTypes));
  }
  const held = policy.requirements.filter((one) => appliesToType(one, auth.tokenType));

  const unmet = held.filter((one) => 'condition' in one).filter(({ condition }) => !fulfils(condition, auth));
  const beyondReverification = unmet.filter(({ condition }) => !fulfils(condition, auth, { reverified: true }));
  if (beyondReverification.length > 0) return insufficient(policy, beyondReverification);

  // Asked only about callers who could pass, and before anybody is sent to verify a factor again for nothing.
  const predicates = held.filter((one) => 'predicate' in one);
  const refused = predicates.filter(({ predicate }) => answers.get(predicate) === false);
  if (refused.length > 0) return insufficient(policy, refused);
  const unanswered = predicates.filter(({ predicate }) => answers.get(predicate) !== true);
  if (unanswered.length > 0) return { ...insufficient(policy, unanswered), unanswered };

  return unmet.length === 0 ? ALLOWED : reverificationRequired(policy, auth, unmet);
}

/** What Clerk's frontend SDKs recognise, to ask the user for a factor and try again. */
function reverificationRequired(policy: RoutePolicy, auth: AuthObject, unmet: readonly ConditionRequirement[]): Denied {
  const [reverification] = unmet.map(({ condition }) => reverificationOf(condition, auth));
  const message = 'Verify your identity again.';
  return withMissing(policy, unmet, denied(403, ClerkErrorCode.ReverificationRequired, message, { reverification }));
}

function insufficient(policy: RoutePolicy, unmet: readonly Requirement[]): Denied {
  const scopes = unmet.flatMap((one) => ('condition' in one ? scopesOf(one.condition) : []));
  const refusal =
    scopes.length > 0
      ? denied(403, ClerkErrorCode.InsufficientScope, 'The token lacks a scope that this needs.', {
          challenge: challengeOf('insufficient_scope', scopes),
        })
      : denied(403, ClerkErrorCode.InsufficientPermissions, 'You do not have the permission to do this.');
  return withMissing(policy, unmet, refusal);
}

type Denied = Extract<Decision, { allowed: false }>;

/** The log hears what is missing; the client only where the application explains denials. */
function withMissing(policy: RoutePolicy, unmet: readonly Requirement[], { denial }: Denied): Denied {
  const missing = unmet.map(describeRequirement);
  return { allowed: false, missing, denial: policy.explainsDenials ? { ...denial, missing } : denial };
}

function denied(status: Denial['status'], code: ClerkErrorCode, message: string, more?: Partial<Denial>): Denied {
  return { allowed: false, denial: { status, code, message, ...more } };
}
