import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { ResolvedClerkOptions } from '../options/resolved-options.js';
import type { HttpInputs } from './credentials.js';
import type { AcceptsToken } from './token-types.js';

/** The headers that Clerk reads. */
const HEADERS = [
  'host',
  'x-forwarded-host',
  'x-forwarded-proto',
  'cloudfront-forwarded-proto',
  'authorization',
  'cookie',
  'origin',
  'referer',
  'sec-fetch-dest',
  'accept',
] as const satisfies (keyof IncomingHttpHeaders)[];

/** A query parameter that is Clerk's, or spelt so that it might be. */
const CLERK_PARAMETER = /[?&][^=&]*(?:__clerk_|%)/;

const BEARER = 'Bearer ';

/** A digest of text, in a few dozen characters. */
const digestOf = (text: string): string => hash('sha256', text, 'base64');

/**
 * The token of the Authorization header, where Clerk looks at nothing else: it is no satellite's, and no session cookie
 * comes along.
 */
export function tokenAlone({ headers }: HttpInputs, { isSatellite }: ResolvedClerkOptions): string | undefined {
  const { authorization, cookie } = headers;
  if (isSatellite !== false || !authorization?.startsWith(BEARER) || cookie?.includes('__session')) return undefined;
  return authorization.slice(BEARER.length);
}

/** The key of a session token in the header, for a handler that accepts these types. */
export function tokenDigest(token: string, acceptsToken: AcceptsToken): string {
  return digestOf(`${String(acceptsToken)} ${token}`);
}

/** The key of a request for a handler that accepts these types, over everything that Clerk reads of it. */
export function requestDigest(inputs: HttpInputs, acceptsToken: AcceptsToken, options: ResolvedClerkOptions): string {
  const { method, target, isEncrypted, headers } = inputs;
  const [path = ''] = target.split('?', 1);
  const read = [
    String(acceptsToken),
    method,
    isEncrypted,
    readsWholeUrl(options) || CLERK_PARAMETER.test(target) ? target : options.organizationSyncOptions ? path : null,
    ...HEADERS.map((name) => headers[name] ?? null),
    headers[':authority'] ?? null,
  ];
  return digestOf(JSON.stringify(read));
}

/** Functions among the options are given the URL of the request. */
function readsWholeUrl({ domain, isSatellite, proxyUrl, frontendApiProxy }: ResolvedClerkOptions): boolean {
  return [domain, isSatellite, proxyUrl, frontendApiProxy?.enabled].some((option) => typeof option === 'function');
}
