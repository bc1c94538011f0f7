import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../../authentication/identity/credentials.js';
import type { Denial } from '../../errors/denial.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import { isEncrypted, verifiedHeaders } from './forwarded.js';
import { areHeadersText } from './header-values.js';
import { targetOf, webRequestWith } from './web-request.js';
import type { HttpRequestLike } from './http-request.js';

/** For credentials that are not readable. */
export const MALFORMED: Denial = {
  status: 400,
  code: ClerkErrorCode.MalformedRequest,
  message: 'The request target or method cannot be used here.',
};

/** Where the path of a target may turn out to name another host once it is parsed: see `toWebRequest()`. */
const DOUBTFUL_PATH = /^[^/]|\/\/|\\|[\t\n\f\r]/;

/** What an HTTP request presents. The fetch `Request` costs more than a whole known caller, so it is made on demand. */
export class HttpCredentials implements Credentials {
  private webRequest: Request | undefined;
  private verified: Readonly<IncomingHttpHeaders> | undefined;

  /** @param origins The origins that the application names, for what is forwarded: see {@link verifiedHeaders}. */
  constructor(
    readonly source: HttpRequestLike,
    readonly carrier: object,
    private readonly origins?: readonly string[],
  ) {}

  /** @throws TypeError for what no `Request` can stand for. */
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
    return (this.verified ??= verifiedHeaders(this.source, this.origins));
  }

  get isEncrypted(): boolean {
    return isEncrypted(this.source);
  }

  /**
   * Whether this is a request to this server, of which all that is read is text; what looks doubtful is told by making
   * the `Request` of it.
   */
  get isReadable(): boolean {
    try {
      const { method, target, source } = this;
      if (typeof method !== 'string' || typeof target !== 'string' || !areHeadersText(source.headers)) return false;
      const query = target.indexOf('?');
      const path = query < 0 ? target : target.slice(0, query);
      if (path !== '' && !DOUBTFUL_PATH.test(path) && method !== 'TRACE' && method !== 'CONNECT') return true;
      return this.request !== undefined;
    } catch {
      return false;
    }
  }
}
