import { AUTHENTICATOR } from '../../../lib/authentication/lanes/authenticator.js';

it('AUTHENTICATOR is the same symbol in all copies of the library', () => {
  expect(AUTHENTICATOR).toBe(Symbol.for('nest-clerk:authenticator'));
});
