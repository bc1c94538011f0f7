import { invalidParameter, missingParameter } from '../api-error.js';
import type { BrowserSessions } from './browser-sessions.js';
import type { Client } from './clients.js';

/**
 * Where a browser came from, as `redirect_url` says.
 * @throws ApiError 422 where it is no web page.
 */
export function wayBack(fields: URLSearchParams): URL {
  const text = fields.get('redirect_url');
  if (!text) throw missingParameter('redirect_url');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw invalidParameter('redirect_url', 'must be an absolute http(s) URL');
  return url;
}

/** The cookies by which a production instance's own host knows a browser again, and its applications hear of a change. */
export function knownBy(browsers: BrowserSessions, client: Client): string[] {
  if (browsers.isDevelopment) return [];
  return [`__client=${client.token}; Path=/; SameSite=Lax; HttpOnly`, ...browsers.announcement(client)];
}
