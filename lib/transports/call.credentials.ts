import { maxHeaderSize, type IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../authentication/identity/credentials.js';
import { webRequestWith } from './http/web-request.js';

/**
 * Whether a value is no longer than one that can come with an HTTP request. Messages may be far longer, and what a
 * connection was opened with is looked at again with each of them.
 */
export function fitsHeader(value: string): boolean {
  return value.length <= maxHeaderSize;
}

/**
 * What a call presents that is no HTTP request of its own: a message, a subscription. It is asked about as a program's
 * POST would be, which is never redirected to a handshake.
 */
export class CallCredentials implements Credentials {
  readonly method = 'POST';
  readonly target = '/';
  readonly isEncrypted = false;
  private webRequest: Request | undefined;

  /** @param headers the credentials, in the words of HTTP: `authorization`, `cookie`, `origin`, `host`. */
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
