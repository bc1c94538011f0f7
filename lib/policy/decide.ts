import type { AuthObject } from '@clerk/backend';

import type { Identity } from '../authentication/identity.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import type { HasParams, SessionCheck } from './requirement.js';
import type { RoutePolicy } from './route-policy.js';

/** Let through, or refuse with exactly this. */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly denial: Denial };

const ALLOWED: Decision = { allowed: true };

/** Whether a caller may pass. Pure: the same policy and identity always give the same answer. */
export function decide(policy: RoutePolicy, identity: Identity): Decision {
  if (policy.problems.length > 0) return denied(500, ClerkErrorCode.InvalidPolicy, 'This route is misconfigured.');
  if (identity.status === 'handshake') {
    return denied(307, ClerkErrorCode.Handshake, 'Complete the handshake with Clerk at the Location given.');
  }
  if (policy.protection !== 'strict') return ALLOWED;
  if (identity.failure) {
    return identity.failure.code === ClerkErrorCode.ClerkUnavailable
      ? denied(503, ClerkErrorCode.ClerkUnavailable, 'Authentication is unavailable at the moment. Try again.')
      : denied(500, identity.failure.code, 'Authentication is misconfigured on this server.');
  }

  const auth = identity.toAuth();
  // Signed in, yet not to be treated so: a session task is open.
  if (!auth.isAuthenticated) return unauthenticated(identity, identity.status === 'signed-in');

  const { tokenType } = auth;
  const accepted = policy.acceptsToken === 'any' || [policy.acceptsToken].flat().includes(tokenType);
  if (identity.status !== 'signed-in' || !accepted) return unauthenticated(identity, false);

  if (policy.requirements.length === 0) return ALLOWED;
  const held = policy.requirements.filter(({ speaksTo }) => speaksTo.includes(tokenType));
  // A caller whom no requirement speaks to has not fulfilled any.
  if (held.length > 0 && held.every(({ check }) => holds(check, auth))) return ALLOWED;
  return denied(403, ClerkErrorCode.InsufficientPermissions, 'You do not have the permission to do this.');
}

function unauthenticated(identity: Identity, pending: boolean): Decision {
  if (pending) {
    return denied(
      401,
      ClerkErrorCode.SessionPending,
      'The session has an open task. Complete it and try again.',
      'Bearer error="invalid_token"',
    );
  }
  return identity.credentialSent
    ? denied(401, ClerkErrorCode.TokenInvalid, 'The credential is not accepted here.', 'Bearer error="invalid_token"')
    : denied(401, ClerkErrorCode.AuthenticationRequired, 'Authentication is required.', 'Bearer');
}

function holds(check: SessionCheck, auth: AuthObject): boolean {
  // `has` of a signed-out or machine object takes no arguments and is always false.
  if ('has' in check) return (auth.has as (params: HasParams) => boolean)(check.has) === true;
  if ('anyOf' in check) return check.anyOf.some((item) => holds(item, auth));
  return check.allOf.length > 0 && check.allOf.every((item) => holds(item, auth));
}

function denied(status: Denial['status'], code: ClerkErrorCode, message: string, challenge?: string): Decision {
  return { allowed: false, denial: { status, code, message, challenge } };
}
