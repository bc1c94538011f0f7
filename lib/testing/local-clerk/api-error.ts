import { randomText } from './ids.js';

/**
 * An error response of the Backend API.
 * @see https://clerk.com/docs/guides/development/errors/overview
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly meta?: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }

  /** Clerk's error body, with an id to quote to Clerk's support. */
  toBody(): object {
    const { code, message, meta } = this;
    const error = { message, long_message: message, code, ...(meta ? { meta } : {}) };
    return { errors: [error], clerk_trace_id: randomText(32).toLowerCase() };
  }
}

export const notFound = (what: string) => new ApiError(404, 'resource_not_found', `${what} was not found`);

export const invalidParameter = (name: string, message: string) =>
  new ApiError(422, 'form_param_invalid', `${name} ${message}`, { param_name: name });

export const invalidFormat = (name: string, what: string) =>
  new ApiError(422, 'form_param_format_invalid', `${name} must ${what}`, { param_name: name });

export const missingParameter = (name: string) =>
  new ApiError(422, 'form_param_missing', `${name} must be included`, { param_name: name });
