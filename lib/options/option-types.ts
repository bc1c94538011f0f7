import type { ExecutionContext, HttpException } from '@nestjs/common';

/** What a handler that says nothing gets: `strict` demands a signed-in caller, `lax` only looks. */
export type DefaultProtection = 'strict' | 'lax';

/** A value, or how to find it by the URL of a request (as the browser sees it, forwarded headers considered). */
export type ValueOrFunction<T> = T | ((url: URL) => T);

/** Accepted values of the `aud` claim, for each kind of JWT. */
export interface AudienceByTokenType {
  session_token?: string | string[];
  m2m_token?: string | string[];
  oauth_token?: string | string[];
}

/**
 * Hears of a failed authentication.
 *
 * @param error One of this library's exceptions, with its stable `code`.
 * @param context Nest's context of the call.
 * @returns An Error to refuse with, or nothing.
 */
export type OnError = (
  error: HttpException & { readonly code: string },
  context: ExecutionContext,
) => Error | undefined | void | Promise<Error | undefined | void>;
