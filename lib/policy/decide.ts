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
 * Whether a call is allowed, and the denial if not. While predicates of the application are still to be called, the
 * decision is a denial that lists them, so that forgetting to call them fails closed.
 */
export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly denial: Denial;
      readonly unevaluated?: readonly PredicateRequirement[];
      /** The requirements that are not fulfilled, for the log. */
      readonly missing?: readonly string[];
    };

/** The results of the application's predicates for this caller. */
export type PredicateResults = ReadonlyMap<PredicateRef, boolean>;

const ALLOWED: Decision = { allowed: true };

/** Decides whether a caller may call the handler. Pure: the same policy, identity and answers give the same decision. */
export function decide(policy: RoutePolicy, identity: Identity, answers?: PredicateResults): Decision {
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
  // Signed in, but treated as signed out: the session has an open task.
  if (!auth.isAuthenticated) return unauthenticated(identity, identity.status === 'signed-in');

  // An unknown token type is not accepted, even with @AcceptsToken('any').
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
  const challenge = identity.hasCredentials ? invalid : challengeOf();
  const [code, message] = whyUnauthenticated(identity);
  return denied(401, code, message, { challenge });
}

/** Tells the client whether to sign in, to get a fresh token, or why neither helps. */
function whyUnauthenticated(identity: Identity): [code: ClerkErrorCode, message: string] {
  const { hasCredentials, hasIgnoredSession, reason } = identity;
  if (hasCredentials && hasExpired(identity)) {
    return [ClerkErrorCode.TokenExpired, 'The token has expired. Get a fresh one and try again.'];
  }
  if (hasCredentials && reason === Reason.InvalidAuthorizedParty) {
    return [ClerkErrorCode.OriginNotAllowed, 'The token was issued for an origin that is not allowed here.'];
  }
  // Signing in would not help a caller who already has a session.
  if (hasIgnoredSession || (hasCredentials && reason === Reason.TypeMismatch)) {
    return [ClerkErrorCode.TokenInvalid, 'This type of credential is not accepted here.'];
  }
  return hasCredentials
    ? [ClerkErrorCode.TokenInvalid, 'The credential is not accepted here.']
    : [ClerkErrorCode.AuthenticationRequired, 'Authentication is required.'];
}

/** Checks the requirements for a signed-in caller. */
function authorize(policy: RoutePolicy, auth: AuthObject, answers: PredicateResults = new Map()): Decision {
  if (policy.requirements.length === 0) return ALLOWED;
  // Deny token types that no requirement covers.
  if (!isCovered(policy.requirements, auth.tokenType)) {
    return insufficient(policy, policy.requirements.filter(namesTypes));
  }
  const applicable = policy.requirements.filter((one) => appliesToType(one, auth.tokenType));

  const unmet = applicable.filter((one) => 'condition' in one).filter(({ condition }) => !fulfils(condition, auth));
  const beyondReverification = unmet.filter(({ condition }) => !fulfils(condition, auth, { reverified: true }));
  if (beyondReverification.length > 0) return insufficient(policy, beyondReverification);

  // Predicates run only for callers who could pass, and before asking the user to verify a factor again.
  const predicates = applicable.filter((one) => 'predicate' in one);
  const denying = predicates.filter(({ predicate }) => answers.get(predicate) === false);
  if (denying.length > 0) return insufficient(policy, denying);
  const unevaluated = predicates.filter(({ predicate }) => answers.get(predicate) !== true);
  if (unevaluated.length > 0) return { ...insufficient(policy, unevaluated), unevaluated };

  return unmet.length === 0 ? ALLOWED : reverificationRequired(policy, auth, unmet);
}

/** Clerk's frontend SDKs recognise this denial, ask the user for a factor and retry. */
function reverificationRequired(policy: RoutePolicy, auth: AuthObject, unmet: readonly ConditionRequirement[]): Denied {
  const [reverification] = unmet.map(({ condition }) => reverificationOf(condition, auth));
  const message = 'Verify your identity again.';
  return withMissing(policy, unmet, denied(403, ClerkErrorCode.ReverificationRequired, message, { reverification }));
}

function insufficient(policy: RoutePolicy, unmet: readonly Requirement[]): Denied {
  const scopes = unmet.flatMap((one) => ('condition' in one ? scopesOf(one.condition) : []));
  const decision =
    scopes.length > 0
      ? denied(403, ClerkErrorCode.InsufficientScope, 'The token lacks a scope that this needs.', {
          challenge: challengeOf('insufficient_scope', scopes),
        })
      : denied(403, ClerkErrorCode.InsufficientPermissions, 'You do not have the permission to do this.');
  return withMissing(policy, unmet, decision);
}

type Denied = Extract<Decision, { allowed: false }>;

/** Adds the missing requirements: always for the log, for the client only with `explainDenials`. */
function withMissing(policy: RoutePolicy, unmet: readonly Requirement[], { denial }: Denied): Denied {
  const missing = unmet.map(describeRequirement);
  return { allowed: false, missing, denial: policy.explainsDenials ? { ...denial, missing } : denial };
}

function denied(status: Denial['status'], code: ClerkErrorCode, message: string, more?: Partial<Denial>): Denied {
  return { allowed: false, denial: { status, code, message, ...more } };
}
