import type { HttpCall } from '../local-server.js';
import { Html } from './html.js';
import type { Client } from './clients.js';

/** One call of a browser, taken apart. */
export interface BrowserCall extends HttpCall {
  /** Parts of the path, by the names of the pattern. */
  readonly params: Readonly<Record<string, string>>;
  /** The fields of a form; empty where none was sent. */
  readonly form: URLSearchParams;
  /** The browser that calls, if it is known. */
  readonly client: Client | undefined;
  /** The page that calls, where it is on another origin. */
  readonly origin: string | undefined;
}

/** What a browser is answered. */
export interface BrowserReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Html | object;
}

/** Answers a call, or throws an ApiError. */
export type BrowserHandler = (call: BrowserCall) => BrowserReply;

/** Handlers by `METHOD /path/:parameter`. */
export type BrowserRoutes = Readonly<Record<string, BrowserHandler>>;

/** Clerk wraps what it answers to its browser SDK. */
export const respond = (response: object): BrowserReply => ({ status: 200, body: { response, client: null } });

export const redirect = (status: 303 | 307, location: URL, cookies: readonly string[] = []): BrowserReply => ({
  status,
  headers: {
    Location: location.href,
    'Cache-Control': 'no-store',
    ...(cookies.length ? { 'Set-Cookie': cookies } : {}),
  },
});
