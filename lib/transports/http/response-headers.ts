import type { ServerResponse } from 'node:http';

/** Puts headers on Node's own response, which is what a middleware is given. */
export function mergeHeaders(headers: Headers, response: ServerResponse): void {
  headers.forEach((value, name) => mergeHeader(response, name, value));
}

/** Puts one header on Node's own response: cookies add up with those that are there, all else replaces what is there. */
export function mergeHeader(response: ServerResponse, name: string, value: string): void {
  if (name === 'set-cookie') response.appendHeader(name, value);
  else response.setHeader(name, value);
}

/** Whether this is Node's own response, and none that Express or Fastify made of it: their header() sets a header. */
export function isNodeResponse(response: unknown): response is ServerResponse {
  const { header, setHeader } = response as { header?: unknown; setHeader?: unknown };
  return typeof header !== 'function' && typeof setHeader === 'function';
}
