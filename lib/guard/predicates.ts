import { Injectable, type ExecutionContext } from '@nestjs/common';

import type { Identity } from '../authentication/identity/identity.js';
import { LogThrottle } from '../errors/log-throttle.js';
import type { PredicateResults } from '../policy/decision.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import { isPredicateClass } from '../policy/requirement-problems.js';
import type { PredicateRef, PredicateRequirement } from '../policy/requirement.js';

type PredicateFunction = (...args: unknown[]) => unknown;

/** Evaluates the application's predicates (`@RequireThat()`). */
@Injectable()
export class Predicates {
  constructor(
    private readonly instances: PredicateInstances,
    private readonly throttle: LogThrottle,
  ) {}

  /** Evaluates the predicates in order and stops at the first that denies. */
  async evaluate(
    requirements: readonly PredicateRequirement[],
    identity: Identity,
    context: ExecutionContext,
  ): Promise<PredicateResults> {
    const results = new Map<PredicateRef, boolean>();
    for (const predicate of new Set(requirements.map((one) => one.predicate))) {
      const allows = await this.allows(predicate, identity, context);
      results.set(predicate, allows);
      if (!allows) break;
    }
    return results;
  }

  private async allows(predicate: PredicateRef, identity: Identity, context: ExecutionContext): Promise<boolean> {
    const auth = identity.toAuth();
    try {
      if (!isPredicateClass(predicate)) return (await (predicate as PredicateFunction)(auth, context)) === true;
      return (await this.instances.of(context.getClass(), predicate)?.check(auth, context)) === true;
    } catch (error) {
      this.throttle.writeThrown(`@RequireThat(${predicate.name})`, 'the call is denied', error);
      return false;
    }
  }
}
