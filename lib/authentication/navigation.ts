import { carriesHandshake } from './credentials.js';

/**
 * Whether a browser asks for a page, by the rule that Clerk itself goes by: only such a request can be sent to a
 * handshake and come back.
 */
export function isDocumentNavigation({ method, headers }: Request): boolean {
  if (method !== 'GET') return false;
  const destination = headers.get('sec-fetch-dest');
  if (destination) return destination === 'document' || destination === 'iframe';
  return headers.get('accept')?.startsWith('text/html') ?? false;
}

/**
 * The request as Clerk is to see it. A handshake belongs to document navigations: left over in a cookie or in the URL
 * of a fetch it would make Clerk redirect a program, and spend a nonce that the browser still needs. Where handshakes
 * are switched off, no request counts as a navigation.
 */
export function withoutHandshake(request: Request, enableHandshake: boolean): Request {
  const navigation = isDocumentNavigation(request);
  if (navigation ? enableHandshake : !carriesHandshake(request)) return request;

  const url = new URL(request.url);
  for (const name of [...url.searchParams.keys()]) {
    if (name.startsWith('__clerk_handshake')) url.searchParams.delete(name);
  }
  const headers = new Headers(request.headers);
  const cookies = (headers.get('cookie') ?? '').split(';').filter((pair) => !/^\s*__clerk_handshake/.test(pair));
  if (headers.has('cookie')) headers.set('cookie', cookies.join(';'));
  if (navigation) headers.set('sec-fetch-dest', 'empty');
  return new Request(url, { method: request.method, headers });
}
