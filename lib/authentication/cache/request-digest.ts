import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { tokenInHeader, type HttpInputs } from '../identity/credentials.js';
import type { AcceptsToken } from '../identity/token-types.js';

/** The headers that Clerk reads of a request without credentials, and the HTTP/2 equivalent of `host`. */
const HEADERS_WITHOUT_CREDENTIALS = [
  ':authority',
  'host',
  'x-forwarded-host',
  'x-forwarded-proto',
  'cloudfront-forwarded-proto',
  'origin',
  'sec-fetch-dest',
  'accept',
] as const satisfies (keyof IncomingHttpHeaders)[];

/** All headers that Clerk reads. */
export const CLERK_HEADERS = [
  ...HEADERS_WITHOUT_CREDENTIALS,
  'referer',
  'authorization',
  'cookie',
] as const satisfies (keyof IncomingHttpHeaders)[];

/**
 * Matches a query parameter that belongs to Clerk or, being percent-encoded or with whitespace that URL parsers skip, might.
 * Runs in linear time: an attempt stops at `=`, `&` and `?`, so no character is scanned twice.
 */
const CLERK_PARAMETER = /[?&][^=&?]*(?:__clerk_|[%\t\n\r])/;

const BEARER = 'Bearer ';

/** Stands for a missing header. No header can contain it. */
const MISSING = '\0';

/**
 * Returns the token of the Authorization header if Clerk looks at nothing else: the instance is not a satellite, there
 * is no session cookie, and nothing follows the token (Clerk would ignore it).
 */
export function findSoleSessionToken(
  { headers }: HttpInputs,
  { isSatellite }: ResolvedClerkOptions,
): string | undefined {
  const { authorization, cookie } = headers;
  if (isSatellite !== false || !authorization?.startsWith(BEARER) || cookie?.includes('__session')) return undefined;
  const token = authorization.slice(BEARER.length);
  return token.includes(' ') ? undefined : token;
}

/**
 * Computes the cache key for credentials and the token types that a handler accepts. The credentials cannot be
 * recovered from it.
 */
export function computeDigest(credentials: string, acceptsToken: AcceptsToken): string {
  return hash('sha256', `${String(acceptsToken)} ${credentials}`, 'base64');
}

/**
 * Returns everything that Clerk reads of a request, as one string, with the most variable parts last. Each part begins
 * with a line break, which no header can contain, so parts cannot be confused, and a caller cannot send the rest of it as a
 * token and match a cached request.
 */
export function fingerprintRequest(inputs: HttpInputs, options: ResolvedClerkOptions): string {
  const { method, isEncrypted, headers } = inputs;
  let fingerprint = `\n${method}\n${isEncrypted}\n${readPartOfUrl(inputs, options)}`;
  for (const name of CLERK_HEADERS) fingerprint += `\n${headers[name] ?? MISSING}`;
  return fingerprint;
}

/** The part of the URL that Clerk's result may depend on. */
function readPartOfUrl({ target }: HttpInputs, options: ResolvedClerkOptions): string {
  if (dependsOnUrl(options) || (target.includes('?') && CLERK_PARAMETER.test(target))) return target;
  return options.organizationSyncOptions ? (target.split('?', 1)[0] as string) : MISSING;
}

/** Whether Clerk's result may depend on the whole URL, because functions among the options receive it. */
export function dependsOnUrl({ domain, isSatellite, proxyUrl, frontendApiProxy }: ResolvedClerkOptions): boolean {
  return (
    typeof domain === 'function' ||
    typeof isSatellite === 'function' ||
    typeof proxyUrl === 'function' ||
    typeof frontendApiProxy?.enabled === 'function'
  );
}

/** Matches cookies that may be Clerk's: in a name, or to be safe, in a value. */
const CLERK_COOKIE = /__(?:session|client_uat|refresh|clerk)/;
/** Matches cookies that present something: a session, a refresh token or a handshake. */
const PRESENTING_COOKIE = /__(?:session|refresh|clerk_handshake)/;
/** Longer fingerprints are not worth their memory. */
const MAX_FINGERPRINT_LENGTH = 512;

/**
 * Returns everything that Clerk reads of a request without credentials. Cookies that are not Clerk's are left out.
 * Returns `undefined` for any other request, and for one with a query parameter of Clerk's.
 */
export function fingerprintWithoutCredentials(inputs: HttpInputs, acceptsToken: AcceptsToken): string | undefined {
  const { authorization, cookie } = inputs.headers;
  // The first comparison is a shortcut for the most common case.
  if (authorization?.startsWith(BEARER) || tokenInHeader(authorization ?? null) !== undefined) return undefined;
  if (cookie?.includes('__') && PRESENTING_COOKIE.test(cookie)) return undefined;
  const { method, target, isEncrypted, headers } = inputs;
  if (target.includes('?') && CLERK_PARAMETER.test(target)) return undefined;
  let fingerprint = `${String(acceptsToken)}\n${method}\n${isEncrypted}`;
  for (const name of HEADERS_WITHOUT_CREDENTIALS) fingerprint += `\n${headers[name] ?? MISSING}`;
  if (cookie?.includes('__')) fingerprint += `\n${clerkCookies(cookie)}`;
  return fingerprint.length > MAX_FINGERPRINT_LENGTH ? undefined : fingerprint;
}

function clerkCookies(cookie: string): string {
  return cookie
    .split(';')
    .filter((pair) => CLERK_COOKIE.test(pair))
    .join(';');
}
