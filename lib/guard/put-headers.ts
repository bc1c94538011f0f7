import type { ServerResponse } from 'node:http';

/** Puts headers on a response: cookies add up with those that are there, all else takes the place of what is. */
export function putHeaders(headers: Headers, response: ServerResponse): void {
  headers.forEach((value, name) => {
    if (name === 'set-cookie') response.appendHeader(name, value);
    else response.setHeader(name, value);
  });
}
