import { CLERK_HEADERS } from '../../authentication/cache/request-digest.js';

/**
 * Whether every header that says something about the caller is text, or absent: so Node gives them. Middleware and
 * serverless adapters may have put anything else there (a list, a number, an object that behaves like text), and of such
 * a request nothing is certain. No list is read as its only item: what joined it is not known either.
 *
 * @throws what a getter among the headers throws.
 */
export function areHeadersText(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  for (const name of CLERK_HEADERS) {
    const value = (headers as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'string' && value !== undefined && value !== null) return false;
  }
  return true;
}
