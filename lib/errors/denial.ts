import type { reverificationError } from '@clerk/backend/internal';

import type { ClerkErrorCode } from './error-codes.js';

/** The possible statuses of a denial, as HTTP statuses. Other transports translate them. */
export type DenialStatus = 302 | 307 | 400 | 401 | 403 | 404 | 422 | 500 | 503;

/**
 * A denied call as plain data, which each transport turns into its own kind of error.
 *
 * `message` is sent to the client and therefore says little; the reason is logged.
 */
export interface Denial {
  readonly status: DenialStatus;
  readonly code: ClerkErrorCode;
  readonly message: string;
  /** The target URL of a redirect. */
  readonly location?: string;
  /**
   * Value of the `WWW-Authenticate` header.
   * @see RFC 6750, section 3
   */
  readonly challenge?: string;
  /**
   * Value of the `Retry-After` header of a 503, in seconds.
   * @see RFC 9110, section 10.2.3
   */
  readonly retryAfterInSeconds?: number;
  /** The reverification that Clerk's frontend SDKs should ask the user for. */
  readonly reverification?: ReverificationConfig;
  /** The requirements that are not fulfilled; set only if the application explains denials. */
  readonly missing?: readonly string[];
}

/** The parameter of Clerk's own reverification error. */
type ReverificationConfig = Parameters<typeof reverificationError>[0];

/**
 * Instead of a value: the call is denied. A class, so that no value can be taken for a denial, nor a denial for a value,
 * whatever properties they have.
 */
export class Denied {
  constructor(readonly denial: Denial) {}
}

/** A value, or a denial instead; tell them apart with `instanceof Denied`. */
export type Outcome<T> = T | Denied;
