import { Inject, Injectable, Logger, type ExecutionContext } from '@nestjs/common';

import type { Identity } from '../authentication/identity.js';
import type { PredicateAnswers } from '../policy/decide.js';
import { PredicateInstances } from '../policy/predicate-instances.js';
import { isPredicateClass } from '../policy/requirement-problems.js';
import type { PredicateRef, PredicateRequirement } from '../policy/requirement.js';

type Ask = (...args: unknown[]) => unknown;

/** Asks the application's own predicates about a caller. */
@Injectable()
export class Predicates {
  private readonly logger = new Logger('ClerkGuard');

  constructor(@Inject(PredicateInstances) private readonly instances: PredicateInstances) {}

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
      this.logger.error(`@RequireThat(${predicate.name}) threw, so the call is denied: ${why}`);
      return false;
    }
  }
}
