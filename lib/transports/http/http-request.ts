import type { IncomingHttpHeaders } from 'node:http';

/** What `toWebRequest()` reads of a request of Express, Fastify or Node. */
export interface HttpRequestLike {
  readonly method?: string;
  readonly url?: string;
  /** The target before any router took its part away; Express and Fastify have it. */
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket?: object | null;
  /** Fastify's request wraps Node's. */
  readonly raw?: { readonly socket?: object | null };
}
