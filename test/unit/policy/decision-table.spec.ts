/** Every decision in full, and the order of the checks. decide.spec.ts compares all callers and routes with an oracle. */
import type { Identity } from '../../../lib/authentication/identity/identity.js';
import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { decide } from '../../../lib/policy/decide.js';
import type { PredicateResults } from '../../../lib/policy/decision.js';
import type { Condition, PredicateRef } from '../../../lib/policy/requirement.js';
import type { DeclaredRequirement, RoutePolicy } from '../../../lib/policy/route-policy.js';

const from = 'C.h';
const SESSIONS = ['session_token'] as const;
const requiring = (
  condition: Condition,
  appliesTo: DeclaredRequirement['appliesTo'] = SESSIONS,
): DeclaredRequirement => {
  return { decorator: 'Require', appliesTo, condition, from };
};
const that = (predicate: PredicateRef): DeclaredRequirement => {
  return { decorator: 'RequireThat', appliesTo: 'any', predicate, from };
};
const admin = requiring({ has: { role: 'org:admin' } });
const strict = requiring({ has: { reverification: 'strict' } });
const lax = requiring({ has: { reverification: 'lax' } });
const reads = requiring({ anyOf: [{ scope: 'a:read' }, { scope: 'b:read' }] }, ['api_key']);
const agrees = () => true;
const objects = () => false;

const policyOf = (requirements: readonly DeclaredRequirement[], more: Partial<RoutePolicy> = {}): RoutePolicy => ({
  ...{ name: from, protection: 'strict', acceptsToken: 'any', allowsPendingSession: false, redirectsToSignIn: false },
  ...{ explainsDenials: false, sources: { protection: from, acceptsToken: from }, problems: [] },
  requirements,
  ...more,
});

/** A caller with a session, or with a token of another type, and these rights. */
function caller(rights: readonly string[] = [], more: Partial<Identity> & { type?: string; isIn?: boolean } = {}) {
  const { type = 'session_token', isIn = true, ...identity } = more;
  const has = (asked: object) => Object.values(asked).every((right) => rights.includes(right));
  return {
    ...{ status: 'signed-in', hasCredentials: true, ...identity },
    toAuth: () => ({ tokenType: type, isAuthenticated: isIn, has, scopes: rights }),
  } as unknown as Identity;
}

const ALLOWED = { allowed: true };
const refused = (status: number, code: string, message: string, more?: object) => ({
  allowed: false,
  denial: { status, code, message, ...more },
});
const invalidToken = { challenge: 'Bearer error="invalid_token"' };
const misconfigured = refused(500, 'invalid-policy', 'This route is misconfigured.');
const handshake = refused(307, 'handshake', 'Complete the handshake with Clerk at the Location given.');
const unavailable = refused(503, 'clerk-unavailable', 'Authentication is unavailable at the moment. Try again.');
const keyRefused = refused(500, 'clerk-key-rejected', 'Authentication is misconfigured on this server.');
const anonymous = refused(401, 'authentication-required', 'Authentication is required.', { challenge: 'Bearer' });
const notAccepted = refused(401, 'token-invalid', 'The credential is not accepted here.', invalidToken);
const expired = refused(401, 'token-expired', 'The token has expired. Get a fresh one and try again.', invalidToken);
const otherType = (more: object) =>
  refused(401, 'token-invalid', 'This type of credential is not accepted here.', more);
const pending = refused(
  401,
  'session-pending',
  'The session has an open task. Complete it and try again.',
  invalidToken,
);
const originNotAllowed = refused(
  401,
  'origin-not-allowed',
  'The token was issued for an origin that is not allowed here.',
  { challenge: 'Bearer error="invalid_token"' },
);
const lacking = (...missing: string[]) => ({
  ...refused(403, 'insufficient-permissions', 'You do not have the permission to do this.'),
  missing,
});
const lackingScope = {
  ...refused(403, 'insufficient-scope', 'The token lacks a scope that this needs.', {
    challenge: 'Bearer error="insufficient_scope", scope="a:read b:read"',
  }),
  missing: ['any of (scope a:read, scope b:read)'],
};
const reverification = (level: string, ...missing: string[]) => ({
  ...refused(403, 'reverification-required', 'Verify your identity again.', { reverification: level }),
  missing,
});

const wrong = { problems: ['something'] };
const out = { status: 'signed-out', isIn: false } as const;
const outage = { ...out, failure: new ClerkUnavailableError('down') };
const badKey = { ...out, failure: new ClerkKeyRejectedError('bad') };

describe('decide()', () => {
  it.each<[string, RoutePolicy, Identity, object]>([
    ['a session on a route with problems', policyOf([], wrong), caller(), misconfigured],
    ['a handshake on a route with problems', policyOf([], wrong), caller([], { status: 'handshake' }), misconfigured],
    ['a handshake on a strict route', policyOf([]), caller([], { status: 'handshake' }), handshake],
    ['a handshake on a lax route', policyOf([], { protection: 'lax' }), caller([], { status: 'handshake' }), handshake],
    ['a signed-out caller on a lax route', policyOf([], { protection: 'lax' }), caller([], out), ALLOWED],
    ['a signed-out caller on a skip route', policyOf([admin], { protection: 'skip' }), caller([], out), ALLOWED],
    ['an outage on a lax route', policyOf([], { protection: 'lax' }), caller([], outage), ALLOWED],
    ['an outage on a strict route', policyOf([]), caller([], outage), unavailable],
    ['a key that Clerk rejects', policyOf([]), caller([], badKey), keyRefused],
    ['an invalid credential', policyOf([]), caller([], out), notAccepted],
    ['a caller without credentials', policyOf([]), caller([], { ...out, hasCredentials: false }), anonymous],
    ...[
      'token-expired',
      'session-token-expired-refresh-non-eligible-no-refresh-cookie',
      'session-token-expired-refresh-non-eligible-non-get',
      'session-token-expired-refresh-invalid_refresh_token',
      'session-token-expired-refresh-null',
    ].map((reason): [string, RoutePolicy, Identity, object] => [
      `an expired token (${reason})`,
      policyOf([]),
      caller([], { ...out, reason }),
      expired,
    ]),
    ...[
      ...['session-token-nbf', 'session-token-iat-in-the-future', 'token-not-active-yet', 'token-iat-in-the-future'],
      ...['token-invalid', 'token-invalid-audience', 'token-verification-failed', 'jwk-kid-mismatch'],
      ...['session-token-iat-before-client-uat', 'unexpected-error', 'not-session-token-expired'],
    ].map((reason): [string, RoutePolicy, Identity, object] => [
      `an invalid token that a fresh one would not fix (${reason})`,
      policyOf([]),
      caller([], { ...out, reason }),
      notAccepted,
    ]),
    [
      'a token issued for an origin that is not allowed',
      policyOf([]),
      caller([], { ...out, reason: 'token-invalid-authorized-parties' }),
      originNotAllowed,
    ],
    [
      'no credentials, with a reason that says expired',
      policyOf([]),
      caller([], { ...out, hasCredentials: false, reason: 'session-token-expired' }),
      anonymous,
    ],
    [
      'a token of another type',
      policyOf([]),
      caller([], { ...out, reason: 'token-type-mismatch' }),
      otherType(invalidToken),
    ],
    [
      'no credentials on a route for several token types',
      policyOf([]),
      caller([], { ...out, hasCredentials: false, reason: 'token-type-mismatch' }),
      anonymous,
    ],
    [
      'a session cookie on a route for API keys',
      policyOf([], { acceptsToken: 'api_key' }),
      caller([], { ...out, hasCredentials: false, hasIgnoredSession: true, reason: 'No token in header' }),
      otherType({ challenge: 'Bearer' }),
    ],
    ['a session with an open task', policyOf([]), caller([], { isIn: false }), pending],
    [
      'an auth object of a session, with the status signed-out',
      policyOf([]),
      caller([], { status: 'signed-out' }),
      notAccepted,
    ],
    ['a session on a route for API keys', policyOf([], { acceptsToken: 'api_key' }), caller(), notAccepted],
    [
      'a session on a route for API keys and sessions',
      policyOf([], { acceptsToken: ['api_key', 'session_token'] }),
      caller(),
      ALLOWED,
    ],
    ['an unknown token type', policyOf([]), caller([], { type: 'satellite_token' }), notAccepted],
    [
      'a session on a route whose only requirement applies to API keys',
      policyOf([reads]),
      caller(['a:read']),
      lackingScope,
    ],
    ['a session on a route without requirements', policyOf([]), caller(), ALLOWED],
    ['a session with the required role', policyOf([admin]), caller(['org:admin']), ALLOWED],
    ['a session without the required role', policyOf([admin]), caller(), lacking('role org:admin')],
    ['an API key without the required scope', policyOf([reads]), caller([], { type: 'api_key' }), lackingScope],
    ['an API key with the required scope', policyOf([admin, reads]), caller(['b:read'], { type: 'api_key' }), ALLOWED],
    [
      'a session with the role, but without the reverification',
      policyOf([admin, strict]),
      caller(['org:admin']),
      reverification('strict', 'reverification strict'),
    ],
    [
      'a session with the reverification, but without the role',
      policyOf([admin, strict]),
      caller(['strict']),
      lacking('role org:admin'),
    ],
    [
      'a session with neither the reverification nor the role',
      policyOf([strict, admin]),
      caller(),
      lacking('role org:admin'),
    ],
    [
      'a session without either of two reverifications',
      policyOf([lax, strict]),
      caller(),
      reverification('lax', 'reverification lax', 'reverification strict'),
    ],
  ])('returns the expected decision for %s', (_, policy, identity, decision) => {
    expect(decide(policy, identity)).toEqual(decision);
  });
});

describe('decide() with predicates', () => {
  const both = [that(agrees), that(objects)];
  const answering = (...answers: (boolean | undefined)[]): PredicateResults =>
    new Map([agrees, objects].flatMap((one, at) => (answers[at] === undefined ? [] : [[one, answers[at]] as const])));
  const open = (...unevaluated: DeclaredRequirement[]) => ({
    ...lacking(...unevaluated.map((one) => `that ${(one as { predicate: PredicateRef }).predicate.name} agrees`)),
    unevaluated,
  });

  it.each<[string, DeclaredRequirement[], PredicateResults | undefined, object]>([
    ['no predicate has been evaluated', both, undefined, open(...both)],
    ['one of two has returned true', both, answering(true), open(both[1]!)],
    ['both have returned true', both, answering(true, true), ALLOWED],
    [
      'one has returned false, and one has not been evaluated',
      both,
      answering(undefined, false),
      lacking('that objects agrees'),
    ],
    ['one has returned false, and one true', both, answering(true, false), lacking('that objects agrees')],
    ['one has not been evaluated, and the reverification is missing', [strict, both[0]!], undefined, open(both[0]!)],
    [
      'one has returned false, and the reverification is missing',
      [strict, both[1]!],
      answering(true, false),
      lacking('that objects agrees'),
    ],
    [
      'all have returned true, and the reverification is missing',
      [strict, ...both],
      answering(true, true),
      reverification('strict', 'reverification strict'),
    ],
    ['a right is missing', [...both, admin], answering(true, false), lacking('role org:admin')],
  ])('returns the expected decision if %s', (_, requirements, answers, decision) => {
    expect(decide(policyOf(requirements), caller(), answers)).toEqual(decision);
  });
});

it.each([
  [[admin], lacking('role org:admin')],
  [[strict], reverification('strict', 'reverification strict')],
  [[that(agrees)], { ...lacking('that agrees agrees'), unevaluated: [that(agrees)] }],
])(
  'decide() adds the missing requirements to the denial if the policy explains denials: %j',
  (requirements, decision) => {
    const denial = { ...decision.denial, missing: decision.missing };
    expect(decide(policyOf(requirements, { explainsDenials: true }), caller())).toEqual({ ...decision, denial });
  },
);
