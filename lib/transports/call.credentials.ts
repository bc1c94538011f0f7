import { maxHeaderSize, type IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../authentication/identity/credentials.js';
import { webRequestWith } from './http/web-request.js';

/**
 * Whether a value is short enough for an HTTP header. Messages may be far longer, and the credentials of a connection
 * are read again for each of them.
 */
export function fitsHeader(value: string): boolean {
  return value.length <= maxHeaderSize;
}

/**
 * The credentials of a call that is not an HTTP request: a message or a subscription. Clerk sees them as a POST
 * request, which never leads to a handshake.
 */
export class CallCredentials implements Credentials {
  readonly method = 'POST';
  readonly target = '/';
  readonly isEncrypted = false;
  private webRequest: Request | undefined;

  /** @param headers The credentials as HTTP headers: `authorization`, `cookie`, `origin`, `host`. */
  constructor(
    readonly headers: Readonly<IncomingHttpHeaders>,
    readonly source: object,
    readonly carrier: object,
  ) {}

  get request(): Request {
    const { method, target: url, headers } = this;
    return (this.webRequest ??= webRequestWith(headers, { method, url, headers }));
  }
}
