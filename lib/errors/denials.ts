/**
 * Every denial that this library sends, by status. `docs/errors.md` lists their codes.
 *
 * The messages reach clients, so they say no more than the client needs. They are frozen, because an adapter of the
 * application receives them.
 */
import type {
  ClerkKeyRejectedError,
  ClerkRequestOptionsError,
  ClerkUnavailableError,
  RetryTimes,
} from './clerk.errors.js';
import type { Denial, DenialStatus } from './denial.js';
import { ClerkErrorCode } from './error-codes.js';

// 302, 307: redirects of page navigations.

export function signInRequired(location: string): Denial {
  return denial(302, ClerkErrorCode.SignInRequired, 'Sign in at the Location given.', { location });
}

/** The `Location` is among the headers of the identity, which are sent before the call is denied. */
export const HANDSHAKE = denial(
  307,
  ClerkErrorCode.Handshake,
  'Complete the handshake with Clerk at the Location given.',
);

// 400: the credentials are not even looked at.

export const MALFORMED_REQUEST = denial(
  400,
  ClerkErrorCode.MalformedRequest,
  'The request target or method cannot be used here.',
);

/** The token of a socket, which unlike a header was validated by no parser. */
export const MALFORMED_TOKEN = denial(400, ClerkErrorCode.MalformedRequest, 'The token is malformed.');

/** What a function of the application extracted from a call cannot be a header. */
export const UNREADABLE_CREDENTIALS = denial(
  400,
  ClerkErrorCode.MalformedRequest,
  'The credentials of this call cannot be read.',
);

// 401: RFC 9110 requires a challenge. RFC 6750 wants no error in it if no credentials were presented.

const NO_CREDENTIALS = { challenge: bearerChallenge() };
const INVALID_TOKEN = { challenge: bearerChallenge('invalid_token') };

export const AUTHENTICATION_REQUIRED = denial(
  401,
  ClerkErrorCode.AuthenticationRequired,
  'Authentication is required.',
  NO_CREDENTIALS,
);

export const TOKEN_EXPIRED = denial(
  401,
  ClerkErrorCode.TokenExpired,
  'The token has expired. Get a fresh one and try again.',
  INVALID_TOKEN,
);

export const TOKEN_INVALID = denial(
  401,
  ClerkErrorCode.TokenInvalid,
  'The credential is not accepted here.',
  INVALID_TOKEN,
);

export const TOKEN_TYPE_NOT_ACCEPTED = denial(
  401,
  ClerkErrorCode.TokenInvalid,
  'This type of credential is not accepted here.',
  INVALID_TOKEN,
);

/**
 * The request carries a session cookie, on a route that accepts no sessions. The cookie does not count as credentials
 * there, but signing in would not help the caller.
 */
export const SESSION_NOT_ACCEPTED: Denial = Object.freeze({ ...TOKEN_TYPE_NOT_ACCEPTED, ...NO_CREDENTIALS });

export const ORIGIN_NOT_ALLOWED = denial(
  401,
  ClerkErrorCode.OriginNotAllowed,
  'The token was issued for an origin that is not allowed here.',
  INVALID_TOKEN,
);

export const SESSION_PENDING = denial(
  401,
  ClerkErrorCode.SessionPending,
  'The session has an open task. Complete it and try again.',
  INVALID_TOKEN,
);

// 403: the caller is known. Signing in again does not help.

export const INSUFFICIENT_PERMISSIONS = denial(
  403,
  ClerkErrorCode.InsufficientPermissions,
  'You do not have the permission to do this.',
);

export function insufficientScope(scopes: readonly string[]): Denial {
  const challenge = bearerChallenge('insufficient_scope', scopes);
  return denial(403, ClerkErrorCode.InsufficientScope, 'The token lacks a scope that this needs.', { challenge });
}

/** Clerk's frontend SDKs recognise the body of this denial, ask the user for a factor and retry. */
export function reverificationRequired(reverification: Denial['reverification']): Denial {
  return denial(403, ClerkErrorCode.ReverificationRequired, 'Verify your identity again.', { reverification });
}

export const USER_REQUIRED = denial(403, ClerkErrorCode.UserRequired, 'The token belongs to no user.');

export const USER_CHANGED = denial(
  403,
  ClerkErrorCode.UserChanged,
  'The token belongs to a different user than this socket. Open a new socket.',
);

// 404, 422: the answers of Clerk's Backend API.

export const USER_NOT_FOUND = denial(404, ClerkErrorCode.UserNotFound, 'The user does not exist any more.');

export const CLERK_RESOURCE_NOT_FOUND = denial(
  404,
  ClerkErrorCode.ClerkResourceNotFound,
  'The resource does not exist.',
);

export const CLERK_REQUEST_REJECTED = denial(
  422,
  ClerkErrorCode.ClerkRequestRejected,
  'The request cannot be processed with these values.',
);

// 500: only the server can be fixed. Only the log says how.

const MISCONFIGURED = 'Authentication is misconfigured on this server.';

/** Clerk rejects the key of this application. */
export const CLERK_KEY_REJECTED = denial(500, ClerkErrorCode.ClerkKeyRejected, MISCONFIGURED);

/** The options, or a function among them, do not allow a decision. */
export const INVALID_CONFIGURATION = denial(500, ClerkErrorCode.InvalidConfiguration, MISCONFIGURED);

export const INVALID_POLICY = denial(500, ClerkErrorCode.InvalidPolicy, 'This route is misconfigured.');

/** No guard authenticated a microservice message whose handler reads the caller. */
export const AUTH_NOT_POPULATED = denial(500, ClerkErrorCode.AuthNotPopulated, 'Internal server error');

// 503: Clerk is unavailable. `Retry-After` is sent if Clerk, or our own backoff, says when to retry.

export function authenticationUnavailable(times?: RetryTimes): Denial {
  return unavailable('Authentication is unavailable at the moment. Try again.', times);
}

export function userUnavailable(times?: RetryTimes): Denial {
  return unavailable('The user cannot be loaded at the moment. Try again.', times);
}

/** For errors of Clerk's Backend API that a handler does not catch. */
export function clerkApiUnavailable(times: RetryTimes): Denial {
  return unavailable('The service is unavailable at the moment. Try again.', times);
}

/** The denial for a caller whom a failure kept from being authenticated. */
export function denialForFailure(
  failure: ClerkUnavailableError | ClerkKeyRejectedError | ClerkRequestOptionsError,
): Denial {
  if (failure.code === ClerkErrorCode.ClerkUnavailable) return authenticationUnavailable(failure);
  return failure.code === ClerkErrorCode.ClerkKeyRejected ? CLERK_KEY_REJECTED : INVALID_CONFIGURATION;
}

/**
 * A challenge to present a Bearer token, with the error of the presented one.
 * @see RFC 6750, section 3
 */
export function bearerChallenge(
  error?: 'invalid_token' | 'insufficient_scope',
  scopes: readonly string[] = [],
): string {
  const parameters = [error && `error="${error}"`, scopes.length > 0 && `scope="${[...new Set(scopes)].join(' ')}"`];
  return ['Bearer', parameters.filter(Boolean).join(', ')].join(' ').trimEnd();
}

function unavailable(message: string, { retryAfterInSeconds }: RetryTimes = {}): Denial {
  const retryAfter = retryAfterInSeconds === undefined ? undefined : { retryAfterInSeconds };
  return denial(503, ClerkErrorCode.ClerkUnavailable, message, retryAfter);
}

function denial(status: DenialStatus, code: ClerkErrorCode, message: string, more?: Partial<Denial>): Denial {
  return Object.freeze({ status, code, message, ...more });
}
