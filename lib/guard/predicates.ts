import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';

import type { Identity } from '../authentication/identity/identity.js';
import { LogThrottle } from '../errors/log-throttle.js';
import type { PredicateAnswers } from '../policy/decide.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import { isPredicateClass } from '../policy/requirement-problems.js';
import type { PredicateRef, PredicateRequirement } from '../policy/requirement.js';

type Ask = (...args: unknown[]) => unknown;

/** Asks the application's own predicates about a caller. */
@Injectable()
export class Predicates {
  constructor(
    @Inject(PredicateInstances) private readonly instances: PredicateInstances,
    @Inject(LogThrottle) private readonly throttle: LogThrottle,
  ) {}

  /** Asks one after the other, until one does not agree. */
  async ask(
    requirements: readonly PredicateRequirement[],
    identity: Identity,
    context: ExecutionContext,
  ): Promise<PredicateAnswers> {
    const answers = new Map<PredicateRef, boolean>();
    for (const predicate of new Set(requirements.map((one) => one.predicate))) {
      const agrees = await this.agrees(predicate, identity, context);
      answers.set(predicate, agrees);
      if (!agrees) break;
    }
    return answers;
  }

  private async agrees(predicate: PredicateRef, identity: Identity, context: ExecutionContext): Promise<boolean> {
    const auth = identity.toAuth();
    try {
      if (!isPredicateClass(predicate)) return (await (predicate as Ask)(auth, context)) === true;
      return (await this.instances.of(context.getClass(), predicate)?.check(auth, context)) === true;
    } catch (error) {
      const why = error instanceof Error ? error.message : 'no Error';
      const what = `@RequireThat(${predicate.name}) threw, so the call is denied`;
      this.throttle.write('error', what, `${what}: ${why}`);
      return false;
    }
  }
}
