import { HttpException } from '@nestjs/common';

import * as errors from '../../../lib/errors/clerk.errors.js';
import type { Denial, DenialStatus } from '../../../lib/errors/denial.js';
import { ClerkErrorCode } from '../../../lib/errors/error-codes.js';
import * as exceptions from '../../../lib/errors/exceptions.js';

describe('ClerkErrorCode', () => {
  it('has exactly these stable codes', () => {
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
  it.each<[label: string, errors.ClerkError, name: string, code: ClerkErrorCode, message: string]>([
    [
      'ClerkConfigurationError',
      new errors.ClerkConfigurationError(['one', 'two']),
      'ClerkConfigurationError',
      'invalid-configuration',
      'nest-clerk cannot start with these options:\n  - one\n  - two',
    ],
    [
      'ClerkPolicyError',
      new errors.ClerkPolicyError(['one']),
      'ClerkPolicyError',
      'invalid-policy',
      'nest-clerk cannot protect these handlers as they are decorated:\n  - one',
    ],
    [
      'ClerkTransportError without a reason',
      new errors.ClerkTransportError('bot'),
      'ClerkTransportError',
      'unknown-transport',
      'A call of the execution context type "bot" was denied: there is no transport adapter for it. Register one with the option transports: ClerkModule.forRoot({ transports: { "bot": { call, credentials } } }).',
    ],
    [
      'ClerkTransportError with a reason',
      new errors.ClerkTransportError('bot', 'it is broken'),
      'ClerkTransportError',
      'unknown-transport',
      'A call of the execution context type "bot" was denied: it is broken.',
    ],
    [
      'ClerkAuthNotPopulatedError',
      new errors.ClerkAuthNotPopulatedError(),
      'ClerkAuthNotPopulatedError',
      'auth-not-populated',
      expect.stringMatching(/^There is no Clerk identity on this request\. The usual causes:\n(  - .+\n){5}  - .+$/),
    ],
    [
      'ClerkUnavailableError',
      new errors.ClerkUnavailableError('late'),
      'ClerkUnavailableError',
      'clerk-unavailable',
      'late',
    ],
    [
      'ClerkKeyRejectedError',
      new errors.ClerkKeyRejectedError('no'),
      'ClerkKeyRejectedError',
      'clerk-key-rejected',
      'no',
    ],
    [
      'ClerkRequestOptionsError',
      new errors.ClerkRequestOptionsError('no'),
      'ClerkRequestOptionsError',
      'invalid-configuration',
      'no',
    ],
  ])('have a name, a code and a message: %s', (_, error, name, code, message) => {
    expect(error).toBeInstanceOf(Error);
    expect({ name: error.name, code: error.code, message: error.message }).toEqual({ name, code, message });
  });

  it.each([
    ['a guard that runs before ClerkGuard', 'before ClerkGuard has run', 'useClass: ClerkGuard } before that guard'],
    ['a guard that a test replaced', 'A test has replaced ClerkGuard', 'TestCaller'],
    ['@SkipAuth()', 'has @SkipAuth()', 'Use @Public()'],
    ['no guard', 'No ClerkGuard runs before the handler', 'Import ClerkModule.forRoot()'],
    ['a middleware', 'in a middleware', 'Apply ClerkMiddleware'],
    ['a filter', '404', 'use tryGetAuth()'],
  ])('of the code auth-not-populated name %s as a cause, with its fix in the same line', (_, cause, cure) => {
    const lines = new errors.ClerkAuthNotPopulatedError().message.split('\n');
    const [line, ...others] = lines.filter((one) => one.includes(cause));
    expect(line).toContain(cure);
    expect(others).toEqual([]);
  });

  it('of configuration and policy have a list of problems', () => {
    expect(new errors.ClerkConfigurationError(['one']).problems).toEqual(['one']);
    expect(new errors.ClerkPolicyError(['one', 'two']).problems).toEqual(['one', 'two']);
  });

  it('of the code clerk-unavailable have a cause and retryInMs', () => {
    const cause = new Error('ECONNREFUSED');
    expect(new errors.ClerkUnavailableError('down', { cause, retryInMs: 5 })).toMatchObject({ cause, retryInMs: 5 });
    expect(new errors.ClerkUnavailableError('down').retryInMs).toBeUndefined();
  });
});

const denial: Denial = { status: 403, code: 'insufficient-permissions', message: 'No.' };
const CLERK_ERROR = {
  clerk_error: { type: 'forbidden', reason: 'reverification-error', metadata: { reverification: 'strict' } },
};

describe('toHttpException()', () => {
  it.each<[DenialStatus, name: string, word: string]>([
    [302, 'ClerkRedirectException', 'Redirect'],
    [307, 'ClerkRedirectException', 'Redirect'],
    [400, 'ClerkBadRequestException', 'Bad Request'],
    [401, 'ClerkUnauthorizedException', 'Unauthorized'],
    [403, 'ClerkForbiddenException', 'Forbidden'],
    [404, 'ClerkNotFoundException', 'Not Found'],
    [500, 'ClerkInternalServerErrorException', 'Internal Server Error'],
    [503, 'ClerkServiceUnavailableException', 'Service Unavailable'],
  ])('with the status %i returns a %s', (status, name, error) => {
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
  ])('returns a body with missing, unless reverification is required: %j', (more, body) => {
    expect(exceptions.toHttpException({ ...denial, ...more }).getResponse()).toEqual(body);
  });
});

describe('bodyOf()', () => {
  const BODY = { status: 'error', statusCode: 403, code: denial.code, message: 'No.' };
  it.each<[Partial<Denial>, object]>([
    [{}, BODY],
    [{ missing: ['role a'] }, { ...BODY, missing: ['role a'] }],
    [{ reverification: 'strict' }, { ...BODY, ...CLERK_ERROR }],
    [{ location: '/in', challenge: 'Bearer' }, BODY],
  ])('adds only missing and Clerk’s reverification error to the body: %j', (more, body) => {
    expect(exceptions.bodyOf({ ...denial, ...more })).toEqual(body);
  });
});

describe('asHttpException()', () => {
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
  ])('for an error with the statusCode %p returns the status %i', (statusCode, status) => {
    const error = Object.assign(new Error('mine'), { statusCode });
    const exception = exceptions.asHttpException(error, denial);
    expect(exception.getStatus()).toBe(status);
    expect(exception.getResponse()).toStrictEqual({ statusCode: status, message: 'mine', code: denial.code });
    expect(exception.cause).toBe(error);
  });

  it.each([[{ why: 1 }], [0], [null]])('puts the data %j of an error into the body', (data) => {
    const error = Object.assign(new Error('mine'), { data });
    expect(exceptions.asHttpException(error, denial).getResponse()).toHaveProperty('data', data);
  });

  it('returns an HttpException unchanged', () => {
    const error = new HttpException('mine', 418);
    expect(exceptions.asHttpException(error, denial)).toBe(error);
  });
});
