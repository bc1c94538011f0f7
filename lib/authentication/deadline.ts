import { ClerkUnavailableError } from '../errors/clerk.errors.js';

/**
 * Waits for `work`, but no longer than `timeoutInMs`. Clerk's client has no timeout of its own and cannot be aborted;
 * what it answers too late is dropped.
 *
 * @throws ClerkUnavailableError when the time is over.
 */
export async function withDeadline<T>(work: Promise<T>, timeoutInMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ClerkUnavailableError(`Clerk did not answer within ${timeoutInMs} ms`)),
      timeoutInMs,
    );
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
