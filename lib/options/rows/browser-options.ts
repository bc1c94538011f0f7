import type { OrganizationSyncOptions } from '@clerk/backend/internal';

import { boolean, fields, listOfStrings, orFunction, type Check } from '../option-checks.js';
import { option } from '../option-row.js';
import { hostname, mountPath, urlOrPath } from '../url-checks.js';

/** Clerk's Frontend API under a path of this server. */
export interface FrontendApiProxyOptions {
  /** Whether the proxy is enabled: always, never, or for which URLs (as the browser sees them). */
  enabled: boolean | ((url: URL) => boolean);
  /**
   * The path of the proxy.
   * @default '/__clerk'
   */
  path?: string | undefined;
}

const proxyFields = fields<FrontendApiProxyOptions>({ enabled: orFunction(boolean), path: mountPath });

const frontendApiProxy: Check<FrontendApiProxyOptions> = (value) =>
  proxyFields(value) ??
  ((value as { enabled?: unknown }).enabled === undefined ? 'needs enabled: true, false, or a function' : undefined);

/** Removes the trailing slash of the path, as Clerk expects it. */
function resolveProxy(proxy: FrontendApiProxyOptions | undefined): Required<FrontendApiProxyOptions> | undefined {
  return proxy && { enabled: proxy.enabled, path: (proxy.path ?? '/__clerk').replace(/\/$/, '') };
}

/** Patterns of Clerk's organization sync, in the syntax of path-to-regexp. */
const listOfPaths: Check<string[]> = (value) =>
  listOfStrings(value) ??
  ((value as string[]).every((path) => path.startsWith('/')) ? undefined : 'must be paths that start with "/"');

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

const parseBoolean = (text: string): unknown => BOOLEANS.get(text.toLowerCase()) ?? text;

/** Redirects, handshakes, satellites and proxies: what only browsers need. */
export const BROWSER_OPTIONS = {
  /**
   * Redirects page navigations to Clerk to refresh an expired session. Set it to `false` for a backend that only serves
   * an API: nothing is redirected then, and handshake parameters and cookies are ignored.
   * @default true
   */
  enableHandshake: option({ scope: 'request', default: true, check: boolean }),

  /**
   * Redirects page navigations that are not signed in to `signInUrl`, else to `/`, with the URL to return to. Fetches
   * still get 401. So do navigations that signing in would not help: on a route that accepts no session, or that denies
   * the session for its `azp` or `aud`. `@RedirectToSignIn()` does it for single controllers and handlers.
   *
   * @default false
   */
  redirectToSignIn: option({ scope: 'module', default: false, check: boolean }),

  /**
   * The URL of the sign-in page. Required, and absolute, for satellites of a development instance.
   * @default process.env.CLERK_SIGN_IN_URL
   */
  signInUrl: option({ scope: 'request', env: 'CLERK_SIGN_IN_URL', check: urlOrPath }),

  /** The URL of the sign-up page. */
  signUpUrl: option({ scope: 'request', check: urlOrPath }),

  /** Where Clerk sends users after sign-in, unless the redirect says otherwise. */
  afterSignInUrl: option({ scope: 'request', check: urlOrPath }),

  /** Where Clerk sends users after sign-up, unless the redirect says otherwise. */
  afterSignUpUrl: option({ scope: 'request', check: urlOrPath }),

  /**
   * URL patterns that name an organization. A handshake activates it when a session with another one arrives there:
   * `{ organizationPatterns: ['/orgs/:slug', '/orgs/:slug/(.*)'], personalAccountPatterns: ['/me'] }`.
   */
  organizationSyncOptions: option({
    scope: 'request',
    check: fields<{ [Name in keyof OrganizationSyncOptions]: OrganizationSyncOptions[Name] | undefined }>({
      organizationPatterns: listOfPaths,
      personalAccountPatterns: listOfPaths,
    }),
  }),

  /**
   * Whether this application is a satellite: users sign in on another domain.
   * @default process.env.CLERK_IS_SATELLITE, else false
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/satellite-domains
   */
  isSatellite: option({
    scope: 'request',
    env: 'CLERK_IS_SATELLITE',
    parse: parseBoolean,
    default: false,
    check: orFunction(boolean),
  }),

  /**
   * The domain of a satellite, without scheme.
   * @default process.env.CLERK_DOMAIN
   */
  domain: option({ scope: 'request', env: 'CLERK_DOMAIN', check: orFunction(hostname) }),

  /**
   * Whether a satellite asks the primary domain for the session on the first visit. The default is Clerk's.
   */
  satelliteAutoSync: option({ scope: 'request', check: boolean }),

  /**
   * Where Clerk's Frontend API is proxied: an absolute URL, or a path of this server.
   * @default process.env.CLERK_PROXY_URL
   */
  proxyUrl: option({ scope: 'request', env: 'CLERK_PROXY_URL', check: orFunction(urlOrPath) }),

  /**
   * Serves Clerk's Frontend API under a path of this server, for browsers that cannot reach Clerk's own domain.
   * `proxyUrl` is set automatically. Needs `app.use(frontendApiProxy(app))` in main.ts, before the application listens.
   * Returns 503 if Clerk does not begin to answer within `timeoutInMs`.
   *
   * @see https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
   */
  frontendApiProxy: option({ scope: 'module', check: frontendApiProxy, resolve: resolveProxy }),
};
