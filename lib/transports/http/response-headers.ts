import type { ServerResponse } from 'node:http';

/** Sets headers on Node's response, which middleware receives. */
export function mergeHeaders(headers: Headers, response: ServerResponse): void {
  headers.forEach((value, name) => mergeHeader(response, name, value));
}

/** Sets one header on Node's response. Cookies are appended, other headers are replaced. */
export function mergeHeader(response: ServerResponse, name: string, value: string): void {
  if (name === 'set-cookie') response.appendHeader(name, value);
  else response.setHeader(name, value);
}

/** Whether this is Node's response and not that of Express or Fastify, which have `header()`. */
export function isNodeResponse(response: unknown): response is ServerResponse {
  const { header, setHeader } = response as { header?: unknown; setHeader?: unknown };
  return typeof header !== 'function' && typeof setHeader === 'function';
}
