import type { HttpCall } from '../local-server.js';
import { Html } from './html.js';
import type { Client } from './clients.js';

/** A parsed call of a browser. */
export interface BrowserCall extends HttpCall {
  /** The path parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** The form fields; empty if there are none. */
  readonly form: URLSearchParams;
  /** The calling browser, if it is known. */
  readonly client: Client | undefined;
  /** The origin of the calling page, if it is another one. */
  readonly origin: string | undefined;
}

/** The response to a browser. */
export interface BrowserReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Html | object;
}

/** Returns the response to a call, or throws an ApiError. */
export type BrowserHandler = (call: BrowserCall) => BrowserReply;

/** Handlers by `METHOD /path/:parameter`. */
export type BrowserRoutes = Readonly<Record<string, BrowserHandler>>;

/** The envelope in which Clerk wraps responses to its browser SDK. */
export const respond = (response: object): BrowserReply => ({ status: 200, body: { response, client: null } });

export const redirect = (status: 303 | 307, location: URL, cookies: readonly string[] = []): BrowserReply => ({
  status,
  headers: {
    Location: location.href,
    'Cache-Control': 'no-store',
    ...(cookies.length ? { 'Set-Cookie': cookies } : {}),
  },
});
