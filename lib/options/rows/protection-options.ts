import type { ExecutionContext, HttpException } from '@nestjs/common';

import type { ClerkErrorCode } from '../../errors/error-codes.js';
import { boolean, functionOf, oneOf } from '../option-checks.js';
import { option } from '../option-row.js';

/** The protection of handlers without a protection decorator: `strict` requires sign-in, `lax` lets every caller through. */
export type DefaultProtection = 'strict' | 'lax';

/**
 * Called whenever authentication fails.
 *
 * @param error One of this library's exceptions, with its stable `code`.
 * @param context Nest's context of the call.
 * @returns An Error to deny the call with, or nothing.
 */
export type OnError = (
  error: HttpException & { readonly code: ClerkErrorCode },
  context: ExecutionContext,
) => Error | undefined | void | Promise<Error | undefined | void>;

/** What callers are denied, and what is said about it. */
export const PROTECTION_OPTIONS = {
  /**
   * What handlers without a protection decorator get: `'strict'` denies callers who are not signed in; `'lax'` lets
   * every caller through and only tells the handler who is calling, as `@Public()` does.
   *
   * @default 'strict'
   */
  protection: option({ scope: 'module', default: 'strict', check: oneOf<DefaultProtection>('strict', 'lax') }),

  /**
   * Called whenever authentication fails: when a strict handler denies the call (401, 503), and on lax handlers when
   * credentials are not accepted or Clerk is unavailable. It is not called for a missing right (403).
   *
   * An Error that it returns is the answer, on lax handlers too; its `statusCode` and `data` shape the response. If it
   * returns nothing, the handler's protection decides. If it throws, the call is denied.
   */
  onError: option({ scope: 'module', check: functionOf<OnError>() }),

  /**
   * Lists the missing requirements in a 403 (`missing`). For development only: it shows strangers how the application
   * is protected. The log lists them at debug level in any case.
   *
   * @default false
   */
  explainDenials: option({ scope: 'module', default: false, check: boolean }),

  /**
   * Logs for every request why it is signed in, signed out or sent to a handshake.
   *
   * @default false
   */
  debug: option({ scope: 'module', default: false, check: boolean }),
};
