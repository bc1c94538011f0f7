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

/** Nest's own error body, and the stable code beside it. */
function body({ status, message, code, missing }: Denial, error: string): object {
  return { statusCode: status, message, error, code, ...(missing ? { missing } : {}) };
}

/** The same for transports that have no statuses of their own, in the words of Nest's `WsException`. */
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

/** 401: nobody is signed in, or not with a credential this route accepts. */
export class ClerkUnauthorizedException extends UnauthorizedException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Unauthorized'));
    this.code = denial.code;
  }
}

/**
 * 403: the caller is known and may not do this. Where only a recent factor is missing, the body is exactly Clerk's, by
 * which `useReverification()` in the frontend knows what to ask for.
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

/** 404: the user who calls has been deleted, or a handler asked Clerk for something that does not exist. */
export class ClerkNotFoundException extends NotFoundException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Not Found'));
    this.code = denial.code;
  }
}

/** 422: Clerk rejected what a handler asked of it, such as an invalid e-mail address. */
export class ClerkUnprocessableEntityException extends UnprocessableEntityException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Unprocessable Entity'));
    this.code = denial.code;
  }
}

/** 503: Clerk cannot be asked right now; the same request may be good in a moment, or after `Retry-After`. */
export class ClerkServiceUnavailableException extends ServiceUnavailableException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Service Unavailable'));
    this.code = denial.code;
  }
}

/** 500: this application is set up in a way that no request can pass. */
export class ClerkInternalServerErrorException extends InternalServerErrorException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Internal Server Error'));
    this.code = denial.code;
  }
}

/**
 * 302 or 307: the browser has to go elsewhere first, to the sign-in page or to a handshake with Clerk.
 *
 * Thrown once the `Location` header is set; an exception filter that catches everything must keep the status.
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

/** The exception that Nest turns into the denial's answer. */
export function toHttpException(denial: Denial): HttpException & { readonly code: ClerkErrorCode } {
  return new EXCEPTIONS[denial.status](denial);
}

/** An Error of the application as Nest answers it over HTTP, with the `statusCode` and the `data` it carries. */
export function asHttpException(error: Error, { status, code }: Denial): HttpException {
  if (error instanceof HttpException) return error;
  const { statusCode: given, data, message } = error as Error & { statusCode?: unknown; data?: unknown };
  const isError = Number.isInteger(given) && (given as number) >= 400 && (given as number) <= 599;
  const statusCode = isError ? (given as number) : status;
  return new HttpException({ statusCode, message, code, ...(data === undefined ? {} : { data }) }, statusCode, {
    cause: error,
  });
}
