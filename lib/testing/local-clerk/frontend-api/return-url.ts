import { invalidParameter, missingParameter } from '../api-error.js';
import type { BrowserSessions } from './browser-sessions.js';
import type { Client } from './clients.js';

/**
 * The URL to return to, from `redirect_url`.
 * @throws ApiError 422 if it is not a web page.
 */
export function returnUrl(fields: URLSearchParams): URL {
  const text = fields.get('redirect_url');
  if (!text) throw missingParameter('redirect_url');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw invalidParameter('redirect_url', 'must be an absolute http(s) URL');
  return url;
}

/** The cookies that identify the browser to Clerk's host, and tell applications about a change (production instances). */
export function clientCookies(browsers: BrowserSessions, client: Client): string[] {
  if (browsers.isDevelopment) return [];
  return [`__client=${client.token}; Path=/; SameSite=Lax; HttpOnly`, ...browsers.announcement(client)];
}
