import type { IncomingHttpHeaders } from 'node:http';

/** The properties of an Express, Fastify or Node request that `toWebRequest()` reads. */
export interface HttpRequestLike {
  readonly method?: string;
  readonly url?: string;
  /** The target before a router strips its prefix. Express and Fastify set it. */
  readonly originalUrl?: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket?: object | null;
  /** Fastify's request wraps Node's. */
  readonly raw?: { readonly socket?: object | null };
}
