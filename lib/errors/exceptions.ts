import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';

import type { Denial } from './denial.js';
import type { ClerkErrorCode } from './error-codes.js';

/** Nest's own error body, and the stable code beside it. */
function body(denial: Denial, error: string): object {
  return { statusCode: denial.status, message: denial.message, error, code: denial.code };
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

/** 403: the caller is known and may not do this. */
export class ClerkForbiddenException extends ForbiddenException {
  readonly code: ClerkErrorCode;
  constructor(denial: Denial) {
    super(body(denial, 'Forbidden'));
    this.code = denial.code;
  }
}

/** 503: Clerk cannot be asked right now; the same request may be good in a moment. */
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
  500: ClerkInternalServerErrorException,
  503: ClerkServiceUnavailableException,
} as const;

/** The exception that Nest turns into the denial's answer. */
export function toHttpException(denial: Denial): HttpException & { readonly code: ClerkErrorCode } {
  return new EXCEPTIONS[denial.status](denial);
}
