/** Each decision to the letter, and the order in which they are taken; decide.spec.ts holds all callers against all routes. */
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

describe('who has', () => {
  it.each<[string, RoutePolicy, Identity, object]>([
    ['a session, on a route with problems', policyOf([], wrong), caller(), misconfigured],
    ['a handshake to make, on such a route', policyOf([], wrong), caller([], { status: 'handshake' }), misconfigured],
    ['a handshake to make', policyOf([]), caller([], { status: 'handshake' }), handshake],
    ['the same, on an open route', policyOf([], { protection: 'lax' }), caller([], { status: 'handshake' }), handshake],
    ['no session, on an open route', policyOf([], { protection: 'lax' }), caller([], out), ALLOWED],
    ['no session, where nobody looks', policyOf([admin], { protection: 'skip' }), caller([], out), ALLOWED],
    ['no answer of Clerk, on an open route', policyOf([], { protection: 'lax' }), caller([], outage), ALLOWED],
    ['no answer of Clerk', policyOf([]), caller([], outage), unavailable],
    ['a key refused by Clerk', policyOf([]), caller([], badKey), keyRefused],
    ['a credential that is none', policyOf([]), caller([], out), notAccepted],
    ['no credential', policyOf([]), caller([], { ...out, hasCredentials: false }), anonymous],
    ...[
      'token-expired',
      'session-token-expired-refresh-non-eligible-no-refresh-cookie',
      'session-token-expired-refresh-non-eligible-non-get',
      'session-token-expired-refresh-invalid_refresh_token',
      'session-token-expired-refresh-null',
    ].map((reason): [string, RoutePolicy, Identity, object] => [
      `a token that has expired (${reason})`,
      policyOf([]),
      caller([], { ...out, reason }),
      expired,
    ]),
    ...[
      ...['session-token-nbf', 'session-token-iat-in-the-future', 'token-not-active-yet', 'token-iat-in-the-future'],
      ...['token-invalid', 'token-invalid-audience', 'token-verification-failed', 'jwk-kid-mismatch'],
      ...['session-token-iat-before-client-uat', 'unexpected-error', 'not-session-token-expired'],
    ].map((reason): [string, RoutePolicy, Identity, object] => [
      `a token that a fresh one does not help (${reason})`,
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
      'no credential, whatever the reason',
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
      'no credential, where several types are accepted',
      policyOf([]),
      caller([], { ...out, hasCredentials: false, reason: 'token-type-mismatch' }),
      anonymous,
    ],
    [
      'a session cookie, where no sessions are accepted',
      policyOf([], { acceptsToken: 'api_key' }),
      caller([], { ...out, hasCredentials: false, hasIgnoredSession: true, reason: 'No token in header' }),
      otherType({ challenge: 'Bearer' }),
    ],
    ['an open session task', policyOf([]), caller([], { isIn: false }), pending],
    ['a token, not signed in', policyOf([]), caller([], { status: 'signed-out' }), notAccepted],
    ['another token', policyOf([], { acceptsToken: 'api_key' }), caller(), notAccepted],
    ['one of two tokens', policyOf([], { acceptsToken: ['api_key', 'session_token'] }), caller(), ALLOWED],
    ['a token that nobody knows', policyOf([]), caller([], { type: 'satellite_token' }), notAccepted],
    ['a session, where none is spoken to', policyOf([reads]), caller(['a:read']), lackingScope],
    ['a session', policyOf([]), caller(), ALLOWED],
    ['a right', policyOf([admin]), caller(['org:admin']), ALLOWED],
    ['no right', policyOf([admin]), caller(), lacking('role org:admin')],
    ['no scope', policyOf([reads]), caller([], { type: 'api_key' }), lackingScope],
    ['a scope', policyOf([admin, reads]), caller(['b:read'], { type: 'api_key' }), ALLOWED],
    [
      'a right of two',
      policyOf([admin, strict]),
      caller(['org:admin']),
      reverification('strict', 'reverification strict'),
    ],
    ['the other one', policyOf([admin, strict]), caller(['strict']), lacking('role org:admin')],
    ['none of two', policyOf([strict, admin]), caller(), lacking('role org:admin')],
    [
      'neither factor',
      policyOf([lax, strict]),
      caller(),
      reverification('lax', 'reverification lax', 'reverification strict'),
    ],
  ])('%s', (_, policy, identity, decision) => {
    expect(decide(policy, identity)).toEqual(decision);
  });
});

describe('where predicates are asked', () => {
  const both = [that(agrees), that(objects)];
  const answering = (...answers: (boolean | undefined)[]): PredicateResults =>
    new Map([agrees, objects].flatMap((one, at) => (answers[at] === undefined ? [] : [[one, answers[at]] as const])));
  const open = (...unevaluated: DeclaredRequirement[]) => ({
    ...lacking(...unevaluated.map((one) => `that ${(one as { predicate: PredicateRef }).predicate.name} agrees`)),
    unevaluated,
  });

  it.each<[string, DeclaredRequirement[], PredicateResults | undefined, object]>([
    ['none has answered', both, undefined, open(...both)],
    ['one has agreed', both, answering(true), open(both[1]!)],
    ['both have', both, answering(true, true), ALLOWED],
    ['one has objected, and one is open', both, answering(undefined, false), lacking('that objects agrees')],
    ['one has objected, and one agreed', both, answering(true, false), lacking('that objects agrees')],
    ['one is open beside a factor', [strict, both[0]!], undefined, open(both[0]!)],
    ['one has objected beside a factor', [strict, both[1]!], answering(true, false), lacking('that objects agrees')],
    [
      'all have agreed beside a factor',
      [strict, ...both],
      answering(true, true),
      reverification('strict', 'reverification strict'),
    ],
    ['a right is lacking', [...both, admin], answering(true, false), lacking('role org:admin')],
  ])('%s', (_, requirements, answers, decision) => {
    expect(decide(policyOf(requirements), caller(), answers)).toEqual(decision);
  });
});

it.each([
  [[admin], lacking('role org:admin')],
  [[strict], reverification('strict', 'reverification strict')],
  [[that(agrees)], { ...lacking('that agrees agrees'), unevaluated: [that(agrees)] }],
])('tells the client what is missing where denials are explained: %j', (requirements, decision) => {
  const denial = { ...decision.denial, missing: decision.missing };
  expect(decide(policyOf(requirements, { explainsDenials: true }), caller())).toEqual({ ...decision, denial });
});
