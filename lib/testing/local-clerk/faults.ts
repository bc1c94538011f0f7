import type { IncomingMessage, ServerResponse } from 'node:http';

import { ApiError } from './api-error.js';

/**
 * What is wrong with an answer of Clerk.
 *
 * - `refuse`: the connection is cut before anything is answered
 * - `reset`: the connection is cut in the middle of the body
 * - `hang`: the request is read and never answered
 * - `drip`: status 200 at once, then a body of blanks, one at a time, that never ends
 * - `garbage`: half a JSON body under status 200
 * - a status: Clerk's error body, or a page of HTML as a load balancer sends it; `retryAfter` in seconds, and `location`
 *   for a redirect
 * - a body, under status 200: text as it is, all else as JSON
 * - a delay, in milliseconds, before the right answer
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

/** What is wrong with Clerk: the same with every request, or one after the other, over and over. */
export type Outage = Fault | readonly (Fault | 'well')[];

/** The half of a key set. */
const HALF = '{"keys": [{"kty": "RS';

const JSON_TYPE = 'application/json';

/**
 * Plays an outage for one request.
 * @param met How many requests met it before.
 * @returns whether the request is to be answered properly after all.
 */
export async function play(
  outage: Outage,
  met: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const sequence = [outage].flat();
  const fault = sequence[met % sequence.length];
  if (typeof fault === 'object' && 'delay' in fault) return waits(fault.delay, response);
  if (fault === undefined || fault === 'well') return true;
  answer(fault, request, response);
  return false;
}

/** @returns whether somebody still waits for the answer after so many milliseconds. */
function waits(delay: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const passing = setTimeout(() => resolve(true), delay).unref();
    response.once('close', () => {
      clearTimeout(passing);
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
