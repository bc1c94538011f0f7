import { CLERK_HEADERS } from '../../authentication/cache/request-digest.js';

/**
 * Whether every header that Clerk reads is a string or absent, as Node guarantees. Middleware and serverless adapters
 * may set other values (a list, a number, an object with `toString()`), whose meaning is ambiguous, so such a request
 * is malformed. A list with one item is no exception.
 *
 * @throws the error of a getter among the headers
 */
export function areHeadersText(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  for (const name of CLERK_HEADERS) {
    const value = (headers as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'string' && value !== undefined && value !== null) return false;
  }
  return true;
}
