import type { IncomingMessage } from 'node:http';

import { ApiError } from './api-error.js';

const MAX_BODY_BYTES = 1024 * 1024;

/** The body of a request as a string; empty if there is none. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, 'request_body_too_large', 'The request body is too large');
  return Buffer.concat(chunks).toString();
}
