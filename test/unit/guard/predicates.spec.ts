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

  it('asks one after the other, each once, until one does not agree', async () => {
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

  it.each([true, false, 'yes'])('asks the instance that was made of a class, which answers %p', async (answer) => {
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
  });

  it('takes a class of which no instance was made for one that does not agree', async () => {
    expect(await ask(Checked)).toEqual([[Checked, false]]);
    expect(logger.lines).toEqual([]);
  });

  it.each([
    [new Error('no ledger'), 'threw, so the call is denied: no ledger'],
    [{ token: 'secret' }, 'threw a non-Error value; the call is denied'],
    ['a text', 'threw a non-Error value; the call is denied'],
  ])(
    'takes one that throws %p for one that does not agree, and repeats no more than a message',
    async (thrown, said) => {
      const broken = () => {
        throw thrown;
      };
      expect(await ask(broken)).toEqual([[broken, false]]);
      expect(logger.ofGuard('error')).toEqual([expect.stringContaining(`@RequireThat(broken) ${said} `)]);
    },
  );
});
