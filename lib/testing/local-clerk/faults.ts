import type { IncomingMessage, ServerResponse } from 'node:http';

import { ApiError } from './api-error.js';

/**
 * A fault in a response of Clerk.
 *
 * - `refuse`: the connection is closed before the response starts
 * - `reset`: the connection is closed in the middle of the body
 * - `hang`: the request is read and never answered
 * - `drip`: status 200 immediately, then a body of single spaces that never ends
 * - `garbage`: half a JSON body under status 200
 * - a status: Clerk's error body, or an HTML page like that of a load balancer; `retryAfter` in seconds, and `location`
 *   for a redirect
 * - a body, with status 200: strings as they are, other values as JSON
 * - a delay, in milliseconds, before the correct response
 */
export type Fault =
  | 'refuse'
  | 'reset'
  | 'hang'
  | 'drip'
  | 'garbage'
  | { readonly status: number; readonly html?: boolean; readonly retryAfter?: number; readonly location?: string }
  | { readonly body: unknown; readonly contentType?: string }
  | { readonly delay: number };

/** One fault for every request, or several in turn. */
export type Outage = Fault | readonly (Fault | 'healthy')[];

/** A truncated key set. */
const HALF = '{"keys": [{"kty": "RS';

const JSON_TYPE = 'application/json';

/**
 * Simulates an outage for one request.
 * @param affectedRequests How many requests it has affected before.
 * @returns whether the request still gets the correct response.
 */
export async function simulate(
  outage: Outage,
  affectedRequests: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const sequence = [outage].flat();
  const fault = sequence[affectedRequests % sequence.length];
  if (typeof fault === 'object' && 'delay' in fault) return delayed(fault.delay, response);
  if (fault === undefined || fault === 'healthy') return true;
  answer(fault, request, response);
  return false;
}

/** @returns whether the client is still connected after the given milliseconds. */
function delayed(delay: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), delay).unref();
    response.once('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

function answer(
  fault: Exclude<Fault, { readonly delay: number }>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (fault === 'hang') return;
  if (fault === 'refuse') {
    request.socket.destroy();
  } else if (fault === 'garbage') {
    response.writeHead(200, { 'Content-Type': JSON_TYPE }).end(HALF);
  } else if (fault === 'reset') {
    response.writeHead(200, { 'Content-Type': JSON_TYPE, 'Content-Length': 1_000 });
    response.write(HALF, () => request.socket.destroy());
  } else if (fault === 'drip') {
    response.writeHead(200, { 'Content-Type': JSON_TYPE });
    const dripping = setInterval(() => response.write(' '), 10).unref();
    response.on('close', () => clearInterval(dripping));
  } else if ('body' in fault) {
    const { body, contentType = JSON_TYPE } = fault;
    response.writeHead(200, { 'Content-Type': contentType });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  } else {
    answerStatus(fault, response);
  }
}

function answerStatus(
  { status, html, retryAfter, location }: Extract<Fault, { readonly status: number }>,
  response: ServerResponse,
): void {
  response.writeHead(status, {
    'Content-Type': html ? 'text/html' : JSON_TYPE,
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
    ...(location === undefined ? {} : { Location: location }),
  });
  const code = status === 429 ? 'too_many_requests' : 'internal_clerk_error';
  const error = new ApiError(status, code, 'Clerk is having a bad day');
  response.end(html ? `<html><body><h1>${status}</h1>${error.message}</body></html>` : JSON.stringify(error.toBody()));
}
