import { HttpException } from '@nestjs/common';

import * as errors from '../../../lib/errors/clerk.errors.js';
import { challengeOf, type Denial, type DenialStatus } from '../../../lib/errors/denial.js';
import { ClerkErrorCode } from '../../../lib/errors/error-codes.js';
import * as exceptions from '../../../lib/errors/exceptions.js';

describe('codes', () => {
  it('are stable: applications match on them', () => {
    expect(ClerkErrorCode).toEqual({
      SignInRequired: 'sign-in-required',
      Handshake: 'handshake',
      MalformedRequest: 'malformed-request',
      AuthenticationRequired: 'authentication-required',
      TokenExpired: 'token-expired',
      TokenInvalid: 'token-invalid',
      OriginNotAllowed: 'origin-not-allowed',
      SessionPending: 'session-pending',
      InsufficientPermissions: 'insufficient-permissions',
      InsufficientScope: 'insufficient-scope',
      ReverificationRequired: 'reverification-required',
      UserRequired: 'user-required',
      UserChanged: 'user-changed',
      UserNotFound: 'user-not-found',
      ClerkResourceNotFound: 'clerk-resource-not-found',
      ClerkRequestRejected: 'clerk-request-rejected',
      ClerkKeyRejected: 'clerk-key-rejected',
      InvalidPolicy: 'invalid-policy',
      UnknownTransport: 'unknown-transport',
      ClerkUnavailable: 'clerk-unavailable',
      InvalidConfiguration: 'invalid-configuration',
      AuthNotPopulated: 'auth-not-populated',
    });
  });
});

describe('errors', () => {
  it.each<[errors.ClerkError, name: string, code: ClerkErrorCode, message: string]>([
    [
      new errors.ClerkConfigurationError(['one', 'two']),
      'ClerkConfigurationError',
      'invalid-configuration',
      'nest-clerk cannot start with these options:\n  - one\n  - two',
    ],
    [
      new errors.ClerkPolicyError(['one']),
      'ClerkPolicyError',
      'invalid-policy',
      'nest-clerk cannot protect these handlers as they are decorated:\n  - one',
    ],
    [
      new errors.ClerkTransportError('bot'),
      'ClerkTransportError',
      'unknown-transport',
      'A call of the execution context type "bot" was denied: there is no transport adapter for it. Register one with the option transports: ClerkModule.forRoot({ transports: { "bot": { call, credentials } } }).',
    ],
    [
      new errors.ClerkTransportError('bot', 'it is broken'),
      'ClerkTransportError',
      'unknown-transport',
      'A call of the execution context type "bot" was denied: it is broken.',
    ],
    [
      new errors.ClerkAuthNotPopulatedError(),
      'ClerkAuthNotPopulatedError',
      'auth-not-populated',
      expect.stringMatching(/^There is no Clerk identity on this request\. The usual causes:\n(  - .+\n){5}  - .+$/),
    ],
    [new errors.ClerkUnavailableError('late'), 'ClerkUnavailableError', 'clerk-unavailable', 'late'],
    [new errors.ClerkKeyRejectedError('no'), 'ClerkKeyRejectedError', 'clerk-key-rejected', 'no'],
    [new errors.ClerkRequestOptionsError('no'), 'ClerkRequestOptionsError', 'invalid-configuration', 'no'],
  ])('%s', (error, name, code, message) => {
    expect(error).toBeInstanceOf(Error);
    expect({ name: error.name, code: error.code, message: error.message }).toEqual({ name, code, message });
  });

  it.each([
    ['another guard that runs before', 'before ClerkGuard has run', 'useClass: ClerkGuard } before that guard'],
    ['a guard that a test has replaced', 'A test has replaced ClerkGuard', 'TestCaller'],
    ['@SkipAuth()', 'has @SkipAuth()', 'Use @Public()'],
    ['no guard', 'No ClerkGuard runs before the handler', 'Import ClerkModule.forRoot()'],
    ['a middleware', 'in a middleware', 'Apply ClerkMiddleware'],
    ['a filter', '404', 'use tryGetAuth()'],
  ])('name, where no identity is attached, %s as a cause and the cure in one line', (_, cause, cure) => {
    const lines = new errors.ClerkAuthNotPopulatedError().message.split('\n');
    const [line, ...others] = lines.filter((one) => one.includes(cause));
    expect(line).toContain(cure);
    expect(others).toEqual([]);
  });

  it('list what has to be mended', () => {
    expect(new errors.ClerkConfigurationError(['one']).problems).toEqual(['one']);
    expect(new errors.ClerkPolicyError(['one', 'two']).problems).toEqual(['one', 'two']);
  });

  it('say why Clerk could not be asked, and when it may be asked again', () => {
    const cause = new Error('ECONNREFUSED');
    expect(new errors.ClerkUnavailableError('down', { cause, retryInMs: 5 })).toMatchObject({ cause, retryInMs: 5 });
    expect(new errors.ClerkUnavailableError('down').retryInMs).toBeUndefined();
  });
});

describe('challengeOf', () => {
  it.each<[Parameters<typeof challengeOf>, string]>([
    [[], 'Bearer'],
    [['invalid_token'], 'Bearer error="invalid_token"'],
    [['insufficient_scope', ['a', 'b', 'a']], 'Bearer error="insufficient_scope", scope="a b"'],
    [['insufficient_scope', []], 'Bearer error="insufficient_scope"'],
    [[undefined, ['a']], 'Bearer scope="a"'],
  ])('%j: %s', (given, challenge) => {
    expect(challengeOf(...given)).toBe(challenge);
  });
});

const denial: Denial = { status: 403, code: 'insufficient-permissions', message: 'No.' };
const CLERK_ERROR = {
  clerk_error: { type: 'forbidden', reason: 'reverification-error', metadata: { reverification: 'strict' } },
};

describe('toHttpException', () => {
  it.each<[DenialStatus, name: string, word: string]>([
    [302, 'ClerkRedirectException', 'Redirect'],
    [307, 'ClerkRedirectException', 'Redirect'],
    [400, 'ClerkBadRequestException', 'Bad Request'],
    [401, 'ClerkUnauthorizedException', 'Unauthorized'],
    [403, 'ClerkForbiddenException', 'Forbidden'],
    [404, 'ClerkNotFoundException', 'Not Found'],
    [500, 'ClerkInternalServerErrorException', 'Internal Server Error'],
    [503, 'ClerkServiceUnavailableException', 'Service Unavailable'],
  ])('makes %i a %s', (status, name, error) => {
    const exception = exceptions.toHttpException({ ...denial, status });
    expect(exception.constructor.name).toBe(name);
    expect([exception.getStatus(), exception.code]).toEqual([status, denial.code]);
    expect(exception.getResponse()).toEqual({ statusCode: status, message: 'No.', error, code: denial.code });
  });

  it.each<[Partial<Denial>, object]>([
    [
      { missing: ['role a'] },
      { statusCode: 403, message: 'No.', error: 'Forbidden', code: denial.code, missing: ['role a'] },
    ],
    [{ reverification: 'strict', missing: ['role a'] }, CLERK_ERROR],
  ])('says, of %j, no more than that', (more, body) => {
    expect(exceptions.toHttpException({ ...denial, ...more }).getResponse()).toEqual(body);
  });
});

describe('bodyOf', () => {
  const BODY = { status: 'error', statusCode: 403, code: denial.code, message: 'No.' };
  it.each<[Partial<Denial>, object]>([
    [{}, BODY],
    [{ missing: ['role a'] }, { ...BODY, missing: ['role a'] }],
    [{ reverification: 'strict' }, { ...BODY, ...CLERK_ERROR }],
    [{ location: '/in', challenge: 'Bearer' }, BODY],
  ])('with %j', (more, body) => {
    expect(exceptions.bodyOf({ ...denial, ...more })).toEqual(body);
  });
});

describe('asHttpException', () => {
  it.each<[statusCode: unknown, status: number]>([
    [400, 400],
    [418, 418],
    [599, 599],
    [399, 403],
    [600, 403],
    [200, 403],
    [450.5, 403],
    ['404', 403],
    [undefined, 403],
  ])('takes the statusCode %p of an error as %i', (statusCode, status) => {
    const error = Object.assign(new Error('mine'), { statusCode });
    const exception = exceptions.asHttpException(error, denial);
    expect(exception.getStatus()).toBe(status);
    expect(exception.getResponse()).toStrictEqual({ statusCode: status, message: 'mine', code: denial.code });
    expect(exception.cause).toBe(error);
  });

  it.each([[{ why: 1 }], [0], [null]])('answers with the data %j of an error', (data) => {
    const error = Object.assign(new Error('mine'), { data });
    expect(exceptions.asHttpException(error, denial).getResponse()).toHaveProperty('data', data);
  });

  it('leaves an exception as it is', () => {
    const error = new HttpException('mine', 418);
    expect(exceptions.asHttpException(error, denial)).toBe(error);
  });
});
