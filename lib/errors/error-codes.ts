/**
 * Every code this library answers or throws with. Codes are stable: match on them, not on messages.
 *
 * Codes of refusals stand in the JSON body of the answer, beside Nest's `statusCode` and `message`.
 */
export const ClerkErrorCode = {
  /** 302: nobody is signed in, and the page to do so is elsewhere. */
  SignInRequired: 'sign-in-required',
  /** 307: Clerk asks the browser to pass by its Frontend API first. */
  Handshake: 'handshake',
  /** 400: the request target or method cannot be represented as a URL of this server. */
  MalformedRequest: 'malformed-request',
  /** 401: the request carries no credential that the route looks at. */
  AuthenticationRequired: 'authentication-required',
  /** 401: the session token has expired. Get a fresh one (`getToken()`) and try again, once. */
  TokenExpired: 'token-expired',
  /** 401: a credential was sent and is not accepted here, and would not be if it were sent again. */
  TokenInvalid: 'token-invalid',
  /**
   * 401: the session token was issued for an origin that is not among `authorizedParties`, or names none. A fresh token
   * does not help: the application's configuration has to change. Like `token-expired`, it is said before the signature
   * is verified, so it does not mean that the token is genuine.
   */
  OriginNotAllowed: 'origin-not-allowed',
  /** 401: the session is good but a session task (choosing an organization, say) is still open. */
  SessionPending: 'session-pending',
  /** 403: the caller is known and lacks a right that the route requires. */
  InsufficientPermissions: 'insufficient-permissions',
  /** 403: the machine or OAuth token lacks a scope that the route requires. */
  InsufficientScope: 'insufficient-scope',
  /** 403: the user has to verify a factor again; the body is Clerk's own and carries no code. */
  ReverificationRequired: 'reverification-required',
  /** 403: the handler works on the user who calls, and the token belongs to none. */
  UserRequired: 'user-required',
  /** 403: a token that was handed in on an open socket belongs to somebody else than the socket. */
  UserChanged: 'user-changed',
  /** 404: the user who calls has been deleted. */
  UserNotFound: 'user-not-found',
  /** 404: a handler asked Clerk's Backend API for something that does not exist. */
  ClerkResourceNotFound: 'clerk-resource-not-found',
  /** 422: Clerk's Backend API rejected what a handler asked of it, such as an invalid or taken e-mail address. */
  ClerkRequestRejected: 'clerk-request-rejected',
  /** 500: Clerk refuses the key of this application. */
  ClerkKeyRefused: 'clerk-key-refused',
  /** 500: what the handler's decorators say cannot be carried out. */
  InvalidPolicy: 'invalid-policy',
  /** 500: no transport adapter knows this kind of execution context. */
  UnknownTransport: 'unknown-transport',
  /** 503: Clerk is unreachable, too slow, overloaded or failing. */
  ClerkUnavailable: 'clerk-unavailable',
  /** Thrown at boot: an option is missing, malformed or unknown. 500: a function among the options failed. */
  InvalidConfiguration: 'invalid-configuration',
  /** Thrown by `getAuth()`: nobody authenticated this request. */
  AuthNotPopulated: 'auth-not-populated',
} as const;

export type ClerkErrorCode = (typeof ClerkErrorCode)[keyof typeof ClerkErrorCode];
