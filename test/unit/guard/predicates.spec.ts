import { Logger, type ExecutionContext } from '@nestjs/common';

import { signedOutIdentity } from '../../../lib/authentication/identity/identity.js';
import { LogThrottle } from '../../../lib/errors/log-throttle.js';
import { Predicates } from '../../../lib/guard/predicates.js';
import { PredicateInstances } from '../../../lib/policy/predicate-instances.js';
import type { PredicateRef } from '../../../lib/policy/requirement.js';
import { RecordingLogger } from '../../support/recording-logger.js';

class Routes {}
const context = { getClass: () => Routes } as unknown as ExecutionContext;
const identity = signedOutIdentity('token-expired', 'session_token', true);

class Checked {
  check() {
    return true;
  }
}

describe('Predicates', () => {
  let logger: RecordingLogger;
  beforeEach(() => Logger.overrideLogger((logger = new RecordingLogger())));
  afterEach(() => Logger.overrideLogger(false));

  async function ask(...predicates: PredicateRef[]) {
    const requirements = predicates.map((predicate) => ({ decorator: 'RequireThat', appliesTo: [], predicate }));
    const answers = await new Predicates(new PredicateInstances(), new LogThrottle()).evaluate(
      requirements,
      identity,
      context,
    );
    return [...answers];
  }

  it('evaluates each predicate once, in order, and stops at the first that does not return true', async () => {
    const asked: string[] = [];
    const yes = () => (asked.push('yes'), true);
    const no = () => (asked.push('no'), false);
    const never = () => (asked.push('never'), true);
    expect(await ask(yes, yes, no, never)).toEqual([
      [yes, true],
      [no, false],
    ]);
    expect(asked).toEqual(['yes', 'no']);
  });

  it.each([true, false, 'yes'])(
    'calls check() of the prepared instance of a class, and allows only true: %p',
    async (answer) => {
      class Asked {
        check(...args: unknown[]) {
          return args[0] === identity.toAuth() && args[1] === context ? answer : undefined;
        }
      }
      const instances = new PredicateInstances();
      await instances.prepare(Routes, { get: (type: typeof Asked) => new type() } as never, Asked);
      const requirement = { decorator: 'RequireThat', appliesTo: [], predicate: Asked };
      const answers = await new Predicates(instances, new LogThrottle()).evaluate([requirement], identity, context);
      expect(answers.get(Asked)).toBe(answer === true);
    },
  );

  it('denies the call if no instance of a class was prepared', async () => {
    expect(await ask(Checked)).toEqual([[Checked, false]]);
    expect(logger.lines).toEqual([]);
  });

  it.each([
    [new Error('no ledger'), 'threw, so the call is denied: no ledger'],
    [{ token: 'secret' }, 'threw a non-Error value; the call is denied'],
    ['a text', 'threw a non-Error value; the call is denied'],
  ])('denies the call if a predicate throws %p, and logs at most the message of an Error', async (thrown, said) => {
    const broken = () => {
      throw thrown;
    };
    expect(await ask(broken)).toEqual([[broken, false]]);
    expect(logger.ofGuard('error')).toEqual([expect.stringContaining(`@RequireThat(broken) ${said} `)]);
  });
});
