import { Logger, type ExecutionContext } from '@nestjs/common';

import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { CallCredentials, fitsHeader } from './call.credentials.js';

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
export interface Question {
  /** The function among the options, as it is written there. */
  readonly option: string;
  /** What it may answer besides a token. Nothing else of its answer is looked at: a caller may have written it. */
  readonly headers: readonly ('authorization' | 'cookie' | 'origin')[];
  ask(context: ExecutionContext): unknown;
}

const logger = new Logger('ClerkGuard');

/** What the application found for a call; a denial where it failed, or where a caller made it find nonsense. */
export function presentedCredentials(
  question: Question,
  context: ExecutionContext,
  { source, carrier }: { source: object; carrier: object },
): CallCredentials | Denial {
  const { option, headers } = question;
  let answer: unknown;
  try {
    answer = question.ask(context);
  } catch (error) {
    logger.error(`${option} threw, so the call is denied: ${error instanceof Error ? error.message : 'no Error'}`);
    return FAILED;
  }
  if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    logger.error(`${option} answered with a promise, so the call is denied: it must answer at once`);
    Promise.resolve(answer).catch(() => undefined);
    return FAILED;
  }
  const given = typeof answer === 'string' ? { authorization: bearer(answer) } : (answer ?? {});
  if (typeof given !== 'object') return UNREADABLE;
  const read = headers.map((name) => [name, (given as Partial<Record<string, unknown>>)[name] ?? undefined] as const);
  const isReadable = ([, value]: (typeof read)[number]) =>
    value === undefined || (typeof value === 'string' && fitsHeader(value) && HEADER_VALUE.test(value));
  return read.every(isReadable)
    ? new CallCredentials(Object.fromEntries(read) as Record<string, string | undefined>, source, carrier)
    : UNREADABLE;
}

/** A token as the value of an Authorization header, which it may be already. */
function bearer(token: string): string | undefined {
  return token === '' || token.startsWith('Bearer ') ? token || undefined : `Bearer ${token}`;
}
