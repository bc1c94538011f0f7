import { ServerResponse } from 'node:http';

/** Sets headers on Node's response, which middleware receives. */
export function mergeHeaders(headers: Headers, response: ServerResponse): void {
  headers.forEach((value, name) => mergeHeader(response, name, value));
}

/** Sets one header on Node's response. Cookies are appended, other headers are replaced. */
export function mergeHeader(response: ServerResponse, name: string, value: string): void {
  if (name === 'set-cookie') response.appendHeader(name, value);
  else response.setHeader(name, value);
}

/**
 * Whether this is Node's response, as on Express, and not that of Fastify, which has `header()`. Node sets a header in
 * less time than Express does, which also looks for a content type.
 */
export function isNodeResponse(response: unknown): response is ServerResponse {
  if (response instanceof ServerResponse) return true;
  const { header, setHeader } = response as { header?: unknown; setHeader?: unknown };
  return typeof header !== 'function' && typeof setHeader === 'function';
}
