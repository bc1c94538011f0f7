import { withDeadline } from '../../../lib/authentication/deadline.js';
import { ClerkUnavailableError } from '../../../lib/errors/clerk.errors.js';

describe('withDeadline', () => {
  it('hands on what comes in time', async () => {
    await expect(withDeadline(Promise.resolve(1), 1000)).resolves.toBe(1);
    await expect(withDeadline(Promise.reject(new Error('own')), 1000)).rejects.toThrow('own');
  });

  it('gives up on what never comes', async () => {
    await expect(withDeadline(new Promise(() => {}), 1)).rejects.toThrow(ClerkUnavailableError);
  });

  it('leaves nothing unhandled when the work fails after the deadline', async () => {
    let fail!: (error: Error) => void;
    const work = new Promise<never>((_, reject) => (fail = reject));
    await expect(withDeadline(work, 1)).rejects.toThrow(ClerkUnavailableError);
    fail(new Error('too late'));
    await new Promise(setImmediate);
  });
});
