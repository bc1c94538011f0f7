/**
 * Every error code of this library. Codes are stable: match on them, not on messages.
 *
 * The code of a denial is in the JSON body of the response, beside Nest's `statusCode` and `message`.
 */
export const ClerkErrorCode = {
  /** 302: the caller is not signed in and is redirected to the sign-in page. */
  SignInRequired: 'sign-in-required',
  /** 307: Clerk redirects the browser to its Frontend API first. */
  Handshake: 'handshake',
  /** 400: the request target or method cannot be represented as a URL of this server. */
  MalformedRequest: 'malformed-request',
  /** 401: the request carries no credentials that the route accepts. */
  AuthenticationRequired: 'authentication-required',
  /** 401: the session token has expired. Get a fresh one (`getToken()`) and try again, once. */
  TokenExpired: 'token-expired',
  /** 401: the credentials are not accepted here. A retry with the same credentials fails too. */
  TokenInvalid: 'token-invalid',
  /**
   * 401: the session token was issued for an origin that is not among `authorizedParties`, or names none. A fresh token
   * does not help: the application's configuration has to change. Like `token-expired`, this is checked before the
   * signature is verified, so it does not mean that the token is genuine.
   */
  OriginNotAllowed: 'origin-not-allowed',
  /** 401: the session is valid, but a session task (such as choosing an organization) is still open. */
  SessionPending: 'session-pending',
  /** 403: the caller is authenticated and lacks a right that the route requires. */
  InsufficientPermissions: 'insufficient-permissions',
  /** 403: the machine or OAuth token lacks a scope that the route requires. */
  InsufficientScope: 'insufficient-scope',
  /** 403: the user has to verify a factor again; the body is Clerk's own and carries no code. */
  ReverificationRequired: 'reverification-required',
  /** 403: the handler needs the current user, and the token belongs to no user. */
  UserRequired: 'user-required',
  /** 403: a token presented on an open socket belongs to another user than the socket. */
  UserChanged: 'user-changed',
  /** 404: the current user has been deleted. */
  UserNotFound: 'user-not-found',
  /** 404: a handler requested a resource from Clerk's Backend API that does not exist. */
  ClerkResourceNotFound: 'clerk-resource-not-found',
  /** 422: Clerk's Backend API rejected a request of a handler, such as an invalid or taken e-mail address. */
  ClerkRequestRejected: 'clerk-request-rejected',
  /** 500: Clerk rejects the key of this application. */
  ClerkKeyRejected: 'clerk-key-rejected',
  /** 500: the handler's decorators contradict each other or can never be fulfilled. */
  InvalidPolicy: 'invalid-policy',
  /** 500: no transport adapter knows this kind of execution context. */
  UnknownTransport: 'unknown-transport',
  /** 503: Clerk is unreachable, too slow, overloaded or failing. */
  ClerkUnavailable: 'clerk-unavailable',
  /** Thrown at boot: an option is missing, malformed or unknown. 500: a function among the options, or a hook of a guard, failed. */
  InvalidConfiguration: 'invalid-configuration',
  /** Thrown by `getAuth()`: no guard has authenticated this request. */
  AuthNotPopulated: 'auth-not-populated',
} as const;

export type ClerkErrorCode = (typeof ClerkErrorCode)[keyof typeof ClerkErrorCode];
