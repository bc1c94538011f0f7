import { BackendApi, type KeyHolder } from './backend-api/backend-api.js';
import { browserSessionRoutes } from './backend-api/browser-session-routes.js';
import { machineTokenRoutes } from './backend-api/machine-token-routes.js';
import { machineRoutes } from './backend-api/machine-routes.js';
import { organizationRoutes } from './backend-api/organization-routes.js';
import { sessionRoutes } from './backend-api/session-routes.js';
import { userRoutes } from './backend-api/user-routes.js';
import type { Outage } from './faults.js';
import { FrontendApi } from './frontend-api/frontend-api.js';
import { LocalClerkError } from './local-clerk.error.js';
import { LocalAccounts } from './local-accounts.js';
import type { InstanceType } from './local-instance.js';
import { LocalServer, type ReceivedRequest } from './local-server.js';

/** Options of {@link LocalClerk.start}. */
export interface LocalClerkOptions {
  /** The port; 0 for any free one. @default 0 */
  readonly port?: number;
  /** A development instance passes sessions to the application in the URL, a production one in cookies. @default 'development' */
  readonly instanceType?: InstanceType;
}

/** The options that connect an application to a local Clerk. */
export interface LocalClerkModuleOptions {
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly apiUrl: string;
  readonly proxyUrl: string;
  readonly signInUrl: string;
  readonly signUpUrl: string;
  readonly telemetry: { disabled: true };
}

/**
 * A local Clerk in this process, over HTTP on loopback: the Backend API, the Frontend API that browsers use, pages to sign
 * in and out, and real RS256 tokens. For tests and samples only: it requires no passwords and must never be exposed to
 * the internet.
 *
 * @example
 * ```ts
 * const clerk = await LocalClerk.start();
 * ClerkModule.forRoot(clerk.options);
 * await fetch(url, { headers: { Authorization: `Bearer ${await clerk.sessionToken()}` } });
 * await clerk.stop();
 * ```
 */
export class LocalClerk extends LocalAccounts {
  private readonly server: LocalServer;
  private port = 0;

  private constructor(instanceType: InstanceType) {
    super(instanceType);
    const { store, keys, tokens, browsers } = this;
    const backendApi = new BackendApi(
      {
        'GET /v1/jwks': () => keys.jwks(),
        ...userRoutes(store),
        ...organizationRoutes(store),
        ...sessionRoutes(store, tokens),
        ...browserSessionRoutes(browsers),
        ...machineRoutes(store),
        ...machineTokenRoutes(store, tokens),
      },
      (key) => this.holderOf(key),
    );
    const frontendApi = new FrontendApi(store, tokens, browsers);
    this.server = new LocalServer((path) => (frontendApi.serves(path) ? frontendApi : backendApi));
  }

  /**
   * Starts a local Clerk with keys of its own.
   * @throws LocalClerkError with code `production` if NODE_ENV is "production", `port-unavailable` if the port is taken.
   * @example
   * ```ts
   * const clerk = await LocalClerk.start({ port: 4010 });
   * ```
   */
  static async start({ port = 0, instanceType = 'development' }: LocalClerkOptions = {}): Promise<LocalClerk> {
    if (process.env.NODE_ENV === 'production') {
      throw new LocalClerkError(
        'production',
        'The local Clerk signs in any caller, so it does not start where NODE_ENV is "production". Set CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY of a real instance, or another NODE_ENV.',
      );
    }
    const clerk = new LocalClerk(instanceType);
    clerk.port = await clerk.server.listen(port);
    return clerk;
  }

  /** Stops immediately and closes open connections. May be called again. */
  stop(): Promise<void> {
    return this.server.close();
  }

  /** Deletes users, organizations, sessions, tokens, requests and outages. Keys and port stay. */
  reset(): void {
    this.store.clear();
    this.browsers.clear();
    this.recover();
    this.server.requests.length = 0;
  }

  /** Its URL, for the options `apiUrl` and `proxyUrl`: its Frontend API is here too, not at {@link issuer}. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * Options for `ClerkModule.forRoot()` and `createClerkClient()`. Keys are fetched over HTTP unless you add `jwtKey`.
   * @example
   * ```ts
   * ClerkModule.forRoot({ ...clerk.options, protection: 'lax' });
   * ```
   */
  get options(): LocalClerkModuleOptions {
    const { publishableKey, secretKey, url } = this;
    return {
      publishableKey,
      secretKey,
      apiUrl: url,
      proxyUrl: url,
      signInUrl: `${url}/sign-in`,
      signUpUrl: `${url}/sign-up`,
      telemetry: { disabled: true },
    };
  }

  /** The same as environment variables: `Object.assign(process.env, clerk.env)`. */
  get env(): Record<string, string> {
    const { publishableKey, secretKey, apiUrl, proxyUrl, signInUrl } = this.options;
    return {
      CLERK_PUBLISHABLE_KEY: publishableKey,
      CLERK_SECRET_KEY: secretKey,
      CLERK_API_URL: apiUrl,
      CLERK_PROXY_URL: proxyUrl,
      CLERK_SIGN_IN_URL: signInUrl,
      CLERK_TELEMETRY_DISABLED: '1',
    };
  }

  /**
   * Simulates an outage until {@link recover}: errors, delays or invalid responses. The second argument limits it to
   * paths with that prefix.
   * @example
   * ```ts
   * clerk.outage({ status: 429, retryAfter: 30 }, '/api_keys');
   * clerk.outage(['refuse', 'healthy']); // every other request
   * ```
   */
  outage(kind: Outage, pathPrefix = '/'): void {
    this.server.outage = { kind, pathPrefix, affectedRequests: 0 };
  }

  /** Ends an {@link outage}. Requests that hang keep hanging. */
  recover(): void {
    this.server.outage = undefined;
  }

  /** All requests received since start or {@link reset}. */
  get requests(): readonly ReceivedRequest[] {
    return this.server.requests;
  }

  /** The number of requests received on paths with this prefix. */
  countRequests(pathPrefix = '/'): number {
    return this.requests.filter(({ path }) => path.startsWith(pathPrefix)).length;
  }

  private holderOf(key: string): KeyHolder {
    if (key === this.secretKey) return { machineId: undefined };
    const machine = [...this.store.machines.values()].find(({ secret_key }) => secret_key === key);
    return machine && { machineId: machine.id };
  }
}
