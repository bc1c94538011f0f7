import { Inject, Injectable, Logger } from '@nestjs/common';

import type { Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Decision } from '../policy/decision.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/**
 * Logs what the client does not learn: why a call was denied, and failures to reach Clerk. Never logs credentials.
 * Similar lines are throttled; only `debug` logs every call.
 */
@Injectable()
export class AccessLog {
  private readonly logger = new Logger('ClerkGuard');

  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: Pick<ResolvedClerkOptions, 'debug'>,
    private readonly throttle: LogThrottle,
  ) {}

  record(policy: RoutePolicy, identity: Identity, decision: Decision): void {
    const { status, detail, failure } = identity;
    const reason = reasonOf(identity);
    if (this.options.debug) {
      const outcome = decision.allowed ? 'allowed' : outcomeOf(decision.denial);
      this.logger.log(`${policy.name}: ${[status, reason, detail].filter(Boolean).join(', ')}: ${outcome}`);
    }
    if (failure) {
      const outcome = decision.allowed ? 'the caller goes on signed out' : `denied ${decision.denial.status}`;
      const kind = `${policy.name}: ${outcome}: ${failure.code}`;
      const hint =
        failure.code === 'clerk-key-rejected' ? '. Check secretKey (environment variable CLERK_SECRET_KEY)' : '';
      const line = `${policy.name}: ${outcome}: ${failure.message}${causeOf(failure)}${hint}`;
      this.throttle.write(failure.code === 'clerk-unavailable' ? 'warn' : 'error', kind, line);
      return;
    }
    if (decision.allowed) return;
    const { status: answer, code } = decision.denial;
    if (code === 'invalid-policy') {
      this.throttle.write('error', `${policy.name}: denied ${answer} (${code}): ${policy.problems.join(' ')}`);
      return;
    }
    const missing = decision.missing && `missing ${decision.missing.join(' and ')}`;
    const details = [reason, detail, missing].filter(Boolean).join(', ');
    this.throttle.write(
      'debug',
      `${policy.name}: ${outcomeOf(decision.denial)} (${code})${details ? `: ${details}` : ''}`,
    );
  }
}

/** A redirect is not a denial: a handshake asks Clerk for the session, and the sign-in page lets the user sign in. */
function outcomeOf({ status, code }: Denial): string {
  if (code === ClerkErrorCode.Handshake) return `redirected to Clerk ${status}`;
  return code === ClerkErrorCode.SignInRequired ? `redirected to sign in ${status}` : `denied ${status}`;
}

/**
 * Clerk's reason, except when the request has no credentials that Clerk reads: that reason depends on the type of Clerk
 * instance.
 */
function reasonOf({ status, hasCredentials, hasIgnoredSession, reason }: Identity): string | null {
  if (status !== 'signed-out' || hasCredentials) return reason;
  return hasIgnoredSession ? 'a session cookie, which is not accepted here' : 'no credentials';
}

/**
 * The code or message of the innermost cause. For a failed fetch, the system error (`ECONNREFUSED`) is more useful than
 * "fetch failed".
 */
export function causeOf(error: Error): string {
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : '';
}
