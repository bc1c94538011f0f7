import type { ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import type { LogThrottle } from '../errors/log-throttle.js';
import { CallCredentials, fitsHeader } from './call.credentials.js';
import type { Call } from './calls.js';

const UNREADABLE: Denial = {
  status: 400,
  code: ClerkErrorCode.MalformedRequest,
  message: 'The credentials of this call cannot be read.',
};
const FAILED: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidConfiguration,
  message: 'Authentication is misconfigured on this server.',
};

/** What an HTTP header can hold. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** How the application is asked for the credentials of a call. */
export interface CredentialsExtractor {
  /** The function among the options, as it is written there. */
  readonly option: string;
  /** What it may answer besides a token. Nothing else of its answer is looked at: a caller may have written it. */
  readonly headers: readonly ('authorization' | 'cookie' | 'origin')[];
  extract(context: ExecutionContext): unknown;
}

/**
 * What the application found for a call; a denial where it failed, or where a caller made it find nonsense. It is asked
 * before the call begins, when the arguments are still what its transport gave.
 */
export function presentedCredentials(
  question: CredentialsExtractor,
  context: ExecutionContext,
  begin: () => Call,
  throttle: LogThrottle,
): CallCredentials | Denial {
  const { option, headers } = question;
  let answer: unknown;
  try {
    answer = question.extract(context);
  } catch (error) {
    const what = `${option} threw, so the call is denied`;
    throttle.write('error', what, `${what}: ${error instanceof Error ? error.message : 'no Error'}`);
    return FAILED;
  }
  if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throttle.write('error', `${option} answered with a promise, so the call is denied: it must answer at once`);
    Promise.resolve(answer).catch(() => undefined);
    return FAILED;
  }
  const given = typeof answer === 'string' ? { authorization: bearer(answer) } : (answer ?? {});
  if (typeof given !== 'object') return UNREADABLE;
  // What gRPC and Kafka have for one value, of which nothing would be found. A caller may bring it about as well.
  if (Array.isArray(given) || ArrayBuffer.isView(given)) {
    const what = `${option} answered with an array or a Buffer, so the call is denied`;
    throttle.write('warn', `${what}: it must answer with a string, such as value?.toString()`);
    return UNREADABLE;
  }
  const read = headers.map((name) => [name, (given as Partial<Record<string, unknown>>)[name] ?? undefined] as const);
  const isReadable = ([, value]: (typeof read)[number]) =>
    value === undefined || (typeof value === 'string' && fitsHeader(value) && HEADER_VALUE.test(value));
  if (!read.every(isReadable)) return UNREADABLE;
  const call = begin();
  return new CallCredentials(Object.fromEntries(read) as Record<string, string | undefined>, call.source, call);
}

/** A token as the value of an Authorization header, which it may be already. */
function bearer(token: string): string | undefined {
  return token === '' || token.startsWith('Bearer ') ? token || undefined : `Bearer ${token}`;
}
