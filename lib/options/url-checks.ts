import type { Check } from './option-checks.js';

export const absoluteUrl: Check<string> = (value) =>
  typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)
    ? undefined
    : 'must be an absolute http(s) URL';

export const urlOrPath: Check<string> = (value) =>
  typeof value === 'string' && /^\/(?![/\\])/.test(value)
    ? undefined
    : absoluteUrl(value) && `${absoluteUrl(value)} or a path of this server that starts with one "/"`;

export const hostname: Check<string> = (value) =>
  typeof value === 'string' && /^[a-z0-9.-]+(:\d+)?$/i.test(value)
    ? undefined
    : 'must be a host name without scheme or path, such as "app.example.com"';

/** A path under which something is mounted: plain segments, without a query. */
export const mountPath: Check<string> = (value) =>
  typeof value === 'string' && /^(\/[\w.~-]+)+\/?$/.test(value) ? undefined : 'must be a path such as "/__clerk"';
