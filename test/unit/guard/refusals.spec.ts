import 'reflect-metadata';

import { signedOutIdentity } from '../../../lib/authentication/identity.js';
import { ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';
import { Refusals } from '../../../lib/guard/refusals.js';

const failure = new ClerkUnavailableError('Clerk is down');

describe('Refusals', () => {
  it.each<[string, boolean, boolean, object]>([
    ['whose credential was looked at', true, true, {}],
    ['who sent one that Clerk could not be asked about', true, true, { failure }],
    ['who sent none, where Clerk could not be asked either', true, false, { failure }],
    ['who sent none', false, false, {}],
  ])('ask whether the application objects to a caller %s: %p', (_, mayObject, credentialSent, why) => {
    const identity = signedOutIdentity('unexpected-error', 'any', credentialSent, why);
    const refusals = (onError?: () => void) => new Refusals({ onError } as never, null as never);
    expect(refusals(() => undefined).mayObject(identity)).toBe(mayObject);
    expect(refusals().mayObject(identity)).toBe(false);
  });
});
