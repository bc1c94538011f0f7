import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { isEncrypted, verifiedHeaders } from './forwarded.js';
import { areHeadersText, targetOf, webRequestWith } from './web-request.js';
import type { HttpRequestLike } from './http-request.js';

/** Paths that may parse to another host: see `toWebRequest()`. */
const AMBIGUOUS_PATH = /^[^/]|\/\/|\\|[\t\n\f\r]/;

/**
 * The credentials of an HTTP request. The fetch `Request` is created on demand, because it costs more than a whole
 * cached authentication.
 */
export class HttpCredentials implements Credentials {
  private webRequest: Request | undefined;
  /** Read once: Node computes them in a getter. */
  private sentHeaders: Readonly<IncomingHttpHeaders> | undefined;
  private verified: Readonly<IncomingHttpHeaders> | undefined;

  /** @param origins The application's own origins, to validate forwarded headers: see {@link verifiedHeaders}. */
  constructor(
    readonly source: HttpRequestLike,
    readonly carrier: object,
    private readonly origins?: readonly string[],
  ) {}

  /** @throws TypeError if no `Request` can represent the request */
  get request(): Request {
    return (this.webRequest ??= webRequestWith(this.headers, this.source));
  }

  get method(): string {
    return this.source.method ?? 'GET';
  }

  get target(): string {
    return targetOf(this.source) ?? '';
  }

  get headers(): Readonly<IncomingHttpHeaders> {
    return (this.verified ??= verifiedHeaders(this.source, this.origins, this.sentHeaders));
  }

  get isEncrypted(): boolean {
    return isEncrypted(this.source);
  }

  /**
   * Whether this is a request to this server with string headers. An ambiguous path is checked by creating the
   * `Request`.
   */
  get isReadable(): boolean {
    try {
      const { method, target } = this;
      const headers = (this.sentHeaders = this.source.headers);
      if (typeof method !== 'string' || typeof target !== 'string' || !areHeadersText(headers)) return false;
      const query = target.indexOf('?');
      const path = query < 0 ? target : target.slice(0, query);
      if (path !== '' && !AMBIGUOUS_PATH.test(path) && method !== 'TRACE' && method !== 'CONNECT') return true;
      return this.request !== undefined;
    } catch {
      return false;
    }
  }
}
