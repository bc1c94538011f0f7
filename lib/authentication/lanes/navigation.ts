import { createClerkRequest, type ClerkRequest } from '@clerk/backend/internal';

import { carriesHandshake, cookieName, isHandshakeName, type HttpInputs } from '../identity/credentials.js';

/**
 * Whether a browser requests a page, by Clerk's own rule. Only such a request can be redirected to a handshake and come
 * back.
 */
export function isDocumentNavigation({
  method,
  headers,
}: Pick<Request, 'method'> & { readonly headers: Pick<Headers, 'get'> }): boolean {
  return isNavigation(method, headers.get('sec-fetch-dest'), headers.get('accept'));
}

/** The same, for a request whose fetch `Request` is not created yet. */
export function isNavigationInput({ method, headers }: Pick<HttpInputs, 'method' | 'headers'>): boolean {
  // Node never makes a list of these headers.
  const { 'sec-fetch-dest': destination, accept } = headers as Readonly<Record<string, string | undefined>>;
  // As in fetch, `get` is `GET`.
  return isNavigation(method.toUpperCase(), destination, accept);
}

type HeaderValue = string | null | undefined;

function isNavigation(method: string, destination: HeaderValue, accept: HeaderValue): boolean {
  if (method !== 'GET') return false;
  if (destination) return destination === 'document' || destination === 'iframe';
  return accept?.startsWith('text/html') ?? false;
}

/**
 * Removes the handshake from requests that must not resolve one. A handshake belongs to document navigations: left over
 * in a cookie or in the URL of a fetch, it would make Clerk redirect a program and spend a nonce that the browser still
 * needs. If handshakes are disabled, no request counts as a navigation.
 */
export function withoutHandshake(request: ClerkRequest, enableHandshake: boolean): ClerkRequest {
  const navigation = isDocumentNavigation(request);
  if (navigation ? enableHandshake : !carriesHandshake(request)) return request;

  const url = new URL(request.url);
  // Set the query once: deleting parameters one by one serializes the whole query each time.
  const parameters = [...url.searchParams];
  const others = parameters.filter(([name]) => !isHandshakeName(name));
  if (others.length < parameters.length) url.search = new URLSearchParams(others).toString();
  const headers = new Headers(request.headers);
  const cookies = headers.get('cookie')?.split(';');
  const kept = cookies?.filter((pair) => !isHandshakeName(cookieName(pair)));
  if (kept) headers.set('cookie', kept.join(';'));
  if (navigation) headers.set('sec-fetch-dest', 'empty');

  const stripped = createClerkRequest(new Request(url, { method: request.method, headers }));
  // Parse the result again: it is valid only if Clerk itself finds no handshake in it.
  // Stryker disable next-line all: no known request gets here; the check guards against bypasses.
  if (carriesHandshake(stripped)) throw new TypeError('The handshake could not be removed from the request');
  return stripped;
}
