type DebugData = Readonly<Record<string, unknown>>;

/** How many characters Clerk shows of a key or token: its kind, and nothing of the rest. */
const SHOWN_CHARACTERS = 7;

/**
 * What is shown in full. Everything else is taken for a secret, so that a field which a later version of Clerk adds is
 * one until it is listed here.
 */
const SHOWN_IN_FULL: ReadonlySet<string> = new Set([
  ...['status', 'reason', 'message', 'acceptsToken', 'instanceType'],
  ...['publishableKey', 'frontendApi', 'originalFrontendApi', 'cookieSuffix', 'apiUrl', 'apiVersion'],
  ...['domain', 'proxyUrl', 'signInUrl', 'signUpUrl', 'afterSignInUrl', 'afterSignUpUrl'],
  ...['audience', 'authorizedParties', 'organizationSyncOptions'],
  ...['method', 'host', 'origin', 'forwardedHost', 'forwardedProto', 'userAgent', 'secFetchDest', 'accept'],
]);

/**
 * A `debug()` that shows no secret. Clerk's shortens some keys and tokens, but shows the machine secret key and the nonce
 * of a handshake, and hands out the request with all its credentials (perhaps that of another caller with the same
 * token) and the live Backend client.
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
  // Clients, requests and URLs: what they hold cannot be told.
  return typeof value === 'function' || Object(value) === value ? [] : [[name, value]];
}
