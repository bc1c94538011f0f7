import type { ExecutionContext } from '@nestjs/common';

import { Denied, type Outcome } from '../errors/denial.js';
import { INVALID_CONFIGURATION, UNREADABLE_CREDENTIALS } from '../errors/denials.js';
import type { LogThrottle } from '../errors/log-throttle.js';
import { CallCredentials, fitsHeader } from './call.credentials.js';
import type { Call } from './calls.js';

/** The characters that are valid in an HTTP header value. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** How the credentials of a call are extracted by the application's function. */
export interface CredentialsExtractor {
  /** The path of the function in the options, for log lines. */
  readonly option: string;
  /**
   * The headers to read from a result that is not a plain token. All other properties are ignored, because the caller
   * may have written them.
   */
  readonly headers: readonly ('authorization' | 'cookie' | 'origin')[];
  extract(context: ExecutionContext): unknown;
}

/**
 * The credentials that the application extracts from a call, or a denial if the function fails or its result is
 * invalid. It runs before the call is registered, when the arguments are still those of the transport.
 */
export function presentedCredentials(
  extractor: CredentialsExtractor,
  context: ExecutionContext,
  registerCall: () => Call,
  throttle: LogThrottle,
): Outcome<CallCredentials> {
  const { option, headers } = extractor;
  let result: unknown;
  try {
    result = extractor.extract(context);
  } catch (error) {
    const kind = `${option} threw, so the call is denied`;
    const line =
      error instanceof Error ? `${kind}: ${error.message}` : `${option} threw a non-Error value; the call is denied`;
    throttle.write('error', kind, line);
    return new Denied(INVALID_CONFIGURATION);
  }
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throttle.write(
      'error',
      `${option} returned a promise, so the call is denied: it must return the credentials synchronously`,
    );
    Promise.resolve(result).catch(() => undefined);
    return new Denied(INVALID_CONFIGURATION);
  }
  const extracted = typeof result === 'string' ? { authorization: bearer(result) } : (result ?? {});
  if (typeof extracted !== 'object') return new Denied(UNREADABLE_CREDENTIALS);
  // `metadata.get()` of gRPC returns an array, and a Kafka header is a Buffer. Neither has these properties. A caller
  // can cause this as well.
  if (Array.isArray(extracted) || ArrayBuffer.isView(extracted)) {
    const kind = `${option} returned an array or a Buffer, so the call is denied`;
    throttle.write('warn', `${kind}: it must return a string, such as value?.toString()`);
    return new Denied(UNREADABLE_CREDENTIALS);
  }
  const entries = headers.map(
    (name) => [name, (extracted as Partial<Record<string, unknown>>)[name] ?? undefined] as const,
  );
  const isReadable = ([, value]: (typeof entries)[number]) =>
    value === undefined || (typeof value === 'string' && fitsHeader(value) && HEADER_VALUE.test(value));
  if (!entries.every(isReadable)) return new Denied(UNREADABLE_CREDENTIALS);
  const call = registerCall();
  return new CallCredentials(Object.fromEntries(entries) as Record<string, string | undefined>, call.source, call);
}

/** Prefixes a token with its scheme, unless it already has one. */
function bearer(token: string): string | undefined {
  return token === '' || token.startsWith('Bearer ') ? token || undefined : `Bearer ${token}`;
}
