import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
  ServiceUnavailableException,
  UnauthorizedException,
  UnprocessableEntityException,
} from '@nestjs/common';

import { reverificationError } from '@clerk/backend/internal';

import type { Denial } from './denial.js';
import type { ClerkErrorCode } from './error-codes.js';

/** Nest's own error body with the stable code. */
function body({ status, message, code, missing }: Denial, error: string): object {
  return { statusCode: status, message, error, code, ...(missing ? { missing } : {}) };
}

/** The error body for transports without statuses, in the format of Nest's `WsException`. */
export function bodyOf(denial: Denial): object {
  const { status: statusCode, message, code, missing, reverification, retryAfterInSeconds: retryAfter } = denial;
  const more = { ...(reverification && reverificationError(reverification)), ...(retryAfter && { retryAfter }) };
  return { status: 'error', statusCode, code, message, ...(missing ? { missing } : {}), ...more };
}

/** 400: the request cannot be read as a request to this server. */
export class ClerkBadRequestException extends BadRequestException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Bad Request'));
    this.code = denial.code;
  }
}

/** 401: the caller is not signed in, or not with credentials that this route accepts. */
export class ClerkUnauthorizedException extends UnauthorizedException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Unauthorized'));
    this.code = denial.code;
  }
}

/**
 * 403: the caller is authenticated and may not do this. If only a recent verification is missing, the body is exactly
 * Clerk's, which `useReverification()` in the frontend understands.
 *
 * @see https://clerk.com/docs/guides/secure/reverification
 */
export class ClerkForbiddenException extends ForbiddenException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(denial.reverification ? reverificationError(denial.reverification) : body(denial, 'Forbidden'));
    this.code = denial.code;
  }
}

/** 404: the current user has been deleted, or a handler requested a resource from Clerk that does not exist. */
export class ClerkNotFoundException extends NotFoundException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Not Found'));
    this.code = denial.code;
  }
}

/** 422: Clerk rejected a request of a handler, such as an invalid e-mail address. */
export class ClerkUnprocessableEntityException extends UnprocessableEntityException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Unprocessable Entity'));
    this.code = denial.code;
  }
}

/** 503: Clerk is unavailable. Retry after a moment, or after `Retry-After`. */
export class ClerkServiceUnavailableException extends ServiceUnavailableException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Service Unavailable'));
    this.code = denial.code;
  }
}

/** 500: this application is misconfigured, so no request can succeed. */
export class ClerkInternalServerErrorException extends InternalServerErrorException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Internal Server Error'));
    this.code = denial.code;
  }
}

/**
 * 302 or 307: the browser is redirected to the sign-in page or to a handshake with Clerk.
 *
 * Thrown after the `Location` header is set. An exception filter that catches everything must keep the status.
 */
export class ClerkRedirectException extends HttpException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Redirect'), denial.status);
    this.code = denial.code;
  }
}

const EXCEPTIONS = {
  302: ClerkRedirectException,
  307: ClerkRedirectException,
  400: ClerkBadRequestException,
  401: ClerkUnauthorizedException,
  403: ClerkForbiddenException,
  404: ClerkNotFoundException,
  422: ClerkUnprocessableEntityException,
  500: ClerkInternalServerErrorException,
  503: ClerkServiceUnavailableException,
} as const;

/** Converts a denial to the exception that Nest turns into the response. */
export function toHttpException(denial: Denial): HttpException & { readonly code: ClerkErrorCode } {
  return new EXCEPTIONS[denial.status](denial);
}

/** Converts an application error to the HTTP exception that Nest sends, with the error's `statusCode` and `data`. */
export function asHttpException(error: Error, { status, code }: Denial): HttpException {
  if (error instanceof HttpException) return error;
  const { statusCode: ownStatus, data, message } = error as Error & { statusCode?: unknown; data?: unknown };
  const isErrorStatus = Number.isInteger(ownStatus) && (ownStatus as number) >= 400 && (ownStatus as number) <= 599;
  const statusCode = isErrorStatus ? (ownStatus as number) : status;
  return new HttpException({ statusCode, message, code, ...(data === undefined ? {} : { data }) }, statusCode, {
    cause: error,
  });
}
