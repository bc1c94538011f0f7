import { Inject, Injectable, Logger } from '@nestjs/common';

import type { Identity } from '../authentication/identity.js';
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
    const { status, reason, detail, failure } = identity;
    if (!decision.allowed && decision.unanswered) return;
    if (this.options.debug) {
      const outcome = decision.allowed ? 'let through' : `denied ${decision.denial.status}`;
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
    this.throttle.write('debug', `${policy.name}: denied ${answer} (${code})${why ? `: ${why}` : ''}`);
  }
}

/** The innermost message: of a failed fetch, the system's error (`ECONNREFUSED`) says more than "fetch failed". */
export function causeOf(error: Error): string {
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : '';
}
