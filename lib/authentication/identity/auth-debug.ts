type DebugData = Readonly<Record<string, unknown>>;

/** The number of leading characters that Clerk shows of a key or token: enough to tell its kind, not to use it. */
const SHOWN_CHARACTERS = 7;

/**
 * Fields that are shown in full. Every other field is treated as a secret, so a field that a later version of Clerk
 * adds stays hidden until it is listed here.
 */
const SHOWN_IN_FULL: ReadonlySet<string> = new Set([
  ...['status', 'reason', 'message', 'acceptsToken', 'instanceType'],
  ...['publishableKey', 'frontendApi', 'originalFrontendApi', 'cookieSuffix', 'apiUrl', 'apiVersion'],
  ...['domain', 'proxyUrl', 'signInUrl', 'signUpUrl', 'afterSignInUrl', 'afterSignUpUrl'],
  ...['audience', 'authorizedParties', 'organizationSyncOptions'],
  ...['method', 'host', 'origin', 'forwardedHost', 'forwardedProto', 'userAgent', 'secFetchDest', 'accept'],
]);

/**
 * Wraps `debug()` so that it shows no secrets. Clerk's own `debug()` shortens some keys and tokens, but exposes the
 * machine secret key, the handshake nonce, the live Backend client, and the request with all its credentials (possibly
 * those of another caller with the same token).
 */
export function safeDebug(debug: () => unknown): () => DebugData {
  return () => withoutSecrets(debug() as DebugData);
}

function withoutSecrets(data: DebugData): DebugData {
  return Object.fromEntries(Object.entries(data).flatMap(([name, value]) => show(name, value)));
}

function show(name: string, value: unknown): [name: string, shown: unknown][] {
  if (SHOWN_IN_FULL.has(name)) return [[name, value]];
  if (typeof value === 'string') return [[name, value.slice(0, SHOWN_CHARACTERS)]];
  // Functions and objects (clients, requests, URLs) are dropped, since they may contain secrets.
  return typeof value === 'function' || Object(value) === value ? [] : [[name, value]];
}
