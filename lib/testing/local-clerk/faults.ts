import type { IncomingMessage, ServerResponse } from 'node:http';

import { ApiError } from './api-error.js';

/**
 * What is wrong with Clerk.
 *
 * - `refuse`: connections are cut before anything is answered
 * - `hang`: requests are read and never answered
 * - `garbage`: half a JSON body under status 200
 * - a status: Clerk's error body, or a page of HTML as a load balancer sends it; `retryAfter` in seconds
 * - a delay, in milliseconds, before the right answer
 */
export type Outage =
  | 'refuse'
  | 'hang'
  | 'garbage'
  | { readonly status: number; readonly html?: boolean; readonly retryAfter?: number }
  | { readonly delay: number };

/**
 * Plays an outage for one request.
 * @returns whether the request is to be answered properly after all (a delay).
 */
export async function play(outage: Outage, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (outage === 'refuse') {
    request.socket.destroy();
    return false;
  }
  if (outage === 'hang') return false;
  if (outage === 'garbage') {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"keys": [{"kty": "RS');
    return false;
  }
  if ('delay' in outage) {
    await new Promise((resolve) => setTimeout(resolve, outage.delay).unref());
    return !request.destroyed;
  }
  const { status, html, retryAfter } = outage;
  response.writeHead(status, {
    'Content-Type': html ? 'text/html' : 'application/json',
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
  });
  const code = status === 429 ? 'too_many_requests' : 'internal_clerk_error';
  const error = new ApiError(status, code, 'Clerk is having a bad day');
  response.end(html ? `<html><body><h1>${status}</h1>${error.message}</body></html>` : JSON.stringify(error.toBody()));
  return false;
}
