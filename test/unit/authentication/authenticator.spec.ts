import { AUTHENTICATOR } from '../../../lib/authentication/lanes/authenticator.js';

it('has one token in all copies of the library', () => {
  expect(AUTHENTICATOR).toBe(Symbol.for('nest-clerk:authenticator'));
});
