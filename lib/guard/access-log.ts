import { Inject, Injectable, Logger } from '@nestjs/common';

import type { Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { LogThrottle } from '../errors/log-throttle.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import type { Decision } from '../policy/decide.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/**
 * Tells the operator what the client is not told: why a call was refused, and when Clerk could not be asked. Nothing
 * a caller sent is ever repeated here, and alike lines are held back: only `debug` asks for one of every call.
 */
@Injectable()
export class AccessLog {
  private readonly logger = new Logger('ClerkGuard');

  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: Pick<ResolvedClerkOptions, 'debug'>,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  record(policy: RoutePolicy, identity: Identity, decision: Decision): void {
    const { status, detail, failure } = identity;
    const reason = reasonOf(identity);
    if (this.options.debug) {
      const outcome = decision.allowed ? 'let through' : outcomeOf(decision.denial);
      this.logger.log(`${policy.name}: ${[status, reason, detail].filter(Boolean).join(', ')}: ${outcome}`);
    }
    if (failure) {
      const outcome = decision.allowed ? 'the caller goes on signed out' : `denied ${decision.denial.status}`;
      const kind = `${policy.name}: ${outcome}: ${failure.code}`;
      const cure =
        failure.code === 'clerk-key-refused' ? '. Check secretKey (environment variable CLERK_SECRET_KEY)' : '';
      const line = `${policy.name}: ${outcome}: ${failure.message}${causeOf(failure)}${cure}`;
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
    const why = [reason, detail, missing].filter(Boolean).join(', ');
    this.throttle.write('debug', `${policy.name}: ${outcomeOf(decision.denial)} (${code})${why ? `: ${why}` : ''}`);
  }
}

/** A redirect denies nobody: a handshake asks Clerk who the browser is, and a sign-in page lets it sign in. */
function outcomeOf({ status, code }: Denial): string {
  if (code === ClerkErrorCode.Handshake) return `redirected to Clerk ${status}`;
  return code === ClerkErrorCode.SignInRequired ? `redirected to sign in ${status}` : `denied ${status}`;
}

/** Clerk's word, except where nothing was sent that it looks at: what it calls that depends on the kind of instance. */
function reasonOf({ status, credentialSent, hasIgnoredSession, reason }: Identity): string | null {
  if (status !== 'signed-out' || credentialSent) return reason;
  return hasIgnoredSession ? 'a session cookie, which is not accepted here' : 'no credentials';
}

/** The innermost message: of a failed fetch, the system's error (`ECONNREFUSED`) says more than "fetch failed". */
export function causeOf(error: Error): string {
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : '';
}
