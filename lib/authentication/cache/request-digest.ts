import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import type { HttpInputs } from '../identity/credentials.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** The headers that Clerk reads, and what HTTP/2 has in place of the host. */
export const CLERK_HEADERS = [
  ':authority',
  'host',
  'x-forwarded-host',
  'x-forwarded-proto',
  'cloudfront-forwarded-proto',
  'origin',
  'referer',
  'sec-fetch-dest',
  'accept',
  'authorization',
  'cookie',
] as const satisfies (keyof IncomingHttpHeaders)[];

/** A query parameter that is Clerk's, or spelt so that it might be. No character is looked at from two beginnings. */
const CLERK_PARAMETER = /[?&][^=&?]*(?:__clerk_|%)/;

const BEARER = 'Bearer ';

/**
 * The token of the Authorization header, where Clerk looks at nothing else: it is no satellite's, no session cookie comes
 * along, and nothing follows the token, of which Clerk would take no notice.
 */
export function soleSessionToken({ headers }: HttpInputs, { isSatellite }: ResolvedClerkOptions): string | undefined {
  const { authorization, cookie } = headers;
  if (isSatellite !== false || !authorization?.startsWith(BEARER) || cookie?.includes('__session')) return undefined;
  const token = authorization.slice(BEARER.length);
  return token.includes(' ') ? undefined : token;
}

/** What is asked: whether this signs somebody in, for a handler that accepts these types. No credential can be read from it. */
export function digestOf(sent: string, acceptsToken: AcceptsToken): string {
  return hash('sha256', `${String(acceptsToken)} ${sent}`, 'base64');
}

/**
 * Everything that Clerk reads of a request, as one text. What differs most comes last. It begins with a line break, which
 * no header holds: whoever sends the rest of it as a token is not taken for the request.
 */
export function requestFingerprint(inputs: HttpInputs, options: ResolvedClerkOptions): string {
  const { method, target, isEncrypted, headers } = inputs;
  const [path] = target.split('?', 1);
  const read = JSON.stringify([
    method,
    isEncrypted,
    needsWholeUrl(options) || CLERK_PARAMETER.test(target) ? target : options.organizationSyncOptions ? path : null,
    ...CLERK_HEADERS.map((name) => headers[name] ?? null),
  ]);
  return `\n${read}`;
}

/** Functions among the options are given the URL of the request. */
function needsWholeUrl({ domain, isSatellite, proxyUrl, frontendApiProxy }: ResolvedClerkOptions): boolean {
  return [domain, isSatellite, proxyUrl, frontendApiProxy?.enabled].some((option) => typeof option === 'function');
}
